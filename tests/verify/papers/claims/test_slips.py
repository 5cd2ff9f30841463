"""The slips that a ledger has to notice."""

import pytest
import sympy

from verify.papers.claims.canonical import same
from verify.papers.claims.formulas import A0, H, Sigma, Tr, W, identity
from verify.papers.claims.slips import misprints

c_i, a_i = sympy.symbols("c_i a_i")


@pytest.mark.parametrize(
    ("value", "number"),
    [(Tr(W * A0 * W.T), 4), (H * (identity - 2 * H), 14), (sympy.Ge(c_i, 2 * a_i, evaluate=False), 9), (True, 1),
     ("never", 1), ("A0", 0), (sympy.S.Zero, 1), (c_i**2 - a_i, 12), (Tr(W * Sigma * W.T) ** 2 + 3, 12)],
)  # fmt: skip
def test_so_many_single_slips(value, number):
    found = list(misprints({"L": value}))
    assert len(found) == number
    assert all(not same(slipped["L"], value) for _, slipped in found)
    assert len({name for name, _ in found}) == number


def test_the_other_slots_stay():
    assert all(slipped["other"] == "kept" for _, slipped in misprints({"L": c_i, "other": "kept"}))
