"""Phase diagrams of losses of unit vectors, against the shares with their errors, and against the formula."""

import numpy as np
import pytest

from derive import InputError, Rational, catalogue
from derive.sphere.pairs import pair_form
from numeric.sphere.lost_modes import lost_modes
from numeric.sphere.phases import isotropic, share_phases
from numeric.sphere.shares import shares
from verify.figures import draw_phases

INFONCE = catalogue("infonce+normalised")
VARIANCES = 1 / np.arange(1, 13)


@pytest.fixture(scope="module")
def found():
    return share_phases(INFONCE, ("sigma", [0.2, 0.3, 0.5]), ("tau", [0.5, 1.0]), isotropic(VARIANCES))


def test_each_point_has_the_shares_of_its_correlations(found):
    lam = VARIANCES / (VARIANCES + 0.09)
    expected = shares(pair_form(INFONCE.set({"tau": 1})), lam)
    assert np.abs(found.powers[1, 1] - expected.shares).max() < 5 * expected.errors.max() + 1e-3
    for here, known in zip(found.kept[1, 1], expected.kept, strict=True):
        assert known in (None, here)
    assert found.powers.sum(-1) == pytest.approx(np.ones((2, 3)))


def test_a_higher_temperature_keeps_fewer_modes_and_complete_collapse_never_comes(found):
    assert (found.count[0] >= found.count[1]).all()
    assert found.count[1, 2] < 12
    assert 2 not in found.phase


def test_lost_modes_lie_below_the_threshold_and_kept_ones_above_it_without_them(found):
    loss, at = INFONCE.set({"tau": 1}), (1, 2)
    lam, p = VARIANCES / (VARIANCES + 0.25), found.powers[at]
    kept = p > 0
    assert 5 < kept.sum() < len(p)
    level = lost_modes(loss, lam[kept], p[kept]).threshold
    assert lam[~kept].max() < level.value + 3 * level.error
    weakest = np.flatnonzero(kept)[p[kept].argmin()]
    others = share_phases(loss, ("a", [1.0]), ("b", [1.0]), lambda *_: (np.delete(VARIANCES, weakest), [0.25]))
    without, here = np.delete(lam, weakest), others.powers[0, 0]
    assert lam[weakest] > lost_modes(loss, without[here > 0], here[here > 0]).threshold.value


def test_a_batch_is_taken_as_large():
    here = share_phases(catalogue("ntxent+normalised"), ("sigma", [0.6]), ("tau", [1.0]), isotropic(VARIANCES))
    same = share_phases(INFONCE, ("sigma", [0.6]), ("tau", [1.0]), isotropic(VARIANCES))
    assert here.powers == pytest.approx(same.powers, abs=1e-6)


def test_the_figure_of_other_losses_draws_it(found):
    picture = draw_phases(found)
    assert picture.header[:2] == ("sigma", "tau")
    assert picture.header[-1] == "phase"
    assert len(picture.rows) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ("tau", [0.0])}, "tau = 0: tau of infonce+normalised is positive"),
        ({"y": ("sigma", [1.0])}, "x and y are both 'sigma'; give two parameters"),
        ({"modes": ([1.0], [1.0])}, "infonce+normalised has no parameter 'sigma'; it has tau"),
        ({"modes": lambda *_: ([0.0], [0.0])}, "modes gave a mode without variance, a = c = 0; leave it out"),
        (
            {"loss": catalogue("siglip+normalised").set({"t": Rational(1), "b": 0}), "y": ("theta", [0.0])},
            (
                "siglip+normalised has no known limit as N grows: N - 1 multiplies a part that depends on W, and grows"
                " without bound"
            ),
        ),
        (
            {"loss": catalogue("ntxent+normalised").set({"N": 8})},
            (
                "the shares under ntxent+normalised are not known by means over pairs; leave N out, or ask for one"
                " point with numeric.sphere.batches.batch_shares"
            ),
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    given = {"loss": INFONCE, "x": ("sigma", [0.5]), "y": ("tau", [0.5]), "modes": isotropic([1.0, 0.5])} | change
    with pytest.raises(InputError) as error:
        share_phases(**given)
    assert str(error.value) == message


def test_variances_that_are_none():
    with pytest.raises(InputError) as error:
        isotropic([1.0, -1.0])
    assert str(error.value) == "the variances of the data are positive numbers, one a mode; sigma² is added to each"
