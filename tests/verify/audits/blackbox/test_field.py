"""What is detached is found and named, what detaches nothing is not, and no landscape is stated of a field."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from plain import PLAIN
from sympy import Symbol

from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.field import followed, with_linear_part
from verify.truths.function import BlackBox

N = Symbol("N")


class Scaled(torch.autograd.Function):
    """The identity, whose gradient is multiplied."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return ctx.factor * gradient, None


def spectral(z1, z2):
    return -(z1 * z2).sum(1).mean() + ((z1 @ z2.T) ** 2).mean() / 2


FIELDS = {
    "second view": (lambda z1, z2: spectral(z1, z2.detach()), "no gradient reaches z2: it is detached"),
    "first view": (lambda z1, z2: spectral(z1.data, z2), "no gradient reaches z1: it is detached"),
    "half": (lambda z1, z2: spectral(*(Scaled.apply(z, 0.5) for z in (z1, z2))), "½ times the gradient"),
    "twice": (lambda z1, z2: Scaled.apply(spectral(z1, z2), 2.0), "2 times the gradient"),
    "reversed": (lambda z1, z2: Scaled.apply(spectral(z1, z2), -1.0), "-1 times the gradient"),
    "one term": (lambda z1, z2: spectral(z1, z2) + (z1.detach() * z2).sum(1).mean(), "a part of the loss is detached"),
    "one row": (lambda z1, z2: spectral(torch.cat([z1[:1].detach(), z1[1:]]), z2), "a part of the loss is detached"),
    "unit vectors": (lambda z1, z2: -F.cosine_similarity(z1, z2.detach()).mean(), "no gradient reaches z2"),
}


def stabilised(z1, z2):
    """What is subtracted is added again: the detached maximum changes nothing."""
    s = z1 @ z2.T
    top = s.max(1, keepdim=True).values.detach()
    return (torch.log((s - top).exp().sum(1)) + top[:, 0] - s.diagonal()).mean()


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_detached_is_named(name):
    loss, said = FIELDS[name]
    assert said in followed(BlackBox(loss), N=3).text()


@pytest.mark.parametrize(
    "loss",
    [*(plain.code for plain in PLAIN.values()), stabilised, lambda z1, z2: (z1 - z2).norm(dim=1).mean()],
    ids=[*PLAIN, "stabilised", "norm"],
)
def test_a_gradient_is_no_field(loss):
    assert followed(BlackBox(loss), N=4, seed=0) is None
    assert followed(BlackBox(loss), N=4, size=0.05, seed=1) is None


def test_single_precision_is_no_field():
    in_single = BlackBox(lambda z1, z2: spectral(z1.float(), z2.float()))
    assert all(followed(in_single, N=3, seed=seed) is None for seed in range(5))
    assert followed(BlackBox(lambda z1, z2: spectral(z1.float(), z2.detach().float())), N=3).silent == ("z2",)


def test_without_a_graph_there_is_nothing_to_follow():
    assert followed(BlackBox(lambda z1, z2: float((z1 * z2).sum())), N=2) is None


@pytest.mark.parametrize(
    ("loss", "linear", "of_values"),
    [
        # −⟨z1, z2⟩ with one side stopped: half of the gradient is left.
        (FIELDS["second view"][0], {"A0": 1, "Sigma": 0}, {"A0": 2, "Sigma": 0}),
        (FIELDS["half"][0], {"A0": 1, "Sigma": 0}, {"A0": 2, "Sigma": 0}),
        # Σ_ij ⟨z1_i, z2_j⟩/N, of which the term i = i alone has a mean, and Σ_i |z1_i|² /N.
        (
            lambda z1, z2: (z1 @ z2.detach().T).mean() + (z1 * z1).sum(1).mean(),
            {"A0": -1 / N, "Sigma": -2},
            {"A0": -2 / N, "Sigma": -2},
        ),
    ],
)
def test_the_linear_part_of_the_flow(loss, linear, of_values):
    box = BlackBox(loss)
    found = with_linear_part(followed(box, N=3), box, smallest=2, radius=0.5, exchangeable=True)
    assert {name: found.linear[name] - linear[name] for name in linear} == {"A0": 0, "Sigma": 0}
    assert {name: found.of_values[name] - of_values[name] for name in of_values} == {"A0": 0, "Sigma": 0}


def test_the_linear_part_is_that_of_simulated_training():
    """dW/dt by autograd on large random batches at a small W, against the formula."""
    box = BlackBox(lambda z1, z2: spectral(z1, z2.detach()) + (z2 * z2).sum(1).mean() / 4)
    found = with_linear_part(followed(box, N=3), box, smallest=2, radius=0.5, exchangeable=True)
    rng = np.random.default_rng(0)
    A0, C = np.diag([1.0, 0.4]), np.diag([0.3, 0.8])
    size, h = 200_000, 1e-3
    datum = rng.standard_normal((size, 2)) @ np.sqrt(A0)
    x, x_pos = (torch.from_numpy(datum + rng.standard_normal((size, 2)) @ np.sqrt(C)) for _ in range(2))
    W = torch.from_numpy(h * rng.standard_normal((2, 2))).requires_grad_()
    z1, z2 = x @ W.T, x_pos @ W.T
    # The quartic term is of third order in W, and left out.
    (-(z1 * z2.detach()).sum(1).mean() + (z2 * z2).sum(1).mean() / 4).backward()
    linear = float(found.linear["A0"]) * A0 + float(found.linear["Sigma"]) * (A0 + C)
    expected = W.detach().numpy() @ linear
    assert np.abs(-W.grad.numpy() - expected).max() < 0.02 * np.abs(expected).max()


def test_no_landscape_is_stated_of_a_field():
    found = audit_function(FIELDS["second view"][0], name="stopped")
    assert found.verdict == "undecided"
    said = found.text()
    assert found.landscape is None
    assert found.to_json()["B"] is None
    assert found.to_json()["collapse"] is None
    assert "Training does not follow this loss: no gradient reaches z2" in " ".join(said.split("\n")[1:3])
    for word in ("minima  ", "global", "relaxation", "origin  ", "verdict       holds"):
        assert word not in said
    # The values are still what they are.
    assert found.expansion.terms[0].coefficient == -1


def test_a_normalised_field_has_no_curvature():
    found = audit_function(FIELDS["unit vectors"][0], name="stopped")
    assert found.regularity.kind == "homogeneous"
    assert found.transverse is None
    assert found.verdict != "holds"
    assert found.field.silent == ("z2",)


def test_two_codes_that_stop_the_same_gradient_are_one():
    """Beside another code the question is whether the two are one, and not whether either is a loss."""

    def cosine(z1, z2):
        return (2 - 2 * (F.normalize(z1) * F.normalize(z2).detach()).sum(1)).mean()

    def distance(z1, z2):
        return (F.normalize(z1) - F.normalize(z2).detach()).pow(2).sum(1).mean()

    def other_side(z1, z2):
        return (F.normalize(z1).detach() - F.normalize(z2)).pow(2).sum(1).mean()

    same = audit_function(cosine, definition=distance, against=("distance", "two-views"))
    assert same.verdict == "holds", same.text()
    assert same.answer.text.startswith("The code agrees with distance")
    assert same.field is not None
    wrong = audit_function(cosine, definition=other_side, against=("other_side", "two-views"))
    assert wrong.verdict == "refuted"
    assert wrong.answer.text.startswith("The code is not other_side")


def test_a_lost_factor_is_found_beside_the_right_code():
    found = audit_function(FIELDS["half"][0], definition=spectral, against=("spectral", "two-views"), order=2)
    assert found.verdict == "refuted"
    assert found.against.to_json()["gradients"]["ratio"] == "1/2"
    assert found.answer.text.startswith("The code is not spectral: equal in values, not in gradients: the code's is ")
