"""How often does the checker err? Mutants that each route lets through, and false alarms of each statistical check.

python bench/error_rates.py [--quick] [--laws] [--claim ID] [--out FOLDER] [--write] [--seed S]

A run that was stopped goes on where it was with the same command: all results are in FOLDER. With --write the tables go
into docs/error_rates.md, with --laws those of laws and of two kinds of views alone. Over an hour on one core; seconds
with --quick, which measures a little of everything, and with --claim, which prints the rows of one claim or several.
"""

from __future__ import annotations

import os
import platform
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

# One thread, set before NumPy and torch read it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from derive import InputError
from verify.assurance.error_rates.measuring import false_alarms, judged, mutants, of_laws
from verify.assurance.error_rates.tables import of_mutants, tables
from verify.running.progress import sweep_progress
from verify.running.sweeps.running import run
from verify.running.sweeps.sweep import Sweep
from verify.running.sweeps.writing import usable_folder, write_whole

PAGE = Path(__file__).resolve().parents[1] / "docs" / "error_rates.md"
# What stands between these marks, each with "/" at its end, is written.
WHOLE, LAWS = "error-rates", "error-rates-laws"


def main() -> int:
    """Measure what is not measured yet, and print or write the tables; 2 where that is not possible."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a little of everything, in seconds")
    parser.add_argument("--laws", action="store_true", help="the mutants of laws and of two kinds of views alone")
    parser.add_argument("--claim", action="append", metavar="ID", help="the mutants of a claim alone, printed")
    parser.add_argument("--out", default="out/error_rates", metavar="FOLDER", help="where the results are kept")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/error_rates.md")
    parser.add_argument("--seed", type=int, default=0, help="of the statistical checks' runs")
    given = parser.parse_args()
    if given.quick and given.write:
        parser.error("--write takes the whole measurement: leave out --quick")
    try:
        if given.claim:
            units = [{"kind": "claim", "subject": one, "seed": 0} for one in given.claim]
            print(of_mutants([(unit, judged(**unit)) for unit in units]))
            return 0
        for mark, text in measured(given.out, quick=given.quick, laws=given.laws, seed=given.seed):
            print(text)
            if given.write:
                write(mark, text)
    except InputError as error:
        print(f"error_rates: {error}", file=sys.stderr)
        return 2
    return 0


def measured(out: str, *, quick: bool, laws: bool, seed: int) -> Iterator[tuple[str, str]]:
    """Where tables stand on the page, and the tables, with what they were made by."""
    folder = usable_folder(out)
    if not laws:
        sweeps = (mutants(quick=quick), false_alarms(quick=quick, seed=seed))
        yield WHOLE, f"{_head('')}\n\n{tables(*(_results(one, folder, quick=quick) for one in sweeps))}\n"
    found = of_mutants(_results(of_laws(quick=quick), folder, quick=quick))
    yield LAWS, f"{_head('--laws ')}\n\n{found}\n"


def write(mark: str, text: str) -> None:
    """Put tables into their place on the page."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    write_whole(PAGE, f"{before}{begin}\n{text}\n{end}{after}".encode())


def _head(option: str) -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("sympy", "numpy", "scipy", "torch"))
    return (
        f"Made by `python bench/error_rates.py {option}--write` on {datetime.now(UTC).date()}, Python"
        f" {platform.python_version()}, {versions}, {os.cpu_count()} cores, {platform.machine()}."
    )


def _results(sweep: Sweep, folder: Path, *, quick: bool) -> list[tuple[Any, Any]]:
    return list(zip(sweep.units, run_with_progress(sweep, folder, quick=quick), strict=True))


def run_with_progress(sweep: Sweep, folder: Path, *, quick: bool) -> list[Any]:
    """All results of a sweep, with its progress on a terminal."""
    file = folder / f"{sweep.name.replace(' ', '-')}{'-quick' if quick else ''}.jsonl"
    with sweep_progress(sweep, sweep.name) as tick:
        return run(sweep, file, tick=tick, say=lambda sentence: print(sentence, file=sys.stderr))


if __name__ == "__main__":
    sys.exit(main())
