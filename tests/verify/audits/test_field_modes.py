"""`quartic modes simsiam`, beside simulated training and with unusable input."""

import numpy as np
import pytest
import sympy

from derive import InputError
from derive.fields import FIELDS
from numeric.sampling import Covariances
from verify.audits.field_courses import field_course
from verify.audits.field_modes import field_modes

SIMSIAM = FIELDS["simsiam"]
DATA = Covariances(np.diag([0.9, 0.8, 0.2]), np.diag([0.1, 1.2, 0.8]))


def trained(decay, start, steps=12_000):
    """W and P of each mode after a flow of the population, written out by hand."""
    a, s = np.diag(DATA.A0), np.diag(DATA.A0 + DATA.C)
    w, p = np.full(3, start), np.full(3, 0.9 * start)
    for _ in range(steps):
        pull = w * a - p * w * s
        w, p = w + 0.02 * (p * pull - decay * w), p + 0.02 * (pull * w - decay * p)
    return w**2 * s


@pytest.mark.parametrize("decay", [0.0, 0.02, 0.05, 0.1])
def test_modes_are_those_of_simulated_training_from_small_and_from_large_weights(decay):
    found = field_modes(SIMSIAM, {"eta": sympy.Rational(str(decay))}, DATA)
    order = np.argsort(-np.diag(DATA.A0) / np.diag(DATA.A0 + DATA.C))
    small = trained(decay, 0.05 if decay == 0 else 0.01)[order]
    large = trained(decay, 1.5)[order]
    assert found.found.powers == pytest.approx(small, abs=2e-2)
    if decay == 0:
        # w² − p² is conserved: where large weights end depends on where they began.
        assert np.abs(large - small).max() > 0.1
        return
    (said,) = [note for note in found.notes if note.startswith("from large weights")]
    for lam, power in zip(found.correlations, large, strict=True):
        survives = f"λ = {lam:.3g} at a power of" in said
        assert survives is bool(power > 1e-2)
        if survives:
            value = float(said.split(f"λ = {lam:.3g} at a power of ")[1].split(",")[0].split(";")[0])
            assert value == pytest.approx(power, rel=0.02)


@pytest.mark.parametrize("name", ["simsiam", "directpred"])
def test_a_course_ends_where_the_modes_rest(name):
    """A predictor that is set sees the largest mode, and shrinks the others."""
    values = {"eta": sympy.S.Zero} | ({"epsilon": sympy.Rational(1, 10)} if name == "directpred" else {})
    found = field_modes(FIELDS[name], values, DATA)
    course = field_course(FIELDS[name], values, found.data, [0.0, 400.0])
    assert course.powers[0] == pytest.approx([0.05**2] * 3)
    assert course.powers[1] == pytest.approx(found.powers, abs=5e-3)


@pytest.mark.parametrize(
    ("values", "data", "said"),
    [
        ({}, DATA, "give --set eta"),
        ({"eta": sympy.Integer(-1)}, DATA, "not negative"),
        ({"eta": sympy.Integer(1), "tau": sympy.Integer(1)}, DATA, "no parameter 'tau'"),
        ({"eta": sympy.Integer(1)}, None, "--A0 FILE --C FILE"),
        (
            {"eta": sympy.Integer(1)},
            Covariances(np.array([[1.0, 0.5], [0.5, 1.0]]), np.diag([1.0, 2.0])),
            "do not commute",
        ),
    ],
)
def test_unusable_input_gets_one_sentence(values, data, said):
    with pytest.raises(InputError, match=said):
        field_modes(SIMSIAM, values, data)


def trained_with(name, given, start, steps=750):
    """The powers after a hand-written step of the population from equal weights of all modes."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    nodes, p = DATA.nodes(2, 1, 2)
    x, x_pos = (torch.from_numpy(np.array(one[:, 0])) for one in nodes)
    views = Views(x, x_pos, torch.from_numpy(np.array(p)), x[:, None][:, :0])
    weights = {"W": start * torch.eye(3, dtype=torch.float64)}
    weights |= {one: weights["W"].clone() for one in {"byol": ("P", "W_m"), "directpred": ()}[name]}
    for _ in range(steps):
        rates = step(STEPS[name], weights, views, given)
        weights = {one: value + 0.2 * rates[one] for one, value in weights.items()}
    return np.diag(weights["W"].numpy()) ** 2 * np.diag(DATA.Sigma)


@pytest.mark.parametrize(
    ("name", "given"),
    [("byol", {"eta": 0.05, "rho": 2.0, "mu": 0.3}), ("directpred", {"eta": 0.05, "epsilon": 0.1})],
)
def test_a_momentum_copy_and_a_set_predictor_end_where_it_is_said(name, given):
    exact = {one: sympy.Rational(str(value)) for one, value in given.items()}
    found = field_modes(FIELDS[name], exact, DATA)
    order = np.argsort(-np.diag(DATA.A0) / np.diag(DATA.Sigma))
    large = trained_with(name, given, 1.2)[order]
    assert found.found.powers == pytest.approx(trained_with(name, given, 0.01, 300)[order], abs=1e-2)
    (said,) = [note for note in found.notes if note.startswith("from large weights")]
    for lam, power in zip(found.correlations, large, strict=True):
        assert (f"λ = {lam:.3g} at a power of" in said) is bool(power > 1e-3)
        if power > 1e-3:
            value = float(said.split(f"λ = {lam:.3g} at a power of ")[1].split(",")[0].split(";")[0])
            assert value == pytest.approx(power, rel=0.02)
