"""Noise: of the strength that is said, independent from pixel to pixel, and from the generator alone."""

import numpy as np
import pytest
import torch

from derive import InputError
from verify.networks.images.augment import Drawn, gaussian, two_views
from verify.networks.images.synthetic import synthetic_images


@pytest.fixture(scope="module")
def x():
    return synthetic_images(400, seed=0).floats()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def said(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_noise_is_gaussian_of_its_strength_about_the_image(x, sigma):
    noise = ((gaussian(sigma)(x, generator()) - x) / sigma).double().numpy().ravel()
    n = len(noise)
    assert abs(noise.mean()) < 4 / np.sqrt(n)
    assert abs((noise**2).mean() - 1) < 4 * np.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 4 * np.sqrt(96 / n)


def test_noise_is_independent_between_rows_pixels_and_channels(x):
    noise = gaussian(1.0)(torch.zeros_like(x), generator()).double()
    for other in (noise.roll(1, 0), noise.roll(1, 1), noise.roll(1, 2), noise.roll(1, 3)):
        assert abs((noise * other).mean()) < 4 / np.sqrt(noise.numel())


def test_no_noise_leaves_the_image(x):
    assert torch.equal(gaussian(0.0)(x, generator()), x)


def test_two_views_are_two_draws_and_come_again_from_the_same_state(x):
    draws = generator(5)
    state = draws.get_state()
    one, other = two_views(x, gaussian(1.0), draws)
    assert not (one == other).any()
    assert abs(((one - x) * (other - x)).mean()) < 4 / np.sqrt(x.numel())
    draws.set_state(state)
    again = two_views(x, gaussian(1.0), draws)
    assert torch.equal(again[0], one)
    assert torch.equal(again[1], other)


def test_it_takes_nothing_from_torchs_global_generator(x):
    before = torch.get_rng_state()
    gaussian(1.0)(x, generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_double_precision_stays():
    assert gaussian(1.0)(torch.zeros(1, 3, 2, 2, dtype=torch.float64), generator()).dtype == torch.float64


@pytest.mark.parametrize(("sigma", "text"), [(-0.1, "-0.1"), (float("nan"), "nan"), (float("inf"), "inf")])
def test_a_strength_that_is_none_is_refused(sigma, text):
    expected = f"σ = {text} is not a strength of noise; a finite number that is not negative is needed"
    assert said(lambda: gaussian(sigma)) == expected


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (torch.zeros(3, 8, 8), "float32 of shape (3, 8, 8)"),
        (torch.zeros(2, 1, 8, 8), "float32 of shape (2, 1, 8, 8)"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), "uint8 of shape (2, 3, 8, 8)"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(wrong, text):
    for augmentation in (gaussian(1.0), Drawn(lambda x, _: x, "nothing")):
        assert said(lambda one=augmentation: one(wrong, generator())) == (
            f"an augmentation was given {text}; standardised images of shape (n, 3, h, w) are needed, "
            f"as Images.floats gives them"
        )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cpu_generator_draws_the_same_noise_for_a_gpu(x):
    on_gpu = gaussian(0.5)(x.cuda(), generator())
    assert on_gpu.is_cuda
    assert torch.allclose(on_gpu.cpu(), gaussian(0.5)(x, generator()), atol=1e-6)
