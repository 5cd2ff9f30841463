"""Do two engines that share no code expand random losses alike, in exact fractions?

python bench/oracle.py 10000 1 oracle.jsonl
python bench/oracle.py 2000 1 encoders.jsonl encoders
python bench/oracle.py 2000 1 classes.jsonl classes
python bench/oracle.py 2000 1 noise.jsonl noise

Losses are drawn from the whole language, with data, dimensions, orders, N; with views under two augmentations or
through two encoders, those of the catalogue are among them. Data may have a mean, classes or noise that depends on the
datum. A run that was stopped goes on from its file.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

from timing import print_versions

from verify.assurance.oracle.many import case_of, many, summed
from verify.assurance.oracle.two_kinds import Kinds
from verify.running.sweeps.running import run

# Seconds that one case may take.
LIMIT = 60.0


def main(count: int = 10_000, seed: int = 0, file: str = "oracle.jsonl", kinds: Kinds = "one") -> int:
    """Compare, print a summary, and return 1 where the engines differ."""
    begun, done = perf_counter(), 0.0
    sweep = many(count, seed, LIMIT, kinds)

    def tick(units: float) -> None:
        nonlocal done
        done += units
        said = f"{done:.0f} of {len(sweep.units)} units, {perf_counter() - begun:.0f} s"
        if sys.stderr.isatty():
            print(f"\r{said}", end="", file=sys.stderr)
        elif int(done) % 10 == 0:
            print(said, file=sys.stderr)

    print_versions("quartic", "sympy")
    found = summed(run(sweep, file, tick=tick, say=lambda sentence: print(sentence, file=sys.stderr)))
    print(file=sys.stderr)
    for feature, number in found["features"].items():
        print(f"{number:>8}  {feature}")
    for number, said in found["different"]:
        print(f"case {number} differs: {said}\n{case_of(seed, number, kinds).text()}")
    print(
        f"{found['compared']} losses compared, {found['definitions']} different definitions, seed {seed}:"
        f" {len(found['different'])} disagreements, {found['refused']} refused by both for odd orders,"
        f" {len(found['too long'])} over {LIMIT:g} s; {perf_counter() - begun:.0f} s"
    )
    return 1 if found["different"] or found["too long"] else 0


if __name__ == "__main__":
    count, seed, *others = sys.argv[1:] or ("10000", "0")
    sys.exit(main(int(count), int(seed), *others))
