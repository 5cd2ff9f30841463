"""Do the tests pass with the oldest versions that pyproject.toml allows, and with the newest that there are?

Makes a fresh environment under out/versions for each, installs the project there, and runs its tests with deprecations
as errors. The oldest are the lower bounds that pyproject.toml states; what these packages need in turn is left to
the installer. torch is installed as the index has it, which may be gigabytes; without it: --extras "".

    python bench/versions.py [oldest|newest]... [--extras torch,plot,report] [--keep torch==2.13.0] [--tests ARGUMENTS]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from timing import ROOT, print_table

from derive import InputError

# What the tests themselves need; the linter and the type checker are the same everywhere.
TOOLS = (
    "pytest>=8",
    "hypothesis>=6.100",
    "pytest-xdist>=3.6",
    "pytorch-metric-learning==2.9.0",
    "info-nce-pytorch==0.1.4",
)
# Tests of style, types, the wheel and the site do not depend on what is installed beside.
LEFT_OUT = ("tests/contracts", "tests/docs", "docs")
# Beside the oldest: matplotlib 3.9 calls what pyparsing has deprecated since 3.3.
BESIDE = ("pyparsing<3.3",)
SHOWN = ("sympy", "mpmath", "numpy", "scipy", "click", "torch", "matplotlib", "jinja2", "math-core", "pylatexenc")


def main() -> None:
    """Print one row for each environment, and fail where tests fail."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("which", nargs="*", choices=["oldest", "newest"], default=["oldest", "newest"])
    parser.add_argument("--extras", default="torch,plot,report,images,networks,cluster")
    parser.add_argument("--keep", action="append", default=[], help="a version to take in place of a bound")
    parser.add_argument("--tests", nargs=argparse.REMAINDER, default=[], help="what to hand to pytest")
    asked = parser.parse_args()
    extras = [name for name in asked.extras.split(",") if name]
    rows = [row(which, extras, asked.keep, asked.tests) for which in asked.which]
    print_table("The tests, by versions", ["", "versions", "tests"], rows)
    if any("failed" in said or "error" in said for *_, said in rows):
        sys.exit(1)


def row(which: str, extras: list[str], keep: list[str], tests: list[str]) -> list[str]:
    """One environment: what is installed, and what pytest says last."""
    place = ROOT / "out" / "versions" / which
    venv.create(place, clear=True, with_pip=True)
    python = str(place / "bin" / "python")
    bounds = place / "bounds.txt"
    kept = {one.partition("==")[0] for one in keep}
    lowest = [one for one in lower_bounds(extras) if one.partition("==")[0] not in kept]
    bounds.write_text("\n".join([*keep, *([*lowest, *BESIDE] if which == "oldest" else [])]), "utf-8")
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    subprocess.run([python, "-m", "pip", "install", "-q", "-c", str(bounds), "-e", target, *TOOLS], check=True)
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    versions = dict(one.lower().split("==") for one in listed.stdout.split() if "==" in one)
    left_out = [f"--ignore={folder}" for folder in LEFT_OUT]
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, *tests]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (place / "pytest.txt").write_text(ran.stdout + ran.stderr, "utf-8")
    said = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ran.stderr.strip()[-200:]
    return [which, ", ".join(f"{name} {versions[name]}" for name in SHOWN if name in versions), said]


def lower_bounds(extras: list[str]) -> list[str]:
    """The lower bounds of the requirements, as constraints.

    Raises:
        InputError: a requirement states none.

    """
    project = tomllib.loads(Path(ROOT, "pyproject.toml").read_text("utf-8"))["project"]
    wanted, found = list(extras), list(project["dependencies"])
    for extra in wanted:
        for one in project["optional-dependencies"][extra]:
            nested = re.fullmatch(r"quartic\[([\w,]+)\]", one)
            if nested:
                wanted += [name for name in nested[1].split(",") if name not in wanted]
            else:
                found.append(one)
    bounds = []
    for requirement in found:
        stated = re.match(r"([\w-]+)>=([\d.]+)", requirement)
        if stated is None:
            message = f"{requirement!r} in pyproject.toml states no lower bound"
            raise InputError(message)
        bounds.append(f"{stated[1]}=={stated[2]}")
    return bounds


if __name__ == "__main__":
    main()
