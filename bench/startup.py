"""How long until the first answer of a fresh process, beside importing SymPy?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from timing import ROOT, alternate, print_table, print_versions, ratio, show_ratio

ROUNDS = 11
# What each start must leave unloaded.
HEAVY = {"numpy", "torch"}
COMMANDS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    'python -c "pass"': (("-c", "pass"), HEAVY),
    'python -c "import sympy"': (("-c", "import sympy"), HEAVY),
    'python -c "import derive"': (("-c", "import derive"), HEAVY),
    "quartic derive infonce": (("-m", "verify.command.cli", "derive", "infonce"), {"torch"}),
    "quartic --help": (("-m", "verify.command.cli", "--help"), {"torch", "sympy"}),
}
PEER = 'python -c "import sympy"'


def main() -> None:
    """Check what is loaded, then time every start; the files stand in the disk's cache."""
    print_versions("sympy", "click")
    for name, (arguments, forbidden) in COMMANDS.items():
        if loaded := forbidden & imported(arguments):
            raise SystemExit(f"{name} loads {', '.join(sorted(loaded))}")
    sides = {name: partial(start, arguments) for name, (arguments, _) in COMMANDS.items()}
    times = alternate(sides, rounds=ROUNDS)
    rows = [(name, str(times[name]), show_ratio(ratio(times[name], times[PEER]))) for name in COMMANDS]
    print_table("Wall time of a fresh process", ("command", "time", "over importing SymPy"), rows)


def start(arguments: Sequence[str]) -> str:
    """Run Python with these arguments in the checkout; its standard error."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False, capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(f"python {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stderr


def imported(arguments: Sequence[str]) -> set[str]:
    """The modules that a process imports, as `python -X importtime` lists them."""
    lines = start(["-X", "importtime", *arguments]).splitlines()
    return {line.rsplit("|", 1)[1].strip() for line in lines if line.startswith("import time:")}


if __name__ == "__main__":
    main()
