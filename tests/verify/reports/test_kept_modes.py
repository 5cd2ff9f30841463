"""Kept modes in LaTeX: the numbers of the table, formulas that give them, and a page that compiles."""

import re

import numpy as np
import pytest

from derive import Rational, catalogue
from derive.fields import FIELDS
from derive.latex import document
from numeric.sampling import Covariances
from tests.verify.assurance.statements.formulas import read, value
from verify import modes
from verify.audits.field_modes import field_modes
from verify.reports.claims.pages import in_text
from verify.reports.kept_modes import section

HALF = {"beta": Rational(1, 2)}


def rows(written):
    """The cells of the table, without its first line."""
    body = written.partition(r"\hline")[2].partition(r"\end{tabular}")[0]
    return [[cell.strip(" $\n") for cell in line.split("&")] for line in body.split(r"\\")]


def formula(latex):
    """The tree of a formula in LaTeX."""
    return read(in_text(latex).replace("√", "sqrt").replace("²", "^2"))


@pytest.fixture(scope="module")
def simsiam():
    data = Covariances(np.diag([0.9, 0.3]), np.diag([0.1, 0.7]))
    return field_modes(FIELDS["simsiam"], {"eta": Rational(1, 20)}, data)


@pytest.fixture(scope="module")
def shares():
    return modes(catalogue("infonce+normalised"), [0.98, 0.9, 0.2], {"tau": Rational(1, 2)})


def test_the_formula_in_latex_gives_the_powers_of_the_table():
    found = modes(catalogue("beta-infonce"), [0.95, 0.8, 0.1], HALF)
    written = section(found)
    assert rows(written) == [list(found.row(i)) for i in range(3)]
    tree = formula(re.search(r"\\\[ h_\{i\} = (.*) \\\]", written)[1])
    for (lam, power, kept, _), known in zip(rows(written), found.powers, strict=True):
        assert float(power) == pytest.approx(known, rel=1e-5)
        if kept == "yes":
            assert float(value(tree, {"λ_i": float(lam)})) == pytest.approx(known, rel=1e-9)


def test_what_the_slope_and_the_flow_are_stands_in_formulas(shares, simsiam):
    assert r"p_{i} \approx \frac{1}{2} (\lambda_{i} - \lambda_{c})_{+}" in section(shares)
    flow = re.search(r"\\frac\{du\}\{dt\} = u \\left\((.*)\\right\)", section(simsiam))[1]
    at = {"a_i": 0.9, "s_i": 1.0, "η": 0.05, "u": 0.706**0.5}
    # It rests at the power that the note tells.
    assert abs(float(value(formula(flow), at))) < 1e-3
    assert "at a power of 0.706" in section(simsiam)


def test_each_kind_of_answer_compiles(shares, simsiam, pdflatex, tmp_path):
    given = {"beta-infonce": HALF, "dcl": {}, "vicreg": {}}
    plain = [modes(catalogue(name), [0.9, 0.1], set_, measure=False) for name, set_ in given.items()]
    parts = [section(one) for one in (*plain, shares, simsiam)]
    assert all(part.isascii() for part in parts)
    (tmp_path / "modes.tex").write_text(document("\n\n".join(parts)), "ascii")
    log = pdflatex(tmp_path, "modes")
    assert [line for line in log.splitlines() if line.startswith(("!", "Missing", "Overfull"))] == []
