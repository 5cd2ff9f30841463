"""The wheel installs the packages derive, numeric and verify, the command quartic, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"derive", "numeric", "verify"}


def unexpected(names: list[str]) -> set[str]:
    """Top-level names that are missing from a wheel, or have no place in it."""
    tops = {name.partition("/")[0] for name in names}
    return {top for top in tops ^ PACKAGES if not (top in tops and top.endswith(".dist-info"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def test_it_holds_exactly_the_three_packages(wheel):
    assert unexpected(wheel.namelist()) == set()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["derive/a.py", "numeric/a.py", "verify/a.py", "quartic-0.1.0.dist-info/RECORD"], set()),
        (["derive/a.py", "numeric/a.py", "verify/a.py", "tests/test_a.py"], {"tests"}),
        (["derive/a.py", "numeric/a.py", "stray.py"], {"stray.py", "verify"}),
    ],
)
def test_a_wrong_content_is_found(names, found):
    assert unexpected(names) == found


def test_it_holds_every_module_of_the_tree(wheel):
    tree = {file.relative_to(ROOT).as_posix() for name in PACKAGES for file in (ROOT / name).rglob("*.py")}
    assert tree == {name for name in wheel.namelist() if name.endswith(".py")}


def test_it_holds_what_a_page_is_made_of(wheel):
    templates = {file.relative_to(ROOT).as_posix() for file in (ROOT / "verify").rglob("*.jinja")}
    assert len(templates) == 4
    assert templates | {"verify/reports/page.css"} <= set(wheel.namelist())


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_it_is_typed(wheel, package):
    assert f"{package}/py.typed" in wheel.namelist()


def test_it_installs_the_command(wheel):
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "quartic = verify.command.supervised:main" in wheel.read(entry_points).decode().splitlines()


def test_it_carries_its_licence(wheel):
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
