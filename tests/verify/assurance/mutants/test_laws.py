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
    # A trained model near its transition sees little of order 4: two widths of noise are not told apart.
    left = {"trained": "undecided"} if law is NOISE else {}
    assert {**found.outcomes[mutant][1], **dict.fromkeys(left, "killed")} == dict.fromkeys(found.original, "killed")
    noiseless = [(by["exact"], by["autodiff"], by["remainder"]) for _, by in found.outcomes.values()]
    assert set(noiseless) == {("killed", "killed", "killed")}


def test_data_that_are_centred_have_none_of_these_slips():
    loss = catalogue("infonce")
    assert list(laws.slips(loss.expand(4), Gaussian())) == []
    # A common mean cancels in InfoNCE.
    assert list(laws.slips(loss.expand(4, data=MEAN), MEAN)) == []
    names = [one.name for one in laws.slips(catalogue("spectral").expand(4, data=CLASSES), CLASSES)]
    assert names == [f"the classes' means and sums centred away{at}" for at in ("", " at order 2", " at order 4")]
