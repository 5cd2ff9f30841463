"""A mean centred away and a lost class weight are killed by each route; what is right survives."""

import pytest

from derive import Classes, Gaussian, Heteroscedastic, Uncentred, catalogue
from verify.assurance.mutants import distinct, expansions, laws
from verify.assurance.mutants.killing import judged, measured, of_loss

MEAN, CLASSES, NOISE = Uncentred(), Classes(weights=(3, 1)), Heteroscedastic()
AWAY, LOST = "the mean centred away", "the weights of sums over classes lost"
SAME = "the datum itself for others of its class"
FORGOTTEN = "the dependence of the noise on the datum forgotten"
CASES = [
    ("spectral", MEAN, AWAY),
    ("infonce", CLASSES, LOST),
    ("supcon", CLASSES, SAME),
    ("infonce", NOISE, FORGOTTEN),
]


@pytest.mark.parametrize(("name", "law", "mutant"), CASES)
def test_derivatives_kill_the_slips_of_a_law(name, law, mutant):
    found = of_loss(name, law=law, routes=["autodiff"])
    assert found.original == {"autodiff": "survived"}
    assert mutant in found.outcomes
    assert {by_route["autodiff"] for _, by_route in found.outcomes.values()} == {"killed"}
    # Those of any expansion are among them.
    assert len(found.outcomes) > 50
    assert not {AWAY, LOST} & {*found.equivalent}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "law", "mutant"), CASES)
def test_every_route_kills_them(name, law, mutant):
    loss = catalogue(name)
    true = loss.expand(4, data=law)
    kept, _ = distinct(laws.slips(true, law, loss), expansions.key(true), expansions.key)
    comparisons = {route: of for route, of in measured(loss, law=law).items() if of is not None}
    found = judged(name, kept, [], true, comparisons)
    assert set(found.original) == {"exact", "autodiff", "remainder", "monte-carlo", "trained"}
    assert set(found.original.values()) == {"survived"}
    assert found.outcomes[mutant][1] == dict.fromkeys(found.original, "killed")
    noiseless = [(by["exact"], by["autodiff"], by["remainder"]) for _, by in found.outcomes.values()]
    assert set(noiseless) == {("killed", "killed", "killed")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["beta-infonce", "alignment-uniformity"])
def test_models_see_each_mean_of_noise_where_the_transition_is_not_at_weak_signals(name):
    """Means of C(z) with z go as a/c beside the rest of order 4; InfoNCE keeps modes of any a, and turns at a ≪ c."""
    loss = catalogue(name)
    true = loss.expand(4, data=NOISE)
    kept = list(laws.slips(true, NOISE, loss))
    found = judged(name, kept, [], true, measured(loss, law=NOISE, routes=["trained"]))
    assert found.original == {"trained": "survived"}
    assert [by["trained"] for _, by in found.outcomes.values()] == ["killed"] * 3


def test_data_that_are_centred_have_none_of_these_slips():
    loss = catalogue("infonce")
    assert list(laws.slips(loss.expand(4), Gaussian())) == []
    # A common mean cancels in InfoNCE.
    assert list(laws.slips(loss.expand(4, data=MEAN), MEAN)) == []
    names = [one.name for one in laws.slips(catalogue("spectral").expand(4, data=CLASSES), CLASSES)]
    assert names == [f"the classes' means and sums centred away{at}" for at in ("", " at order 2", " at order 4")]
