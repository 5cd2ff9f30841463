import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from derive import InputError
from verify.truths.function import BlackBox, TooSlowError


def load(name):
    spec = importlib.util.spec_from_file_location(f"black_box_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traps = load("traps")


@pytest.fixture
def z():
    return np.random.default_rng(0).standard_normal((2, 4, 2))


def test_inputs_are_left_alone_and_nothing_is_printed(z, capsys):
    box, before = BlackBox(traps.chatty_and_mutating), z.copy()
    assert box(z) == pytest.approx(traps.quadratic(*torch.from_numpy(z)).item())
    assert (z == before).all()
    assert box.seen.printed
    assert box.seen.mutated
    assert capsys.readouterr().out == ""


def test_what_a_quiet_loss_shows(z):
    box = BlackBox(traps.quadratic)
    box(z)
    assert (box.seen.calls, box.seen.printed, box.seen.mutated, box.seen.first_of, box.seen.single) == (
        1,
        False,
        False,
        0,
        False,
    )


def test_the_first_of_a_tuple(z):
    box = BlackBox(traps.returns_tuple)
    assert box(z) == BlackBox(traps.squared_infonce)(z) == BlackBox(traps.python_float)(z)
    assert box.seen.first_of == 2


def test_weights_in_single_precision_are_given_it(z):
    box = BlackBox(traps.SingleWeights())
    assert np.isfinite(box(z))
    assert box.seen.single
    assert box.dtype is torch.float32


def test_one_seed_for_every_generator(z):
    for loss in (traps.Dropout(), traps.numpy_noise):
        box = BlackBox(loss, seed=3)
        assert box(z) == box(z)
        assert box(z) != BlackBox(loss, seed=4)(z)


def test_gradients_pass_through(z):
    at = torch.from_numpy(z).requires_grad_()
    BlackBox(traps.quadratic).tensor(at).backward()
    assert at.grad.shape == (2, 4, 2)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (traps.raises, r"raised KeyError on two batches of shape \(4, 2\)"),
        (traps.returns_vector, "it must return a scalar: reduce it"),
        (traps.returns_nothing, "returned a NoneType"),
        (lambda *_: (), "returned an empty tuple"),
        (lambda z1, z2: (z1 * z2).sum().to(torch.complex128), "a complex number"),
    ],
)
def test_what_is_no_loss(loss, message, z):
    with pytest.raises(InputError, match=message):
        BlackBox(loss)(z)


def test_a_minute_is_too_long(z):
    with pytest.raises(TooSlowError, match=r"within 0\.2 seconds"):
        BlackBox(traps.takes_a_minute, limit=0.2)(z)
