"""Linear evaluation where the best accuracy is known, beside scikit-learn's regression, and where it cannot be done."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from derive import InputError
from verify.networks.evaluate import Accuracy, _features, judged, linear_evaluation
from verify.networks.images.synthetic import synthetic_images
from verify.networks.network import build


def two_gaussians(n, distance, seed):
    """Two classes at ±distance/2 along one of five axes, and a scale and an offset that must not matter."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (n,), generator=generator)
    x = torch.randn(n, 5, generator=generator)
    x[:, 0] += distance * (labels - 0.5)
    return 40 * x + 7, labels


def test_two_gaussians_are_told_apart_as_well_as_they_can_be():
    found = linear_evaluation(two_gaussians(4000, 2.0, 0), two_gaussians(20_000, 2.0, 1), epochs=10)
    best = (1 + math.erf(1.0 / math.sqrt(2))) / 2  # Φ(distance/2)
    assert found.share == pytest.approx(best, abs=3 * found.error + 0.005)
    assert found.error < 0.003
    wrong = linear_evaluation(two_gaussians(4000, 2.0, 0), two_gaussians(20_000, 0.5, 1), epochs=10)
    assert abs(wrong.share - best) > 0.1


def test_features_of_a_network_are_judged_as_another_library_judges_them():
    network = build({"name": "resnet12", "width": 2, "d1": 16})
    train, test = synthetic_images(600, 0), synthetic_images(500, 1)
    _, found = judged(network, train, test, device="cpu")
    sets = [_features(network, one, "cpu") for one in (train, test)]
    assert found == linear_evaluation(*sets)
    (x, y), (x_test, y_test) = [(phi.double().numpy(), labels.numpy()) for phi, labels in sets]
    mean, size = x.mean(0), float(((x - x.mean(0)) ** 2).sum(1).mean()) ** 0.5
    other = LogisticRegression(C=100, max_iter=2000).fit((x - mean) / size, y).score((x_test - mean) / size, y_test)
    assert found.share == pytest.approx(other, abs=3 * found.error)
    assert found.share > 0.1 + 3 * found.error  # random features tell something
    shuffled = linear_evaluation((sets[0][0], sets[0][1].flip(0).roll(3)), sets[1])
    assert shuffled.share == pytest.approx(0.1, abs=3 * shuffled.error)


def test_what_is_judged_is_what_is_kept():
    train, test = synthetic_images(60, 0), synthetic_images(60, 1)
    for projector in (0, 8):
        network = build({"name": "resnet12", "width": 2, "d1": 4, "projector": projector})
        kept, backbone = judged(network, train, test, device="cpu", epochs=3)
        with torch.no_grad():
            sets = [(network.representation(one.floats()), torch.from_numpy(one.labels)) for one in (train, test)]
        assert kept == linear_evaluation(*sets, epochs=3)
        assert (kept == backbone) == (projector > 0)


def test_classes_that_were_not_seen_are_told_wrong():
    x, y = two_gaussians(400, 6.0, 0)
    found = linear_evaluation((x[y == 0], y[y == 0]), (x, y), epochs=5)
    assert found.by_class == (1.0, 0.0)
    assert found.share == pytest.approx(float((y == 0).double().mean()))


def test_the_same_seed_gives_the_same_answer():
    sets = two_gaussians(500, 1.0, 0), two_gaussians(500, 1.0, 1)
    assert linear_evaluation(*sets, seed=3, epochs=3) == linear_evaluation(*sets, seed=3, epochs=3)


def test_an_error_is_that_of_a_share():
    assert Accuracy(0.2, (0.2,), 400).error == pytest.approx(0.02)


X, Y = torch.eye(4), torch.arange(4)


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ((X, Y[:3]), (X, Y), "training features of shape (4, 4) do not fit labels of (3,)"),
        ((X, Y), (X / 0, Y), "the test features are not all finite numbers; was the network's training stable?"),
        ((0 * X, Y), (X, Y), "all features are the same: the network has collapsed, and there is nothing to evaluate"),
    ],
)
def test_what_cannot_be_judged_is_refused(train, test, said):
    with pytest.raises(InputError) as error:
        linear_evaluation(train, test)
    assert str(error.value) == said
