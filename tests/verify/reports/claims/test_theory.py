"""The page of the corrected theory: what is committed is what is derived now."""

from pathlib import Path

import pytest

from verify.reports.claims.pages import document, markdown, plain
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


def test_the_text_has_no_markup_left():
    text = plain(page())
    assert "L = -Tr[W A_0 Wᵀ] + 3/4 Tr[(W Σ Wᵀ)²] + O(‖W‖⁶)" in text
    assert "    h_i = 2/3 λ_i > 0, i ∈ M" in text
    assert not set("\\${}&") & set(text)
    assert max(map(len, text.splitlines())) <= 100


def test_the_document_compiles(pdflatex, tmp_path):
    (tmp_path / "theory.tex").write_text(document(page()), "utf-8")
    pdflatex(tmp_path, "theory")
