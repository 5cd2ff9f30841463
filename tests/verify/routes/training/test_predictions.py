"""The three predictions, and how they are decided on."""

import numpy as np
import pytest

from derive import InputError
from verify.evidence.agreement import compared
from verify.routes.training.predictions import PRINTED, along_mode, predictions

CASES = [("infonce", {}), ("beta-infonce", {"beta": 0.7}), ("spectral", {})]


@pytest.mark.parametrize(("loss", "given"), CASES)
def test_the_exact_heights_are_where_the_loss_of_a_mode_is_lowest(loss, given):
    for a, c in ((1.0, 0.5), (0.4, 1.3), (1.0, 3.0)):
        height = float(predictions(loss, [a], [c], given).exact[0] * (a + c))
        beside = height + np.array([-1e-3, 1e-3]) * max(height, 1.0)
        beside = beside[beside >= 0]
        assert (along_mode(loss, beside, a, c, given) > along_mode(loss, height, a, c, given)).all()


def test_the_loss_of_a_mode_is_that_of_random_data():
    rng = np.random.default_rng(0)
    a, c, w = 1.0, 0.8, 0.7
    centre, other = rng.standard_normal((2, 200_000)) * np.sqrt(a)
    x, x_pos, chi = (one + rng.standard_normal(200_000) * np.sqrt(c) for one in (centre, centre, other))
    few = w * x[:4000]
    logs = np.log(np.exp(-((few[:, None] - w * chi[None, :4000]) ** 2) / 2).mean(1))
    pairs = w**2 * (x - x_pos) ** 2 / 2
    error = np.hypot(pairs.std() / np.sqrt(len(pairs)), logs.std() / np.sqrt(len(logs)))
    expected = float(along_mode("infonce", w**2 * (a + c), a, c))
    assert pairs.mean() + logs.mean() == pytest.approx(expected, abs=4 * error)


def test_far_from_the_origin_the_quartic_is_off_and_close_to_it_right():
    weak, strong = (predictions("infonce", [1.0], [c]) for c in (0.2, 200.0))
    assert weak.radius > 1
    assert weak.truncation[0] > 0.5 * weak.exact[0]
    assert strong.truncation[0] < 0.01 * strong.exact[0]


@pytest.mark.parametrize(("loss", "given"), CASES)
def test_modes_are_solved_in_any_shape(loss, given):
    a, c = np.ones((2, 1, 3)), np.linspace(0.1, 3.0, 4)[:, None]
    found = predictions(loss, a, c, given)
    assert found.exact.shape == (2, 4, 3)
    assert found.exact[0, 2, 0] == predictions(loss, 1.0, c[2], given).exact[0]


def test_what_has_no_exact_landscape_is_refused():
    with pytest.raises(InputError) as error:
        predictions("dcl", [1.0], [1.0])
    assert str(error.value) == (
        f"there is no exact landscape beside a printed formula for 'dcl'; take one of {', '.join(PRINTED)}"
    )
    with pytest.raises(InputError) as error:
        predictions("beta-infonce", [1.0], [1.0])
    assert str(error.value) == "there is no value for beta; give parameters={'beta': …}"


@pytest.mark.parametrize(
    ("predicted", "samples", "options", "word", "why"),
    [
        (1.0, [1.01, 1.0, 0.99], {}, "agrees", ""),
        (1.0, [1.019, 1.019, 1.019], {}, "agrees", ""),
        (1.0, [1.03, 1.03, 1.03], {}, "off", ""),
        (0.0, [1e-4, 2e-4, 1e-4], {"scale": 0.1}, "agrees", ""),
        (0.0, [0.05, 0.051, 0.049, 0.05], {"scale": 0.1}, "off", ""),
        (0.0, [0.05, 0.051, 0.049], {"scale": 0.1}, "undecided",
         "86.6 standard errors, which 3 seeds may be off by chance"),
        (1.0, [1.04, 1.02, 1.05, 1.03], {}, "undecided", "5.4 standard errors, which 4 seeds may be off by chance"),
        (1.0, [1.05, 1.05, 1.05], {"truncation": 0.04}, "agrees", ""),
        (1.0, [1.01, 1.0], {}, "undecided", "fewer than three seeds"),
        (1.0, [0.1, 2.0, 0.9], {}, "undecided", "the seeds spread too much"),
        (1.0, [1.0, 1.0, 1.0], {"truncation": 0.11}, "undecided",
         "outside of its domain: the orders left out are not small"),
        (1.0, [1.0, float("nan"), 1.0], {}, "undecided", "not measured: no finite number"),
        (float("nan"), [1.0, 1.0, 1.0], {}, "undecided", "outside of its domain: no finite prediction"),
    ],
)  # fmt: skip
def test_decisions(predicted, samples, options, word, why):
    found = compared(predicted, samples, **options)
    assert (found.word, found.why) == (word, why)
