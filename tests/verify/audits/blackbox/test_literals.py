"""The numbers of a code are found wherever it keeps them, and so are the multiples of them that coefficients may be."""

import functools
import math

import pytest
import torch
from torch import nn

from verify.audits.blackbox.literals import Literal, literals, units

MARGIN = 0.375


class Module(nn.Module):
    """A parameter, a buffer, an attribute, a part with a parameter of its own, and a literal."""

    def __init__(self):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.register_buffer("warmth", torch.tensor(0.21))
        self.weight = 0.6
        self.part = Part()

    def forward(self, z1, z2):
        return (z1 * z2).sum() * self.logit_scale.exp() * 0.77


class Part(nn.Module):
    """With a bias."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-3.0))


class Instance:
    """No module."""

    def __init__(self, tau):
        self.tau = tau

    def __call__(self, z1, z2):
        return (z1 * z2).sum() / self.tau


def with_global(z1, z2):
    return (z1 * z2).sum() * MARGIN


def calls_another(z1, z2):
    return with_global(z1, z2)


def of(loss):
    return {one.name: one.value for one in literals(loss)}


def test_a_module_and_its_parts():
    found = of(Module())
    assert found["logit_scale"] == pytest.approx(math.log(1 / 0.07), rel=1e-6)
    assert found["warmth"] == pytest.approx(0.21, rel=1e-6)
    assert found["weight"] == 0.6
    assert found["bias"] == -3.0
    assert 0.77 in found.values()
    assert {one.name: one.single for one in literals(Module())}["logit_scale"]
    assert not {one.name: one.single for one in literals(Module().double())}["logit_scale"]


@pytest.mark.parametrize(
    ("loss", "name", "value"),
    [
        (Instance(0.3), "tau", 0.3),
        (Instance(0.3).__call__, "tau", 0.3),
        (functools.partial(lambda z1, z2, t: t * z1 * z2, t=2.5), "t", 2.5),
        (with_global, "MARGIN", 0.375),
        (calls_another, "MARGIN", 0.375),
        (lambda z1, z2, *, rate=0.4: rate * z1 * z2, "rate", 0.4),
    ],
)
def test_other_places(loss, name, value):
    assert of(loss)[name] == value


def test_a_name_that_theory_has_is_written_otherwise():
    def outer(N, c, q1, a_i):
        return lambda z1, z2: (z1 * z2).sum() * N * c * q1 * a_i

    found = literals(outer(0.1, 0.2, 0.3, 0.4))
    assert {one.name for one in found} == {"N_0", "c_0", ""}
    assert {one.value for one in found} == {0.1, 0.2, 0.3, 0.4}


def test_nothing_is_called_and_nothing_breaks():
    """A property that raises, a cell that is empty, things that hold each other."""

    class Odd:
        @property
        def value(self):
            raise RuntimeError

        def __call__(self, z1, z2):
            return later(z1, z2)

    odd = Odd()
    odd.self = odd

    def outer():
        def loss(z1, z2):
            return unset * z1 * z2

        if odd is None:
            unset = 1.0
        return loss

    assert literals(odd) == ()
    assert literals(outer()) == ()
    assert literals(torch.nn.functional.mse_loss) == ()
    assert literals(len) == ()


def later(z1, z2):
    return (z1 * z2).sum()


def test_units_have_the_values_that_they_say():
    found = units((Literal("b", -0.7), Literal("", 0.5), Literal("s", 2.5, single=True)), 2)
    symbols = {"b": -0.7, "s": 2.5}
    for unit, size in found:
        value = float(unit.subs(symbols))
        assert size == pytest.approx(value, rel=1e-6)
    assert len({unit for unit, _ in found}) == len(found)
    assert not any(unit.is_Rational for unit, _ in found)
