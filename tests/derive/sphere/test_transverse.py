"""The expansion in the weights of lost modes, against automatic differentiation of hand-written losses."""

import numpy as np
import pytest
import sympy
import torch

from derive import InputError, Loss, Mean, catalogue, cosine, exp, inner, log, views
from derive.algebra.words import trace
from derive.sphere.transverse import transverse, written
from numeric.definition import Evaluator

A0, SIGMA = (trace("A"),), (trace("S"),)
KEPT, DATA, NEGATIVES = 5, 6, 7


def embeddings(seed):
    """Kept parts of two views of some data and of other data, and lost parts whose products are their means.

    That is 1 for a view with itself, ½ for two views of a datum, 0 between data.
    """
    generator = np.random.default_rng(seed)
    kept = generator.standard_normal((2, DATA, KEPT)), generator.standard_normal((NEGATIVES, KEPT))
    products = np.eye(2 * DATA + NEGATIVES)
    products[:DATA, DATA : 2 * DATA] = products[DATA : 2 * DATA, :DATA] = np.eye(DATA) / 2
    lost = np.linalg.cholesky(products)
    return kept, ((lost[:DATA], lost[DATA : 2 * DATA]), lost[2 * DATA :])


def value(node, pairs, others):
    """A mean over the kept block, on points."""
    x, x_pos, chi = views("x, x_pos, chi")

    def population(over):
        assert over == (chi,)
        return {chi: others}, np.full(len(others), 1 / len(others))

    found = Evaluator(population, {}, KEPT).value(node, {x: pairs[0], x_pos: pairs[1]})
    return float(np.mean(np.broadcast_to(found, (DATA,))))


def infonce_by_hand(z1, z2, others):
    z1, z2, others = (z / z.norm(dim=-1, keepdim=True) for z in (z1, z2, others))
    return (-(z1 * z2).sum(-1) / 0.5 + torch.log(torch.exp(z1 @ others.T / 0.5).mean(-1))).mean()


def spectral_by_hand(z1, z2, others):
    z1, z2, others = (z / z.norm(dim=-1, keepdim=True) for z in (z1, z2, others))
    return (-2 * (z1 * z2).sum(-1) / 0.5 + ((z1 @ others.T / 0.5) ** 2).mean(-1)).mean()


def infonce_without_normalisation(z1, z2, others):
    distances = ((z1[:, None] - others) ** 2).sum(-1) / 2
    return (((z1 - z2) ** 2).sum(-1) / 2 + torch.log(torch.exp(-distances).mean(-1))).mean()


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("infonce+normalised", infonce_by_hand),
        ("spectral+normalised", spectral_by_hand),
        ("infonce", infonce_without_normalisation),
    ],
)
def test_slopes_are_the_second_derivative_of_a_hand_written_loss(name, by_hand):
    """L(ε) with f = (kept, ε y): d²L/dε² at 0 is twice the sum of slopes times products of the lost parts."""
    (pairs, others), (lost, lost_others) = embeddings(0)

    def loss(step):
        def of(kept, more):
            return torch.cat([torch.from_numpy(kept), step * torch.from_numpy(more)], -1)

        return by_hand(of(pairs[0], lost[0]), of(pairs[1], lost[1]), of(others, lost_others))

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(step), step, create_graph=True)
    (second,) = torch.autograd.grad(slope, step)
    found = transverse(catalogue(name).set({"tau": sympy.Rational(1, 2)} if "+" in name else {}))
    along = {word: value(node, pairs, others) for word, node in found.slopes.items()}
    right = 2 * (along.get(A0, 0.0) / 2 + along[SIGMA])
    assert float(second) == pytest.approx(right, abs=1e-11)
    # A lost ½, or 1/|u|² in place of 1/(|u||v|), would be seen.
    assert float(second) != pytest.approx(2 * (along.get(A0, 0.0) + along[SIGMA]), abs=1e-2)


def test_infonce_without_normalisation_has_the_same_hessian_at_every_w():
    found = transverse(catalogue("infonce"))
    (pairs, others), _ = embeddings(1)
    assert written(found.alpha) == "1"
    assert value(found.beta, pairs, others) == pytest.approx(0, abs=1e-12)


def test_two_encoders_have_words_of_their_own():
    words = {word for (((_, word, _),),) in transverse(catalogue("clip+normalised")).slopes}
    assert words == {"S", "T", "X"}


def test_weight_decay_is_a_word_of_its_own():
    found = transverse(catalogue("infonce+normalised+weight-decay"))
    assert found.slopes[trace("I"),] == catalogue("infonce+weight-decay").expression.terms[-1].factors[0]


def test_a_cosine_of_a_view_with_itself_does_not_change():
    x, x_pos, chi = views("x, x_pos, chi")
    plain = Loss(-cosine(x, x_pos) + log(Mean(exp(cosine(x, chi)), over=chi)))
    more = Loss(plain.expression + cosine(x, x))
    assert transverse(more).slopes == transverse(plain).slopes


@pytest.mark.parametrize("name", ["vicreg", "barlow-twins"])
def test_losses_of_coordinates_are_refused(name):
    with pytest.raises(InputError, match="coordinates"):
        transverse(catalogue(name))


def test_means_over_a_number_of_views_are_refused():
    x, x_v = views("x, x_v")
    middle = Mean(inner(x, x_v), over=x_v, of=x, count=3)
    with pytest.raises(InputError, match="one by one"):
        transverse(Loss(middle**2))
