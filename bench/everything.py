"""All benchmarks, one after the other, and the page that shows them.

Each script's output is kept in out/bench with its date; what is there already is not run again, so that a run that was
stopped goes on. `--page` writes docs/bench.md from what there is. Close other programs, and expect half an hour.

    python bench/everything.py [--page] [NAME]...
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from timing import ROOT

from verify.running.sweeps.writing import write_whole

OUT = ROOT / "out" / "bench"
PAGE = ROOT / "docs" / "bench.md"
PICTURE = "docs/static/growth.png"


class Script(NamedTuple):
    """A benchmark.

    Attributes:
        arguments: of its command line.
        least: that the machine has to do, where it is known.
        picture: what it draws, and what is seen there.

    """

    arguments: tuple[str, ...] = ()
    least: str = ""
    picture: str = ""


# Shortest first.
SCRIPTS = {
    "startup": Script(),
    "derivation": Script(least="distinct trace words of an order: 1 at order 4 of InfoNCE, 1 at order 6"),
    "moments": Script(least="distinct words of a moment: 2 to 11"),
    "monte_carlo": Script(),
    "blackbox": Script(),
    "plugin": Script(("30",)),
    "landscape": Script(),
    "kernels": Script(least="the matrix products of the formula: a ratio of 1"),
    "growth": Script(
        (PICTURE,),
        "one trace word an order; the matrix products of a kernel; an exponential a pair and three products a batch",
        "Seconds a call against order, dimension and size of a batch: quartic, its peers, dashed what must be done",
    ),
    "training": Script(("3",), "three matrix products and one exponential a pair and step"),
    "last_layer": Script(least="one pass of exp over all pairs a point"),
}

HEAD = """# Benchmarks

What each script of `bench/` printed: medians over rounds in which both sides were timed in turn, with their range. What
is asked, who the peers are, and what stands out is said in `bench/README.md`. Written by
`python bench/everything.py --page`."""


def main() -> None:
    """Run what is asked for and missing; write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(SCRIPTS)}; all unless given")
    parser.add_argument("--page", action="store_true", help="write docs/bench.md")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in SCRIPTS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(SCRIPTS)}")
    OUT.mkdir(parents=True, exist_ok=True)
    for name in asked.names or ([] if asked.page else SCRIPTS):
        if not kept(name).exists():
            run(name)
    if asked.page:
        write_whole(PAGE, page().encode())
        print(f"→ {PAGE.relative_to(ROOT)}")


def kept(name: str) -> Path:
    """Where a script's output is kept."""
    return OUT / f"{name}.json"


def run(name: str) -> None:
    """Run one script, and keep what it prints."""
    command = ["python", f"bench/{name}.py", *SCRIPTS[name].arguments]
    print(f"$ {' '.join(command)}", flush=True)
    ran = subprocess.run([sys.executable, *command[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(ran.stdout, flush=True)
    if ran.returncode:
        print(f"{name} ended with status {ran.returncode}, and is not kept", file=sys.stderr)
        return
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    found = {"command": " ".join(command), "when": when, "machine": machine, "said": ran.stdout.strip()}
    write_whole(kept(name), json.dumps(found, indent=2, ensure_ascii=False).encode())


def page() -> str:
    """The page: what each script printed, with its command, date and machine."""
    parts = [HEAD]
    for name, script in SCRIPTS.items():
        if kept(name).exists():
            found = json.loads(kept(name).read_text("utf-8"))
            least = f" The least that can be: {script.least}." if script.least else ""
            parts.append(f"## {name.replace('_', ' ').capitalize()}")
            parts.append(f"`{found['command']}`, {found['when']}, {found['machine']}.{least}")
            if script.picture:
                parts.append(f"![{script.picture}]({Path(PICTURE).relative_to('docs')})")
            parts.append(textwrap.indent(found["said"], "    "))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
