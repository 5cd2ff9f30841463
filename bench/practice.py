"""Is quartic ever wrong on losses that people train, and does a check pass that was not made?

python bench/practice.py [--only NAME] [--seconds S] [--out FOLDER] [--json FILE]

Losses written from papers, in the ways in which code writes them, are audited as they are and, where they normalise,
with their normalisations replaced. The truth stands beside each, worked out by hand
(`tests/verify/audits/blackbox/practice`). A run that was stopped goes on where it was; another FOLDER, or an empty one,
begins anew.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# One thread, set before NumPy and torch read it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))
# Before this folder, in which this file has the same name as the losses.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "verify" / "audits" / "blackbox"))

from practice.everything import PRACTICE
from practice.sweeping import audits, one

from derive import InputError
from verify.running.sweeps.running import run
from verify.running.sweeps.sweep import Sweep
from verify.running.sweeps.writing import usable_folder, write_whole

Row = dict[str, Any]
COLUMNS = ("loss", "settings", "what", "verdict", "s", "says")


def main() -> int:
    """Audit, print the table and the counts; 1 where something is wrong, 2 where that is not possible."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="NAME", help="losses with this in their name, family/loss; nothing is kept")
    parser.add_argument("--seconds", type=float, default=120.0, help="that one audit may take")
    parser.add_argument("--out", default="out/practice", metavar="FOLDER", help="where the results are kept")
    parser.add_argument("--json", metavar="FILE", help="write the rows there too")
    given = parser.parse_args()
    sweep = audits(given.seconds, given.only)
    if not sweep.units:
        parser.error(f"no loss has {given.only!r} in its name; there are {', '.join(PRACTICE)}")
    try:
        found = [one(**unit) for unit in sweep.units] if given.only else kept(sweep, given.out)
    except InputError as error:
        print(f"practice: {error}", file=sys.stderr)
        return 2
    rows = [{"settings_of_it": PRACTICE[u["name"]].settings, **u, **f} for u, f in zip(sweep.units, found, strict=True)]
    rows.sort(key=lambda row: (list(PRACTICE).index(row["name"]), row["core"]))
    if given.json:
        write_whole(Path(given.json), json.dumps(rows, ensure_ascii=False, indent=1).encode())
    print("\n".join([*table(rows), "", *faults(rows), "", *counts(rows)]))
    return 1 if any(row["wrong"] or row["passed"] for row in rows) else 0


def kept(sweep: Sweep, out: str) -> list[Row]:
    """The results, those of an earlier run among them."""
    done = 0.0

    def tick(units: float) -> None:
        nonlocal done
        done += units
        print(f"\r{done:.0f} of {len(sweep.units)} audits", end="", file=sys.stderr)

    path = usable_folder(out) / f"{sweep.fingerprint[:12]}.jsonl"
    found = run(sweep, path, tick=tick, say=lambda sentence: print(sentence, file=sys.stderr))
    print(file=sys.stderr)
    return found


def table(rows: list[Row]) -> Iterator[str]:
    """A line for each audit."""
    yield "| " + " | ".join(COLUMNS) + " | wrong |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for row in rows:
        name = row["name"] + (", core" if row["core"] else "")
        cells = (name, row["settings_of_it"], row["outcome"], row["verdict"] or "–", f"{row['seconds']:.0f}")
        mark = "✗" if row["wrong"] else "not made" if row["passed"] else ""
        yield "| " + " | ".join((*cells, row["says"].replace("|", "∣"), mark)) + " |"


def faults(rows: list[Row]) -> Iterator[str]:
    """What is wrong, a line each."""
    for row in rows:
        name = row["name"] + (", core" if row["core"] else "")
        yield from (f"WRONG    {name}: {said}" for said in row["wrong"])
        yield from (f"NOT MADE {name}: {said}" for said in row["passed"])


def counts(rows: list[Row]) -> Iterator[str]:
    """How many end in what, and why things are left open."""
    wrong, passed = (sum(bool(row[key]) for row in rows) for key in ("wrong", "passed"))
    losses = len({row["name"] for row in rows})
    yield f"{losses} losses, {len(rows)} audits: {wrong} wrong, {passed} with a check that passed and was not made"
    for what, number in Counter(row["outcome"] for row in rows).most_common():
        yield f"{number:>5}  {what}"
    yield "left open, by reason:"
    reasons = Counter(said for row in rows for said in {re.sub(r"= [\d.]+", "= …", said) for said in row["why"]})
    for said, number in reasons.most_common(25):
        yield f"{number:>5}  {said}"


if __name__ == "__main__":
    sys.exit(main())
