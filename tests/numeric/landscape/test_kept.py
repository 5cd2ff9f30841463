"""The modes at the global minimum in cases that no loss of the catalogue has: jumps, shared rows, ties."""

import numpy as np
import pytest
from sympy import Rational

from derive import InputError, Loss, Mean, catalogue, closed_form, inner, views
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import landscapes
from numeric.landscape.closed_modes import Closed, coupled_by_traces
from numeric.landscape.kept import nearest_change, nearest_changes
from numeric.landscape.quartic_modes import Quartic
from numeric.landscape.separate import Separate
from numeric.landscape.spectrum import of_covariances, whitened
from numeric.sampling import Covariances

x, x_pos, chi, chi_pos, psi, psi_pos = views("x, x_pos, chi, chi_pos, psi, psi_pos")
square = Mean(inner(x, chi) ** 2, over=chi)
cube = Mean(inner(x, chi) * inner(chi, psi) * inner(psi, x), over=(chi, psi))


def test_a_mode_that_appears_with_a_jump_has_the_threshold_of_the_jump():
    # ℓ(h) = (3/2 − λ) h − 2 h² + h³ is below 0 where λ > 1/2, at h = 1 from there on.
    loss = Loss(Rational(3, 2) * inner(x, x) - inner(x, x_pos) - 2 * square + cube)
    solver = Separate(exact_modes(closed_form(loss)), 3)
    data = whitened([Rational(6, 10), Rational(4, 10), 1])
    found = solver.kept(data)
    assert found.kept == (True, False, True)
    assert found.powers == pytest.approx([(4 + np.sqrt(16 - 12 * 0.9)) / 6, 0, (4 + np.sqrt(10)) / 6])
    assert [float(one) for one in solver.changes(data).at] == pytest.approx([0.5] * 3, abs=1e-9)


def test_a_loss_may_keep_the_modes_that_the_augmentation_drowns():
    # B = C − ½ Σ.
    loss = Loss(-inner(x, x) / 2 + inner(x, x_pos) + square)
    solver = Separate(exact_modes(closed_form(loss)), 2)
    data = whitened([Rational(1, 5), Rational(4, 5)])
    assert solver.kept(data).kept == (True, False)
    assert solver.changes(data).at == (Rational(1, 2), Rational(1, 2))


def of_two_covariances():
    """−Tr[W Σ Wᵀ] + Tr[(W A0 Wᵀ)²] + Tr[(W C Wᵀ)²]."""
    of_a = Mean(inner(x, chi) * inner(x_pos, chi_pos), over=(chi, chi_pos))
    of_both = Mean(inner(x, chi) * inner(x_pos, chi), over=chi)
    return Loss(-inner(x, x) + of_a + (square - 2 * of_both + of_a))


def test_rows_that_hold_several_modes_are_found_where_they_are_lower():
    # In one row: −g₁ − g₂ + 0.68 (g₁² + g₂²) + 2 · 0.32 g₁ g₂, lowest at g = ½ each; a mode alone reaches −0.37.
    (case,) = landscapes(of_two_covariances().expand(4))
    found = Quartic(case, {}, 1).kept(whitened([Rational(4, 5), Rational(1, 5)]))
    assert found.powers == pytest.approx([0.5, 0.5], abs=1e-5)
    assert (found.kept, found.rank) == ((True, True), 1)
    assert "several modes" in found.notes[0]
    apart = Quartic(case, {}, 2).kept(whitened([Rational(4, 5), Rational(1, 5)]))
    assert apart.powers == pytest.approx([1 / 1.36] * 2)
    assert apart.rank == 2


def test_modes_that_the_loss_does_not_see_are_named():
    (case,) = landscapes(catalogue("barlow-twins").set({"lambda": 1}).expand(4))
    found = Quartic(case, {}, 2).kept(whitened([0, Rational(1, 2)]))
    assert found.kept == (False, True)
    assert "λ = 0" in found.notes[0]
    alone = Separate(exact_modes(closed_form(catalogue("barlow-twins").set({"lambda": 1}))), 2)
    assert alone.kept(whitened([0, Rational(1, 2)])).notes == found.notes


def test_ties_for_few_rows_are_named():
    solver = Separate(exact_modes(closed_form(catalogue("infonce"))), 1)
    found = solver.kept(whitened([Rational(1, 2), Rational(1, 2)]))
    assert found.kept.count(True) == 1
    assert "tie" in found.notes[0]


@pytest.mark.parametrize("d1", [1, 2, 3])
def test_a_norm_penalty_beside_logarithms_is_solved_to_all_orders(d1):
    loss = catalogue("infonce+norm-penalty").set({"kappa": 2, "c": Rational(1, 2)})
    closed = closed_form(loss)
    assert coupled_by_traces(closed)
    lam = np.array([0.3, 0.8, 0.6])
    found = Closed(closed, d1).kept(whitened(lam.tolist()))
    # In the h_i, each of which is 0 or stationary: Σ_i ℓ(h_i) + κ (Σ h − c)².
    h = found.powers
    slope = 1 - lam + 0.5 / (1 + h) ** 2 * -1 - 0.5 / (1 + h) + 4 * (h.sum() - 0.5)
    assert found.rank <= d1
    assert np.abs(slope[h > 0]).max() < 1e-6
    kept = np.argsort(-lam)[: found.rank]
    assert set(np.flatnonzero(h)) == set(kept)
    if found.rank < d1:
        assert (slope[h == 0] > 0).all()


def test_changes_are_found_on_both_sides():
    between = nearest_change(lambda at: Rational(1, 4) < at < Rational(3, 4), Rational(7, 10))
    assert float(between) == pytest.approx(0.75)
    assert nearest_change(lambda at: at >= 0, Rational(1, 2)) is None
    assert nearest_changes(lambda lam: 0 * lam + 1, np.array([0.5])).at == (None,)


def test_covariances_have_the_correlations_of_their_whitened_views():
    data, commute = of_covariances(Covariances(np.diag([1.0, 2.0]), np.diag([1.0, 0.5])))
    assert commute
    assert data.lam == pytest.approx([0.8, 0.5])
    seen, commute = of_covariances(Covariances(np.diag([1.0, 2.0]), np.diag([1.0, 0.5])), {"A": -1.0, "I": 1.0})
    assert commute
    assert seen.s == pytest.approx([2.5, 2.0])
    with pytest.raises(InputError, match="singular"):
        of_covariances(Covariances(np.diag([1.0, 0.0]), np.zeros((2, 2))))
