"""Images hold together, and their unit is the one that is said."""

import numpy as np
import pytest
import torch

from derive import InputError
from verify.networks.images.pixels import CHANNEL_MEAN, CHANNEL_STD, Images, colours_of, standardise

NAMES = ("ant", "bee", "cow")


def images(n=5, **changes):
    rng = np.random.default_rng(1)
    parts = {
        "pixels": rng.integers(0, 256, (n, 3, 4, 6), dtype=np.uint8),
        "labels": np.arange(n, dtype=np.int64) % 3,
        "names": NAMES,
        "source": "noise",
    }
    return Images(**(parts | changes))


def said(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def test_a_subset_has_these_images_in_this_order():
    whole = images()
    part = whole.subset(np.array([4, 0, 4]))
    assert np.array_equal(part.pixels, whole.pixels[[4, 0, 4]])
    assert part.labels.tolist() == [1, 0, 1]
    assert part.counts == (1, 2, 0)
    assert (part.names, part.source) == (whole.names, whole.source)
    assert np.array_equal(whole.first(2).pixels, whole.pixels[:2])


def test_floats_are_standardised_by_one_map_for_all_sets():
    whole = images()
    floats = whole.floats()
    assert floats.dtype == torch.float32
    by_hand = (whole.pixels.astype(float) / 255 - np.array(CHANNEL_MEAN).reshape(3, 1, 1)) / np.array(
        CHANNEL_STD
    ).reshape(3, 1, 1)
    assert np.abs(floats.numpy() - by_hand).max() < 1e-6
    assert torch.equal(whole.subset([2]).floats(), floats[2:3])


def test_plain_floats_are_shares_of_255():
    whole = images()
    plain = whole.floats(standardised=False)
    assert torch.equal((plain * 255).round().to(torch.uint8), torch.from_numpy(whole.pixels))
    assert torch.allclose(colours_of(standardise(plain)), plain, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pixels": np.zeros((5, 3, 4, 6))},
            "the pixels are float64 of shape (5, 3, 4, 6); uint8 of shape (N, 3, h, w) is needed",
        ),
        (
            {"pixels": np.zeros((5, 4, 6, 3), np.uint8)},
            "the pixels are uint8 of shape (5, 4, 6, 3); uint8 of shape (N, 3, h, w) is needed",
        ),
        (
            {"labels": np.zeros(4, np.int64)},
            "the labels are int64 of shape (4,); int64 of shape (5,) is needed, one label an image",
        ),
        (
            {"labels": np.array([0, 1, 2, 3, 0])},
            "a label is 3, and there are names for 3 classes: labels run from 0 to 2",
        ),
        (
            {"labels": np.array([0, -1, 2, 0, 0])},
            "a label is -1, and there are names for 3 classes: labels run from 0 to 2",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    assert said(lambda: images(**changes)) == message


@pytest.mark.parametrize("indices", [[], [0.5], [[0]], [True]])
def test_a_subset_needs_indices(indices):
    assert said(lambda: images().subset(indices)) == "a subset needs a list of indices of images, at least one"


@pytest.mark.parametrize("index", [5, -1])
def test_a_subset_needs_images_that_there_are(index):
    expected = f"there is no image {index}: 5 images have the indices 0 to 4"
    assert said(lambda: images().subset([1, index])) == expected


@pytest.mark.parametrize("number", [0, 6])
def test_the_first_images_must_be_there(number):
    assert said(lambda: images().first(number)) == f"{number} images were asked for, and there are 5: noise"
