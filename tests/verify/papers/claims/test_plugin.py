"""``pytest --claims FILE``: a user's ledger as test items, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[4] / "examples" / "simon2023.py"
LEDGER = """
import sympy
from verify.papers.claims import Ledger, Measured, Point, Reading

x = sympy.Symbol("x")
ledger = Ledger("mine", "A paper of mine")

@ledger.claim("mine:right", where="Eq. 1", says="L = {L}", recorded="holds", L=3 * x)
@ledger.claim("mine:wrong", where="Eq. 2", says="L = {L}", recorded="holds", L=4 * x)
def investigate():
    yield Reading({"L": 3 * x}, [Measured("L", "exact", "by hand", [Point({"x": 2.0}, 6.0, 1e-9)])])

ledger.not_run("mine:figure", where="Fig. 1", says="a figure", waits_for="training")
"""


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_each_claim_is_an_item_named_by_its_id(tmp_path):
    (tmp_path / "ledger.py").write_text(LEDGER, "utf-8")
    found = run(tmp_path, "--claims", "ledger.py", "-v", "-rs")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "ledger.py::mine:right PASSED" in found.stdout
    assert "ledger.py::mine:wrong FAILED" in found.stdout
    assert "ledger.py::mine:figure SKIPPED" in found.stdout
    assert "not run: training" in found.stdout
    assert "recorded as holds, found refuted:" in found.stdout
    assert "corrected     L = 3 x" in found.stdout
    assert "Traceback" not in found.stdout


def test_one_claim_can_be_asked_for(tmp_path):
    (tmp_path / "ledger.py").write_text(LEDGER, "utf-8")
    found = run(tmp_path, "--claims", "ledger.py", "-k", "right")
    assert "1 passed, 2 deselected" in found.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1", "defines no ledger; write: ledger = verify.papers.claims.Ledger('key', 'title'), and claims into it"),
     ("1/0", "ledger.py failed when it was run: ZeroDivisionError: division by zero")],
)  # fmt: skip
def test_a_file_without_a_ledger_is_an_error(tmp_path, text, message):
    (tmp_path / "ledger.py").write_text(text, "utf-8")
    found = run(tmp_path, "--claims", "ledger.py")
    assert found.returncode == 2
    assert message in found.stdout.replace("\n", "").replace("E   ", "")


def test_a_missing_file_is_a_usage_error(tmp_path):
    found = run(tmp_path, "--claims", "nothing.py")
    assert found.returncode == 4
    assert "nothing.py: there is no such file" in found.stderr


def test_the_example_ledger(tmp_path):
    found = run(tmp_path, "--claims", str(EXAMPLE), "-v")
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("PASSED") == 3


def test_the_plugin_loads_nothing_heavy():
    script = "import sys, verify.plugin; print(sorted({'sympy', 'numpy', 'torch', 'scipy'} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
