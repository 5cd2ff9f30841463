"""Rare classes: the counts that were asked for, and Dirichlet's proportions under a limit."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import betainc

from derive import InputError
from verify.networks.images import imbalance
from verify.networks.images.imbalance import HIGH, MEDIUM, NONE, dirichlet_counts, imbalanced
from verify.networks.images.synthetic import synthetic_images


@pytest.fixture(scope="module")
def images():
    return synthetic_images(200, seed=0)


def said(call):
    with pytest.raises(InputError) as error:
        call()
    return str(error.value)


def test_the_images_are_so_many_all_different_and_of_the_set(images):
    counts = (20, 0, 1, 3, 0, 0, 7, 0, 19, 2)
    drawn = imbalanced(images, counts, seed=3)
    assert drawn.counts == counts
    places = {one.tobytes(): number for number, one in enumerate(images.pixels)}
    found = [places[one.tobytes()] for one in drawn.pixels]
    assert found == sorted(set(found))
    assert drawn.labels.tolist() == images.labels[found].tolist()
    assert drawn.source == f"{images.source}; 20, 0, 1, 3, 0, 0, 7, 0, 19, 2 of the classes, drawn with seed 3"
    assert np.array_equal(drawn.pixels, imbalanced(images, counts, seed=3).pixels)
    assert not np.array_equal(drawn.pixels, imbalanced(images, counts, seed=4).pixels)


def test_every_image_of_a_class_is_drawn_equally_often(images):
    counts, seeds = (5,) * 10, 400
    drawn = np.zeros(len(images))
    places = {one.tobytes(): number for number, one in enumerate(images.pixels)}
    for seed in range(seeds):
        for one in imbalanced(images, counts, seed).pixels:
            drawn[places[one.tobytes()]] += 1
    # 5 of 20: the count of each has the variance seeds · ¼ · ¾, and each class fixes the sum of its twenty. The sum of
    # squares in units of that variance is 20/19 times a χ² of 19 degrees of freedom for each of ten classes.
    squares = ((drawn - seeds / 4) ** 2).sum() / (seeds * 3 / 16)
    assert abs(squares - 200) < 4 * (20 / 19) * np.sqrt(2 * 190)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((1, 2), "2 counts were given, and there are 10 classes"),
        ((0,) * 10, "the counts are 0, 0, 0, 0, 0, 0, 0, 0, 0, 0; none may be negative, and one must be positive"),
        (
            (1, -1, *(0,) * 8),
            "the counts are 1, -1, 0, 0, 0, 0, 0, 0, 0, 0; none may be negative, and one must be positive",
        ),
        ((0, 21, *(0,) * 8), "21 images of the class 6 periods at 9° were asked for, and there are 20"),
        (HIGH, "4890 images of the class 3 periods at 9° were asked for, and there are 20"),
    ],
)
def test_counts_that_do_not_fit_are_refused(images, counts, message):
    assert said(lambda: imbalanced(images, counts, 0)) == message


def test_the_printed_counts():
    # "20000 samples": two of the three lists fall short of that.
    assert [sum(counts) for counts in (HIGH, MEDIUM, NONE)] == [19_998, 19_996, 20_000]
    assert max(HIGH) == 5000


def by_level(total, logs, limits):
    """n_k = min(limit_k, t p_k): the level t by bisection, which shares nothing with the rounds."""

    def over(log_level):
        return np.minimum(limits, np.exp(np.minimum(logs + log_level, 50))).sum() - total

    return np.minimum(limits, np.exp(np.minimum(logs + brentq(over, -1e5, 1e5, xtol=1e-13, rtol=1e-14), 50)))


def without_sharing(total, logs, limits):
    """A mutant: what a class cannot give is lost."""
    share = np.exp(logs - logs.max())
    return np.minimum(total * share / share.sum(), limits)


CASES = [(20_000, 0.3, 5000), (20_000, 1.0, 5000), (20_000, 100.0, 5000), (49_999, 0.5, 5000), (20_000, 0.01, 5000)]


@pytest.mark.parametrize(("total", "concentration", "available"), CASES)
def test_what_is_over_a_limit_is_shared_in_proportion(total, concentration, available):
    limits = np.full(10, available)
    sums = []
    for seed in range(20):
        logs = imbalance._log_proportions(concentration, 10, seed)
        counts = dirichlet_counts(total, concentration, 10, available, seed)
        assert sum(counts) == total
        assert 0 <= min(counts) <= max(counts) <= available
        assert np.abs(np.array(counts) - by_level(total, logs, limits)).max() < 1
        sums.append(without_sharing(total, logs, limits).sum())
    if concentration < 100:
        assert min(sums) < total - 100


def test_unequal_limits_are_kept():
    limits = [3, 0, 100, 7, 50]
    for seed in range(20):
        counts = dirichlet_counts(100, 0.5, 5, limits, seed)
        assert sum(counts) == 100
        assert (np.array(counts) <= limits).all()
    assert dirichlet_counts(160, 0.5, 5, limits, 0) == tuple(limits)


@pytest.mark.parametrize("concentration", [0.05, 0.5, 3.0])
def test_proportions_are_dirichlets(concentration):
    # Without a limit a class's proportion is Beta(α, 9α): the share of draws below a level has a binomial error.
    total, draws = 10**9, 1000
    first = np.array([dirichlet_counts(total, concentration, 10, total, seed)[0] / total for seed in range(draws)])

    def off(alpha):
        """The largest distance of three shares from Beta's, in standard errors."""
        expected = betainc(alpha, 9 * alpha, np.array([0.01, 0.1, 0.3]))
        found = np.mean(first[:, None] < [0.01, 0.1, 0.3], 0)
        return np.abs((found - expected) / np.sqrt(expected * (1 - expected) / draws)).max()

    assert off(concentration) < 4
    assert off(2 * concentration) > 4


def test_a_concentration_that_underflows_gives_whole_classes():
    counts = dirichlet_counts(20_000, 1e-5, 10, 5000, seed=0)
    assert sorted(counts) == [0] * 6 + [5000] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100, 1.0, 0, 10), "0 classes were asked for; at least one is needed"),
        ((100, 0.0, 10, 10), "the concentration α is 0.0; a finite number above 0 is needed"),
        ((100, float("nan"), 10, 10), "the concentration α is nan; a finite number above 0 is needed"),
        ((101, 1.0, 10, 10), "101 images were asked for, and there are 100"),
        ((0, 1.0, 10, 10), "0 images were asked for, and there are 100"),
        ((5, 1.0, 3, [1, 2]), "what is available must be a whole number of images for each of 3 classes"),
        ((5, 1.0, 3, [1, 2, -1]), "what is available must be a whole number of images for each of 3 classes"),
    ],
)
def test_what_cannot_be_counted_is_refused(arguments, message):
    assert said(lambda: dirichlet_counts(*arguments, seed=0)) == message


def test_a_negative_seed_is_refused(images):
    expected = "the seed is -1; a whole number that is not negative is needed"
    assert said(lambda: dirichlet_counts(5, 1.0, 2, 5, seed=-1)) == expected
    assert said(lambda: imbalanced(images, (1,) * 10, seed=-1)) == expected
