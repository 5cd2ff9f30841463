"""Gratings are the same for the same seed, spread like photographs, and can be learnt but not fully."""

import numpy as np
import pytest

from derive import InputError
from verify.networks.images.pixels import colours_of
from verify.networks.images.synthetic import CLASSES, synthetic_images


@pytest.fixture(scope="module")
def sets():
    return synthetic_images(2000, seed=0), synthetic_images(1000, seed=1)


def accuracy(sets, features):
    """Of ridge regression to the classes: the share of the second set that it tells rightly."""
    (x, x_test), (y, y_test) = ([features(one.pixels / 255 - 0.5) for one in sets], [one.labels for one in sets])
    mean, spread = x.mean(0), x.std(0) + 1e-9
    x, x_test = (x - mean) / spread, (x_test - mean) / spread
    W = np.linalg.solve(x.T @ x + 100 * np.eye(x.shape[1]), x.T @ (np.eye(CLASSES)[y] - 1 / CLASSES))
    return np.mean((x_test @ W).argmax(1) == y_test)


def spectrum(x):
    low = np.abs(np.fft.rfft2(x.mean(1)))[:, np.r_[:9, -8:0], :9]
    return np.log(low + 0.1).reshape(len(x), -1)


def test_the_same_seed_gives_the_same_images_and_a_longer_list_begins_with_the_shorter(sets):
    for n in (1, 255, 257):
        assert np.array_equal(synthetic_images(n, seed=0).pixels, sets[0].pixels[:n])
    assert not np.array_equal(sets[1].pixels[:9], sets[0].pixels[:9])
    assert len({one.tobytes() for images in sets for one in images.pixels}) == 3000


def test_the_classes_are_equally_many_and_named(sets):
    assert sets[0].counts == (200,) * 10
    assert sets[0].names[:3] == ("3 periods at 9°", "6 periods at 9°", "3 periods at 27°")
    assert sets[0].source == "synthetic: 2000 gratings of ten classes, made from seed 0; no photographs"


def test_the_standardised_pixels_are_of_the_order_of_one(sets):
    x = sets[0].floats()
    assert x.mean((0, 2, 3)).abs().max() < 0.3
    assert ((x.std((0, 2, 3)) > 0.7) & (x.std((0, 2, 3)) < 1.1)).all()
    assert colours_of(x).min() > -1e-6


def test_directions_and_lengths_tell_the_classes_above_chance_and_not_fully(sets):
    assert 0.6 < accuracy(sets, spectrum) < 0.95


def test_a_mirror_image_tells_the_same_class(sets):
    def mirrored(x):
        return spectrum(x) + spectrum(x[..., ::-1])

    assert 0.6 < accuracy(sets, mirrored) < 0.95


def test_neither_mean_colours_nor_raw_pixels_tell_much(sets):
    assert accuracy(sets, lambda x: x.mean((2, 3))) < 0.2
    assert accuracy(sets, lambda x: x[:, :, ::4, ::4].reshape(len(x), -1)) < 0.35


def test_classes_in_the_mean_image_would_be_found(sets):
    # The same measurement sees a class that does show in the mean.
    def told(x):
        return x.mean((2, 3)) + (np.arange(len(x)) % 10 < 5)[:, None]

    assert accuracy(sets, told) > 0.19


@pytest.mark.parametrize(
    ("n", "seed", "message"),
    [
        (0, 0, "0 images were asked for; at least one is needed"),
        (5, -1, "the seed is -1; a whole number that is not negative is needed"),
    ],
)
def test_what_cannot_be_made_is_refused(n, seed, message):
    with pytest.raises(InputError) as error:
        synthetic_images(n, seed)
    assert str(error.value) == message
