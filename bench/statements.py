"""Is anything wrong that an audit says of a landscape: index, global, bounded, never, always, conditions, transition?

python bench/statements.py [--count 500] [--seed S] [--seconds S] [--workers W] [--out FOLDER] [--json FILE]
python bench/statements.py --names [--processor S] [--count 40] …

Random losses of the language are audited: both signs of each coupling, sums over coordinates, penalty, bias, decay,
logarithms of exponentials, degenerate ones among them. The truth stands beside each, written by hand in NumPy
(`tests/verify/assurance/statements`), and each statement is read from its text and checked by minimisers, Hessians and
limits along rays. With --names each loss has its parameters renamed to what the theory, SymPy or Python call something
of their own, and the answers have to be equal: formulas in value, conditions at the same settings, sentences in their
words around equal formulas. After --processor seconds of processor time the rest of a loss's names is skipped. What is
left undetermined is counted apart, as is what numbers do not decide. A run that was stopped goes on where it was;
another FOLDER, or an empty one, begins anew.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# One thread, set before NumPy and torch read it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))
# Before this folder, in which this file has the same name as the package.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "verify" / "assurance"))

from statements.sweeping import audits, renamings

from derive import InputError
from verify.running.sweeps.running import run
from verify.running.sweeps.writing import usable_folder, write_whole

Row = dict[str, Any]


def main() -> int:
    """Audit, print what is wrong and the counts; 1 where something is wrong, 2 where that is not possible."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="random losses")
    parser.add_argument("--seed", type=int, default=0, help="of the first")
    parser.add_argument("--seconds", type=float, default=120.0, help="that one loss may take, its checks included")
    parser.add_argument("--workers", type=int, default=1, help="processes beside each other")
    parser.add_argument("--names", action="store_true", help="rename the parameters instead, and compare the answers")
    parser.add_argument("--processor", type=float, default=1e9, help="seconds of processor time for one loss's names")
    parser.add_argument("--out", default="out/statements", metavar="FOLDER", help="where the results are kept")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    given = parser.parse_args()
    some = (given.count, given.seed, given.seconds)
    sweep = renamings(*some, given.processor) if given.names else audits(*some)
    done = 0.0

    def tick(units: float) -> None:
        nonlocal done
        done += units
        print(f"\r{done:.0f} of {given.count} losses", end="", file=sys.stderr)

    try:
        path = usable_folder(given.out) / f"{sweep.fingerprint[:12]}.jsonl"
        rows = run(sweep, path, workers=given.workers, tick=tick, say=lambda said: print(said, file=sys.stderr))
    except InputError as error:
        print(f"statements: {error}", file=sys.stderr)
        return 2
    print(file=sys.stderr)
    if given.json:
        write_whole(Path(given.json), json.dumps(rows, ensure_ascii=False, indent=1).encode())
    print("\n".join([*faults(rows), "", *(of_names(rows) if given.names else counts(rows))]))
    return 1 if any(row["wrong"] or row["fault"] for row in rows) else 0


def faults(rows: list[Row]) -> Iterator[str]:
    """What is wrong, by kind, the shortest example of each first; and what the bench could not do."""
    kinds: dict[str, list[tuple[int, int, str, str]]] = defaultdict(list)
    for row in rows:
        for kind, said in row["wrong"]:
            kinds[kind].append((len(row["loss"]), row["seed"], row["loss"], said))
    for kind, found in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        _, seed, loss, said = min(found)
        yield f"WRONG {len(found):>4}  {kind}\n      seed {seed}: {loss}\n      {said}"
    yield from (f"FAULT seed {row['seed']}: {row['loss']}: {row['fault']}" for row in rows if row["fault"])


def of_names(rows: list[Row]) -> Iterator[str]:
    """How many answers stayed the same, and what was skipped."""
    wrong, broken = sum(len(row["wrong"]) for row in rows), sum(bool(row["fault"]) for row in rows)
    tried = sum(bool(row["equal"] or row["wrong"]) for row in rows)
    equal = sum(row["equal"] for row in rows)
    yield f"{len(rows)} losses, {tried} tried, {equal} answers equal under another name, {wrong} not, {broken} faults"
    skipped: Counter[str] = Counter()
    for row in rows:
        skipped.update(row["skipped"])
    yield from (f"{number:>7}  skipped: {why}" for why, number in skipped.most_common())


def counts(rows: list[Row]) -> Iterator[str]:
    """How many statements were checked, and what is left open or skipped, and why."""
    wrong = sum(bool(row["wrong"]) for row in rows)
    statements = Counter(kind for row in rows for kind in row["right"])
    checks = sum(sum(row["right"].values()) for row in rows)
    broken = sum(bool(row["fault"]) for row in rows)
    yield f"{len(rows)} losses, {wrong} with something wrong, {broken} faults of the bench"
    yield f"{sum(statements.values())} statements right, in {checks} checks, by kind:"
    yield from (f"{number:>7}  {kind}" for kind, number in sorted(statements.items()))
    yield "not determined, by reason:"
    yield from (
        f"{number:>7}  {why}" for why, number in Counter(one for row in rows for one in row["open"]).most_common(40)
    )
    yield "checks skipped, by reason:"
    skipped: Counter[str] = Counter()
    for row in rows:
        skipped.update(row["skipped"])
    yield from (f"{number:>7}  {why}" for why, number in skipped.most_common())
    slowest = max(rows, key=lambda row: row["derived"])
    seconds = sum(row["derived"] for row in rows)
    yield f"derived in {seconds:.0f} s, the slowest (seed {slowest['seed']}) in {slowest['derived']:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
