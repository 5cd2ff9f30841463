"""Reports in Markdown and LaTeX: they say all, nothing from outside is markup, and pdflatex takes them."""

import re
from datetime import UTC, datetime

import pytest
from markupsafe import escape

from derive import InputError
from derive.latex import lines_of
from verify.evidence.evidence import Evidence
from verify.evidence.verdict_words import sentence
from verify.papers.claims.judging import judge
from verify.papers.claims.ledgers import chosen, published
from verify.papers.printed.check import Check, Difference
from verify.reports import markdown, tex, write_report
from verify.reports.content import content

AUDITS = ("clean", "refuted", "not analytic", "black box", "trained")
WHEN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def held(audited, monkeypatch):
    """The content of an audit, without its pictures."""
    monkeypatch.setattr("verify.reports.content.pictures", lambda _: ())
    return lambda name: content(audited(name), command=f"quartic audit {name} --no-train", when=WHEN)


def in_markdown(formula):
    return [f"$$ {formula} $$".replace("<", r" \lt ").replace(">", r" \gt ")]


def in_tex(formula):
    return [rf"\quarticline{{{line}}}" for line in lines_of(formula, tex.WIDTH)]


@pytest.mark.parametrize(("form", "written"), [(markdown, in_markdown), (tex, in_tex)])
@pytest.mark.parametrize("name", AUDITS)
def test_it_says_all_that_the_description_says(name, form, written, held):
    found = held(name)
    text = form.written(found, [])
    joined = "".join(text.split())
    answer, verdict = (text.index(form.plain(said)) for said in (found.said.answer.text, sentence(found.said)))
    assert text.index(form.plain(found.said.title)) < answer < verdict
    for line in found.said.lines:
        for part in (part for formula in line.formulas for part in written(formula)):
            assert "".join(part.split()) in joined
        if not line.formulas:
            assert form.plain(line.text) in text
    for one in found.said.evidence:
        assert form.plain(one.quantity) in text
        assert one.ran or form.plain(one.note) in text


@pytest.mark.parametrize("name", AUDITS)
def test_each_comparison_is_a_row_of_the_table(name, held):
    found = held(name)
    rows = [line for line in markdown.written(found, []).splitlines() if line.startswith("|")]
    assert len(rows) == (len(found.ran) + 2 if found.ran else 0)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {9}


def test_a_contradiction_is_shown_derived_beside_measured(held):
    said = (
        r"coefficient of Tr\[W A0 Wᵀ\] \(order 2\): 2 derived, -(1\.9|2\.0)\d* ± \S+ measured, \d+\.\d standard errors"
    )
    text = markdown.written(held("refuted"), []).replace("\\[", "[").replace("\\]", "]")
    assert re.search(rf"## What contradicts it\n\n{said}", text)
    assert "What contradicts it" in tex.written(held("refuted"), [])
    assert "What contradicts it" not in markdown.written(held("clean"), [])


# What comes from outside.

MARKUP = (
    "<script>alert(1)</script> ``` `x` | a_b * [x](javascript:0) ![](http://x) & $x$ \\input{/etc/passwd} {{ 7 * 7 }} "
    "<< 7 >> <% x %> %\n# # ~ ^ é 中 \u202e “”"
)


@pytest.fixture
def marked(hostile):
    """The content of an audit whose names are markup."""
    return content(hostile(MARKUP, "<b>\\input{/etc/passwd}$"), command=f"quartic audit '{MARKUP}'", when=WHEN)


def test_markup_in_names_is_text_in_markdown(marked):
    text = markdown.written(marked, [])
    said, command = text.split("````")[:2]
    assert MARKUP in command
    assert "<" not in said
    own = re.sub(r"^\$\$$.*?^\$\$$|^\*\*Which modes .*\*\*$|^\|---.*$", "", said, flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"(?<!\\)[\[`*$]", own) == []
    # Headings and rows begin where the template begins them.
    assert [line for line in own.splitlines() if re.match(r"\s*(#\s|[-+>]\s)", line) and "script" not in line] == []
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in own.splitlines()} == {0, 9}


def complaints(log):
    """What pdflatex complains of. A word that stands out a little is not a complaint."""
    complaint = re.compile(r"!|Missing character|LaTeX.*Warning|Overfull \\hbox \(\d{3}")
    return [line for line in log.splitlines() if complaint.match(line)]


def test_markup_in_names_compiles(marked, pdflatex, tmp_path):
    (tmp_path / "hostile.tex").write_text(tex.written(marked, []), "ascii")
    assert "root:" not in pdflatex(tmp_path, "hostile")


@pytest.mark.slow
@pytest.mark.parametrize("name", AUDITS)
def test_it_compiles_alone_and_in_a_paper_of_two_columns(name, audited, pdflatex, tmp_path):
    write_report(audited(name), tmp_path / "audit_1.tex", command="quartic audit a_b.py:loss")
    assert complaints(pdflatex(tmp_path, "audit_1")) == []
    paper = r"\documentclass[twocolumn]{article}\usepackage{amsmath,amssymb,graphicx}\begin{document}Before."
    (tmp_path / "paper.tex").write_text(paper + r"\input{audit_1} After.\end{document}", "ascii")
    assert complaints(pdflatex(tmp_path, "paper")) == []


# The files.


@pytest.mark.parametrize(("ending", "picture"), [(".md", ".svg"), (".tex", ".pdf")])
def test_pictures_stand_beside_it(ending, picture, audited, tmp_path):
    file = write_report(audited("clean"), tmp_path / f"spectral{ending}", when=WHEN)
    names = [f"spectral-{heading}{picture}" for heading in ("landscape", "phase-diagram")]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([file.name, *names])
    text = file.read_text("utf-8")
    assert all(f"{{{name}}}" in text or f"]({name})" in text for name in names)
    kept = {name: (tmp_path / name).read_bytes() for name in (*names, file.name)}
    write_report(audited("clean"), file, when=WHEN)
    assert kept == {one.name: one.read_bytes() for one in tmp_path.iterdir()}


def test_a_name_with_spaces_is_quoted_in_markdown(audited, tmp_path):
    file = write_report(audited("clean"), tmp_path / "my loss (1).md", when=WHEN)
    assert "](my%20loss%20%281%29-landscape.svg)" in file.read_text("utf-8")


def test_another_ending_is_refused(audited, tmp_path):
    with pytest.raises(InputError) as raised:
        write_report(audited("clean"), tmp_path / "a.txt")
    said = f"{tmp_path}/a.txt does not end in .html or .htm or .md or .tex; name the file so"
    assert str(raised.value) == said


@pytest.fixture(scope="module")
def others():
    """What is not an audit: a check of a print, and a judged claim."""
    difference = Difference("Tr[W A0 Wᵀ], order 2", "-2", "-1", "2")
    evidence = (Evidence("exact", "printed against the definition", 2.0, 1.0, 1e-9, "tolerance", agrees=False),)
    check = Check("expansion", "infonce", "-2 Tr[…]", "-Tr[…]", ("", ""), (difference,), evidence, "refuted")
    (claim,) = chosen(published(), id="iclr:eq5")
    return {"check": check, "claim": judge(claim)}


@pytest.mark.parametrize("form", ["html", "md", "tex"])
@pytest.mark.parametrize("name", ["check", "claim"])
def test_what_is_no_audit_is_written_too(name, form, others, tmp_path):
    found = others[name]
    text = " ".join(write_report(found, tmp_path / f"a.{form}", when=WHEN).read_text("utf-8").split())
    said = found.description()
    plain = {"html": escape, "md": markdown.plain, "tex": tex.plain}[form]
    assert said.kind == name
    for one in (said.title, *(line.text for line in said.lines), *(one.quantity for one in said.evidence)):
        assert str(plain(" ".join(one.split()))) in text
    assert "Made on 2026-11-25" in text
    assert "None" not in text.partition("as JSON")[0]
