"""What does the pytest plugin cost a project that has nothing to do with quartic?

``pytest --collect-only`` with the plugin and with it switched off (``-p no:quartic``), in turn; other plugins are off
on both sides. It is the processor's time of the children that is measured, which waiting for other programs does not
lengthen.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from timing import alternate, print_table, print_versions

OTHERS = [part for one in entry_points(group="pytest11") if one.name != "quartic" for part in ("-p", f"no:{one.name}")]
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
LIMIT = 0.050
TESTS = "def test_one():\n    assert 1 + 1 == 2\n\n\ndef test_two():\n    assert 2 * 2 == 4\n"


def main() -> None:
    """Measure, and fail where the plugin takes more than the limit."""
    print_versions("quartic", "pytest", "pluggy")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_unrelated.py").write_text(TESTS, "utf-8")
        sides = {
            name: partial(collect, folder, *arguments)
            for name, arguments in (("without", ("-p", "no:quartic")), ("with", ()))
        }
        times = alternate(sides, rounds=ROUNDS, clock=children)
    added = sorted(one - other for one, other in zip(times["with"].samples, times["without"].samples, strict=True))
    middle = added[len(added) // 2]
    rows = [(name, str(times[name])) for name in sides]
    low, high = added[len(added) // 4], added[-1 - len(added) // 4]
    rows.append(("added", f"{1e3 * middle:.1f} ms (quartiles {1e3 * low:.1f} and {1e3 * high:.1f})"))
    print_table("Processor time of pytest --collect-only", ("plugin", "time"), rows)
    if middle > LIMIT:
        raise SystemExit(f"the plugin adds {1e3 * middle:.0f} ms; {1e3 * LIMIT:.0f} is the limit")


def collect(folder: str, *arguments: str) -> None:
    """Collect once."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *OTHERS, *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def children() -> float:
    """Seconds of the processor that finished children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
