"""SimCLR's views, measured from what comes out: images whose colours tell where each pixel came from.

Red runs from 0 at the left edge to 1 at the right one and green from top to bottom: the corners of a view tell its crop
and whether it was flipped. What is measured is compared with a plain Python rendering of the published procedure.
"""

import random

import numpy as np
import pytest
import torch

from derive import InputError
from verify.networks.images.augment import Drawn, two_views
from verify.networks.images.pixels import colours_of, standardise
from verify.networks.images.simclr_views import simclr
from verify.networks.images.synthetic import synthetic_images

N = 1200


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def said(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


@pytest.fixture(scope="module")
def coordinates():
    """(N, 3, 32, 32), standardised."""
    across = torch.linspace(0, 1, 32)
    one = torch.stack([across.expand(32, 32), across[:, None].expand(32, 32), torch.full((32, 32), 0.5)])
    return standardise(one.expand(N, 3, 32, 32))


def crops(views):
    """Left, top, width, height in pixels and whether flipped, (N,) each, of views of the coordinates."""
    corners = colours_of(views)[:, :2, [0, 0, 31, 31], [0, 31, 0, 31]].double().numpy() * 31
    x, y = corners[:, 0], corners[:, 1]
    left, right = x[:, 0], x[:, 1]
    whole = np.stack([np.minimum(left, right), y[:, 0], np.abs(right - left) + 1, y[:, 2] - y[:, 0] + 1])
    assert np.abs(whole - whole.round()).max() < 1e-3  # crops have whole pixels
    return *whole.round(), left > right


def plain_crops(min_crop, n, seed=0):
    """Crops by the procedure of Szegedy et al. 2015 as SimCLR uses it, one at a time."""
    draw = random.Random(seed)
    found = []
    while len(found) < n:
        for _ in range(10):
            area, ratio = 32 * 32 * draw.uniform(min_crop, 1), np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
            w, h = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
            if w <= 32 and h <= 32:
                break
        else:
            w = h = 32
        found.append((draw.randint(0, 32 - w), draw.randint(0, 32 - h), w, h))
    return np.array(found, dtype=float).T


def z(one, other):
    """The difference of two means in standard errors."""
    return (one.mean() - other.mean()) / np.sqrt(one.var() / len(one) + other.var() / len(other))


def apart(views, min_crop):
    """The largest difference from the procedure, over areas, sides, their squares and positions."""
    left, top, w, h, _ = crops(views)
    x0, y0, w0, h0 = plain_crops(min_crop, 20_000)
    pairs = [(w * h, w0 * h0), (w, w0), (h, h0), (w**2, w0**2), (left, x0), (top, y0), (left**2, x0**2)]
    pairs += [((w - h) ** 2, (w0 - h0) ** 2)]
    return max(abs(z(one, other)) for one, other in pairs)


def correlation(one, other):
    """Of two measurements, in standard errors."""
    return np.corrcoef(one, other)[0, 1] * np.sqrt(len(one))


def rate(count, n, expected):
    return (count - n * expected) / np.sqrt(n * expected * (1 - expected))


@pytest.mark.parametrize("min_crop", [0.5, 0.2])
def test_crops_follow_the_published_procedure(coordinates, min_crop):
    views = simclr(min_crop=min_crop, strength=0, grey=0)(coordinates, generator())
    assert apart(views, min_crop) < 4
    assert apart(views, 0.4) > 4  # another strength is seen


def test_the_whole_image_stays_where_no_crop_is_allowed(coordinates):
    left, top, w, h, _ = crops(simclr(min_crop=1.0, strength=0, grey=0)(coordinates, generator()))
    # A ratio other than 1 of the whole area does not fit, and a side of 32 pixels is all that rounding leaves.
    assert (w * h > 31 * 31).all()
    assert np.abs(w - h).max() <= 1
    assert max(left.max(), top.max()) <= 1


def test_flips_are_in_half_of_the_cases(coordinates):
    flipped = crops(simclr(strength=0, grey=0)(coordinates, generator()))[-1]
    assert abs(rate(flipped.sum(), N, 0.5)) < 4


def test_grey_is_in_one_of_five(coordinates):
    for share in (0.2, 0.6):
        colours = colours_of(simclr(strength=0, grey=share)(coordinates, generator()))
        grey = ((colours.amax(1) - colours.amin(1)).amax((1, 2)) < 1e-5).numpy()
        assert abs(rate(grey.sum(), N, share)) < 4
        assert abs(rate(grey.sum(), N, 0.4)) > 4


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_brightness_is_by_a_uniform_factor_in_four_of_five(strength):
    # A grey image knows neither saturation nor hue, and its contrast is with itself: what is left is brightness.
    grey = standardise(torch.full((N, 3, 8, 8), 0.5))
    factor = colours_of(simclr(strength=strength, grey=0)(grey, generator())).mean((1, 2, 3)).double().numpy() / 0.5
    same = np.abs(factor - 1) < 1e-5
    assert abs(rate(same.sum(), N, 0.2)) < 4
    changed = factor[~same]
    half = 0.8 * strength
    error = half / np.sqrt(3 * len(changed))
    assert abs(changed.mean() - 1) < 4 * error
    spread = ((changed - 1) ** 2).mean()
    assert abs(spread - half**2 / 3) < 4 * half**2 * np.sqrt(4 / 45 / len(changed))
    assert 1 - half - 1e-5 < changed.min() < changed.max() < 1 + half + 1e-5


def test_rows_are_independent_of_each_other(coordinates):
    views = simclr(strength=0, grey=0)(coordinates, generator())
    left, top, w, h, flipped = crops(views)
    for one in (left, top, w, h, flipped.astype(float)):
        assert abs(correlation(one[1:], one[:-1])) < 4
    grey = standardise(torch.full((N, 3, 8, 8), 0.5))
    bright = colours_of(simclr(grey=0)(grey, generator())).mean((1, 2, 3)).numpy()
    assert abs(correlation(bright[1:], bright[:-1])) < 4
    assert abs(correlation(bright, flipped)) < 4


def test_rows_that_share_their_draws_would_be_found(coordinates):
    def in_pairs(x, draws):
        return simclr(strength=0, grey=0)(x[::2], draws).repeat_interleave(2, 0)

    left, _, w, _, flipped = crops(Drawn(in_pairs, "pairs of equal views")(coordinates, generator()))
    for one in (left, w, flipped.astype(float)):
        assert correlation(one[1:], one[:-1]) > 4


def test_two_views_are_two_independent_draws(coordinates):
    one, other = two_views(coordinates, simclr(strength=0, grey=0), generator())
    for first, second in zip(crops(one), crops(other), strict=True):
        assert abs(correlation(first, second)) < 4


@pytest.fixture(scope="module")
def photographs():
    return synthetic_images(64, seed=0).floats()


def test_the_same_state_gives_the_same_views_to_the_bit(photographs):
    draws = generator(3)
    state = draws.get_state()
    one, other = two_views(photographs, simclr(), draws)
    assert (one != other).flatten(1).any(1).all()
    draws.set_state(state)
    again = two_views(photographs, simclr(), draws)
    assert torch.equal(again[0], one)
    assert torch.equal(again[1], other)


def test_torchs_global_generator_is_neither_used_nor_moved(photographs):
    before = torch.get_rng_state()
    one = simclr()(photographs, generator())
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(simclr()(photographs, generator()), one)


def test_views_are_images_of_the_same_form(photographs):
    one = simclr()(photographs, generator())
    assert (one.shape, one.dtype) == (photographs.shape, torch.float32)
    assert colours_of(one).min() > -1e-5
    assert colours_of(one).max() < 1 + 1e-5
    wide = simclr()(photographs[:, :, :20], generator())
    assert wide.shape == (64, 3, 20, 32)


def test_hue_and_saturation_change_colours_and_strength_0_does_not():
    red = standardise(torch.tensor([0.8, 0.2, 0.2])[:, None, None].expand(200, 3, 8, 8))
    colours = colours_of(simclr(grey=0)(red, generator()))[:, :, 0, 0]
    assert colours[:, 1].sub(colours[:, 2]).abs().max() > 0.05
    assert torch.allclose(simclr(strength=0, grey=0)(red, generator()), red, atol=1e-5)


def test_its_text_says_what_it_does():
    assert (
        simclr().text
        == "SimCLR's crops of 50 to 100 % of the area, flips, colours changed with strength 0.5, 20 % grey"
    )
    assert simclr(min_crop=0.08, strength=0, grey=0).text == (
        "SimCLR's crops of 8 to 100 % of the area, flips, colours unchanged, 0 % grey"
    )


@pytest.mark.parametrize("min_crop", [0, 1.5, -1, float("nan")])
def test_crops_out_of_range_are_refused(min_crop):
    expected = f"min_crop is {min_crop}; a share of the area, above 0 and up to 1, is needed"
    assert said(lambda: simclr(min_crop=min_crop)) == expected


@pytest.mark.parametrize("name", ["strength", "grey"])
def test_shares_out_of_range_are_refused(name):
    for value in (-0.1, 1.1, float("nan")):
        assert said(lambda value=value: simclr(**{name: value})) == f"{name} is {value}; a number from 0 to 1 is needed"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_shows_the_same_views(photographs):
    on_gpu = simclr()(photographs.cuda(), generator())
    assert on_gpu.is_cuda
    assert torch.allclose(on_gpu.cpu(), simclr()(photographs, generator()), atol=1e-3)
