"""The page of the corrected theory: what is committed is what is derived now."""

from pathlib import Path

import pytest

from verify.reports.claims.pages import document, markdown
from verify.reports.claims.theory import page

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize(("name", "write"), [("theory.md", markdown), ("theory.tex", document)])
def test_the_committed_page_is_current(name, write):
    assert (DOCS / name).read_text("utf-8") == write(page()), (
        f"run: quartic theory {'--latex' * (name[-3:] == 'tex')} > docs/{name}"
    )


def test_what_the_paper_has_wrong_is_right_here():
    text = markdown(page())
    assert r"\frac{3}{4} \operatorname{Tr}[(W \Sigma W^{\top})^{2}]" in text
    assert "| Spectral Contrastive | $2 A_0$ | never | never |" in text
    assert r"$A_0 - \gamma I$" in text


def test_the_document_compiles(pdflatex, tmp_path):
    (tmp_path / "theory.tex").write_text(document(page()), "utf-8")
    pdflatex(tmp_path, "theory")
