"""``quartic audit --html``: what is refused before the audit takes its time, and what is written."""

import shlex

import pytest

from verify.audits import definition as auditing


@pytest.fixture
def no_audit(monkeypatch):
    """From here on an audit would fail."""

    def started(*_, **__):
        message = "the audit was begun"
        raise AssertionError(message)

    monkeypatch.setattr(auditing, "audit", started)


@pytest.mark.usefixtures("no_audit")
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("report.txt", "report.txt does not end in .html or .htm; name the file so"),
        ("mine.py", "mine.py does not end in .html or .htm; name the file so"),
        ("no/folder/a.html", "there is no folder no/folder; make it first"),
        ("folder.html", "cannot write folder.html: Is a directory"),
        ("", ". does not end in .html or .htm; name the file so"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_audit(file, said, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.html").mkdir()
    assert run("audit", "infonce", "--html", file) == (2, "", f"quartic: {said}\n")
    assert [one.name for one in tmp_path.iterdir()] == ["folder.html"]


@pytest.mark.usefixtures("no_audit")
@pytest.mark.parametrize(
    ("option", "file", "said"),
    [
        ("--markdown", "a.html", "a.html does not end in .md; name the file so"),
        ("--latex", "a.md", "a.md does not end in .tex; name the file so"),
        (
            "--latex",
            "my loss.tex",
            "my loss.tex: TeX could not find its pictures; name the file with letters, digits, - and _ alone",
        ),
    ],
)
def test_each_form_has_its_ending(option, file, said, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("audit", "infonce", option, file) == (2, "", f"quartic: {said}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_audit")
def test_a_missing_library_is_named_before_the_audit(run, monkeypatch, tmp_path):
    monkeypatch.setattr("verify.reports.content.find_spec", lambda _: None)
    said = "quartic: a report needs Jinja2 and math-core: pip install 'quartic[report]'\n"
    assert run("audit", "infonce", "--html", str(tmp_path / "a.html")) == (2, "", said)


def test_the_page_is_written_beside_what_is_printed(run, tmp_path, audited, monkeypatch):
    monkeypatch.setattr(auditing, "audit", lambda *_, **__: audited("refuted"))
    monkeypatch.setattr("verify.reports.content.pictures", lambda _: ())
    file = tmp_path / "a page.html"
    status, out, err = run("audit", "spectral", "--html", str(file))
    # A contradiction is said by the exit status, with the page written.
    assert (status, err) == (1, "")
    assert "\n  verdict       refuted (the derivation): " in out
    page = file.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    assert shlex.join(["quartic", "audit", "spectral", "--html", str(file)]).replace("'", "&#39;") in page


def test_one_audit_is_written_in_every_form(run, tmp_path, audited, monkeypatch):
    monkeypatch.setattr(auditing, "audit", lambda *_, **__: audited("trained"))
    monkeypatch.setattr("verify.reports.content.pictures", lambda _: ())
    files = {"--html": "a.html", "--markdown": "b.md", "--latex": "c.tex"}
    asked = [part for option, name in files.items() for part in (option, str(tmp_path / name))]
    assert run("audit", "spectral", *asked)[0] == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(files.values())
