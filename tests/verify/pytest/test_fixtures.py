"""The example project of `examples/pytest_project` in processes of its own: right, wrong, and reported."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from verify.pytest import reported
from verify.reports.printed import content

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "pytest_project"
PAGE = (ROOT / "docs" / "pytest.md").read_text("utf-8")

MORE = r"""
import pytest
from derive import InputError
from my_loss import loss


def test_typo(check_expansion):
    check_expansion(loss, "-1/tua Tr[W A0 W^T]")


def test_expected(check_landscape):
    with pytest.raises(AssertionError, match="the first is in B"):
        check_landscape(loss, B="tau A0")


def test_nothing():
    pass
"""

MOMENTS = """
def test_right(check_moment):
    check_moment("Var(|f(x) - f(chi)|^2)", "8 Tr[(W Sigma W^T)^2]")


def test_wrong(check_moment):
    check_moment("Var(|f(x) - f(chi)|^2 | x)", "2 Tr[(W Sigma W^T)^2]")


def test_unreadable(check_moment):
    check_moment("Var(|f(x)|^2", "0")
"""

# A check without quartic: what workers send.
PLAIN = """
import json

import pytest
from verify.pytest.fixtures import CHECKS


@pytest.mark.derivation
@pytest.mark.parametrize("verdict", ["holds", "refuted"])
def test_plain(request, verdict):
    request.node.stash.setdefault(CHECKS, []).append(json.dumps({"verdict": verdict}))
"""


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


def mutant(folder):
    """The example's tests with N − 1 printed for N − 2."""
    text = (EXAMPLE / "test_my_loss.py").read_text("utf-8")
    assert text.count("N - 2") == 1
    (folder / "test_mutant.py").write_text(text.replace("N - 2", "N - 1"), "utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run of the example's tests that are quick, a mutant of them, the page's three lines, and some more."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    mutant(folder)
    (folder / "test_page.py").write_text(re.search(r"```python\n(from my_loss.*?)```", PAGE, re.DOTALL)[1], "utf-8")
    (folder / "test_more.py").write_text(MORE, "utf-8")
    found = run(folder, "-v", "--derivation-report", "report.json", "-k", "not code and not audit and not limit",
                "-m", "derivation")  # fmt: skip
    report = json.loads((folder / "report.json").read_text("utf-8"))
    return found, report


def test_right_tests_pass_and_wrong_ones_fail(ran):
    found, _ = ran
    assert found.returncode == 1, found.stdout + found.stderr
    for name in ("test_my_loss.py::test_the_expansion", "test_my_loss.py::test_the_landscape",
                 "test_page.py::test_the_expansion", "test_more.py::test_expected"):  # fmt: skip
        assert f"{name} PASSED" in found.stdout
    for name in ("test_mutant.py::test_the_expansion", "test_more.py::test_typo"):
        assert f"{name} FAILED" in found.stdout


def test_the_marker_selects(ran):
    found, _ = ran
    assert "test_nothing" not in found.stdout
    assert "deselected" in found.stdout


def test_no_frame_of_ours_is_shown(ran):
    found, _ = ran
    assert "verify/papers/printed" not in found.stdout.replace("\\", "/")
    assert "check_expansion(my_loss.loss, PRINTED, order=4)" in found.stdout
    assert "E         -1/tua Tr[W A0 W^T]\nE            ^" in found.stdout


def test_the_report_holds_every_check(ran):
    found, report = ran
    assert [
        (one["test"].rpartition("::")[0], one["kind"], one["verdict"], one["outcome"]) for one in report["checks"]
    ] == [
        ("test_more.py", "expansion", "not-run", "failed"),
        ("test_more.py", "landscape", "refuted", "passed"),
        ("test_mutant.py", "expansion", "refuted", "failed"),
        ("test_mutant.py", "landscape", "holds", "passed"),
        ("test_my_loss.py", "expansion", "holds", "passed"),
        ("test_my_loss.py", "landscape", "holds", "passed"),
        ("test_page.py", "expansion", "holds", "passed"),
    ]
    assert "derivation report: 7 checks in " in found.stdout
    typo, _, wrong, *_ = report["checks"]
    assert typo["reason"].startswith("tua is unknown here; did you mean tau?")
    assert typo["printed"] == "-1/tua Tr[W A0 W^T]"
    (difference,) = wrong["differences"]
    assert difference["printed"] == "1/(2 τ^2) Tr[(W Σ Wᵀ)²]"
    assert [one["agrees"] for one in wrong["evidence"]] == [True, True, False, False, False]


def test_workers_send_their_checks(tmp_path):
    (tmp_path / "test_plain.py").write_text(PLAIN, "utf-8")
    found = run(tmp_path, "-n", "1", "-p", "no:hypothesispytest", "--derivation-report", "report.json")
    assert found.returncode == 0, found.stdout + found.stderr
    checks = json.loads((tmp_path / "report.json").read_text("utf-8"))["checks"]
    assert [(one["test"], one["verdict"]) for one in checks] == [
        ("test_plain.py::test_plain[holds]", "holds"),
        ("test_plain.py::test_plain[refuted]", "refuted"),
    ]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith((".", "report"))] == ["report.json"]


ENTRY = {
    "test": "a.py::b[`|]", "outcome": "failed", "kind": "expansion", "loss": "a|b", "printed": "<b>x</b>",
    "derived": "z",
    "latex": {"printed": None, "derived": r"\frac{1}{2}"}, "verdict": "refuted", "reason": "why\n  ^",
    "differences": [{"of": "Tr", "printed": "x", "derived": "z", "factor": "½",
                     "latex": {"printed": "x", "derived": "z"}}],
    "evidence": [{"route": "exact", "quantity": "a*b*", "predicted": 1.5, "measured": None, "note": "<i>",
                  "agrees": "not-run"}],
}  # fmt: skip


def test_the_report_in_markdown():
    text = content([ENTRY], ".md")
    assert "| `` a.py::b[`\\|] `` | `a\\|b` | expansion | refuted |" in text
    assert "- `Tr`: `x` printed, `z` derived, a factor of `½`\n\n```math\nx \\ne z\n```" in text
    assert "```\nwhy\n  ^\n```" in text
    assert "- exact, a\\*b\\*: not run" in text


def test_the_report_as_a_page_shows_markup_as_text():
    page = content([ENTRY], ".html")
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<small>&lt;i&gt;</small>" in page
    assert page.count("<mfrac>") == 1
    assert not re.search(r"<(b|i|script)\b|https?://(?!www\.w3\.org)", page)
    assert "<strong>refuted</strong> <span>a|b, expansion; the test failed</span>" in page


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("report.pdf", "report.pdf does not end in .json or .md or .html or .htm; name the file so"),
        ("none/report.md", "there is no folder none; make it first"),
    ],
)
def test_a_file_that_cannot_be_written_is_a_sentence_at_the_start(name, message):
    with pytest.raises(pytest.UsageError) as refused:
        reported.pytest_configure(SimpleNamespace(getoption=lambda _: name))
    assert str(refused.value) == f"--derivation-report: {message}"


def test_a_page_without_its_libraries_is_refused(monkeypatch):
    monkeypatch.setattr(reported, "find_spec", lambda _: None)
    with pytest.raises(pytest.UsageError) as refused:
        reported.pytest_configure(SimpleNamespace(getoption=lambda _: "report.html"))
    assert str(refused.value) == (
        "--derivation-report: a page needs Jinja2 and math-core, pip install 'quartic[report]'; or name a .md file"
    )


def test_a_place_that_is_gone_at_the_end_is_a_sentence(tmp_path):
    reporter = reported.Reporter(tmp_path / "gone" / "report.json")
    session = SimpleNamespace(config=SimpleNamespace(option=SimpleNamespace(collectonly=False)))
    with pytest.raises(pytest.exit.Exception) as stopped:
        reporter.pytest_sessionfinish(session)
    assert str(stopped.value).startswith(f"--derivation-report: cannot write {reporter.file}: No such file or")
    assert not reporter.written


def test_nothing_but_the_plugin_is_loaded_at_the_start(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import sys\n\n\ndef pytest_sessionstart():\n"
        "    ours = sorted(name for name in sys.modules if name.split('.')[0] in ('derive', 'numeric', 'verify'))\n"
        "    heavy = sorted({'sympy', 'numpy', 'torch', 'scipy', 'click', 'jinja2'} & sys.modules.keys())\n"
        "    print('loaded:', ours, heavy)\n",
        "utf-8",
    )
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n", "utf-8")
    found = run(tmp_path, "--collect-only", "-q", "-s", "-p", "no:hypothesispytest")
    of_the_plugin = ["plugin", "pytest", "pytest.fixtures", "pytest.reported", "running", "running.lazily"]
    ours = ["verify", *(f"verify.{name}" for name in of_the_plugin)]
    assert f"loaded: {ours} []" in found.stdout, found.stdout + found.stderr


@pytest.mark.slow
def test_the_whole_example_with_its_code_and_audit(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    mutant(tmp_path)
    found = run(tmp_path, "-v", "-n", "2", "--derivation-report", "report.md")
    assert found.stdout.count("PASSED test_my_loss.py") == 5, found.stdout
    assert "2 failed, 8 passed" in found.stdout
    assert "10 checks: 8 holds, 2 refuted." in (tmp_path / "report.md").read_text("utf-8")


def test_printed_moments(tmp_path):
    (tmp_path / "test_moments.py").write_text(MOMENTS, "utf-8")
    report = tmp_path / "report.json"
    done = run(tmp_path, "-q", "-m", "derivation", "--derivation-report", str(report))
    assert done.returncode == 1
    assert "derived       4 f(x)ᵀ W Σ Wᵀ f(x)" in done.stdout
    assert "by the definition, at W = 1" in done.stdout
    checks = json.loads(report.read_text("utf-8"))["checks"]
    assert [(one["kind"], one["verdict"]) for one in checks] == [
        ("moment", "holds"), ("moment", "refuted"), ("moment", "not-run"),
    ]  # fmt: skip
