"""The linter, the formatter and the type checker are content, and a fault would not escape them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = str(ROOT / "pyproject.toml")

RUFF_CHECK = ("ruff", "check", "--config", SETTINGS)
RUFF_FORMAT = ("ruff", "format", "--check", "--config", SETTINGS)
MYPY = ("mypy", "--config-file", SETTINGS)


def run(tool, *arguments):
    return subprocess.run(
        [sys.executable, "-m", *tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        pytest.param(RUFF_CHECK, ["."], id="ruff-check"),
        pytest.param(RUFF_FORMAT, ["."], id="ruff-format"),
        pytest.param(MYPY, [], id="mypy"),
    ],
)
def test_the_tree_is_clean(tool, arguments):
    result = run(tool, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("tool", "source", "complaint"),
    [
        pytest.param(RUFF_CHECK, '"""A module."""\n\nimport os\n', "F401", id="ruff-check"),
        pytest.param(RUFF_FORMAT, "x = [1,2]\n", "would be reformatted", id="ruff-format"),
        pytest.param(MYPY, "def f(x):\n    return x\n", "no-untyped-def", id="mypy-strict"),
        pytest.param(MYPY, "x: int = 'one'\n", "assignment", id="mypy"),
    ],
)
def test_a_fault_is_found(tool, source, complaint, tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(source, "utf-8")
    result = run(tool, str(bad))
    assert result.returncode == 1, result.stdout + result.stderr
    assert complaint in result.stdout + result.stderr
