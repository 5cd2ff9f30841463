"""Views of other data of a class in numbers: nodes and draws share the class and nothing else."""

import numpy as np
import pytest

from derive import Classes, Elliptical, Gaussian, InputError, Laplace, Uncentred
from derive.algebra.graphs import CLASSMATE, PLAIN
from numeric.kinds import random_kinds
from numeric.laws import random_in_numbers
from numeric.sampling import random_covariances

SEEN = (PLAIN, CLASSMATE, PLAIN, CLASSMATE)
LAWS = [
    Gaussian(),
    Uncentred(),
    Classes(weights=(3, 1)),
    Classes(3, covariances="shared"),
    Elliptical(scale=Laplace()),
    Elliptical(scale=Laplace(), per="view"),
]
every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.text)


def data_of(law, dimension=1):
    generator = np.random.default_rng(3)
    return random_in_numbers(law, random_covariances(generator, dimension), generator)


def expected(data):
    """E u vᵀ for all pairs of the views in SEEN."""
    mean = data.between
    within = {(k, k): data.Sigma for k in range(4)} | {(0, 2): data.A0, (2, 0): data.A0}
    return np.array([[mean + within.get((i, j), 0 * mean) for j in range(4)] for i in range(4)])


@every_law
@pytest.mark.parametrize("dimension", [1, 2])
def test_nodes_have_the_second_moments(law, dimension):
    data = data_of(law, dimension)
    nodes, weights = data.nodes(3 if dimension == 1 else 2, data=1, views=SEEN)
    seen = np.stack([one[:, 0] for one in nodes])
    assert np.einsum("n,uni,vnj->uvij", weights, seen, seen) == pytest.approx(expected(data), abs=1e-9)


@every_law
def test_draws_have_the_second_moments(law):
    data = data_of(law)
    views = np.stack(data.draw(np.random.default_rng(1), (200_000,), SEEN))[..., 0]
    products = views[:, None] * views
    error = products.std(-1) / np.sqrt(products.shape[-1])
    assert (abs(products.mean(-1) - expected(data)[..., 0, 0]) < 5 * error).all()


def test_given_the_class_others_are_independent():
    """E x² x_same² = Σ_y π_y (E_y x²)²: the weight of a class counts once, and its moments twice."""
    data = data_of(Classes(weights=(3, 1)))
    (x, same), weights = data.nodes(4, data=1, views=(PLAIN, CLASSMATE))
    of_class = [chance * (own["S"][0, 0] + mean[0] ** 2) ** 2 for chance, own, mean in data.letters.classes]
    assert weights @ (x[:, 0, 0] ** 2 * same[:, 0, 0] ** 2) == pytest.approx(sum(of_class))
    (x, pos), weights = data.nodes(4, data=1, views=2)
    assert weights @ (x[:, 0, 0] ** 2 * pos[:, 0, 0] ** 2) != pytest.approx(sum(of_class), rel=1e-3)


def test_each_of_a_class_has_a_scale_of_its_own():
    data = data_of(Elliptical(scale=Laplace()))
    (x, pos, same), weights = data.nodes(4, data=1, views=(PLAIN, PLAIN, CLASSMATE))
    assert weights @ (x[:, 0, 0] ** 2 * same[:, 0, 0] ** 2) == pytest.approx(data.Sigma[0, 0] ** 2)
    together = float(data.law.moment(4)) * (data.Sigma[0, 0] ** 2 + 2 * data.A0[0, 0] ** 2)
    assert weights @ (x[:, 0, 0] ** 2 * pos[:, 0, 0] ** 2) == pytest.approx(together)


def test_the_datum_itself_is_that_of_the_plain_views():
    data = data_of(Classes(weights=(3, 1), covariances="shared"))
    (_, _, centre), weights = data.nodes(2, data=1, views=(CLASSMATE, PLAIN), datum=True)
    mean, second = data.mean[0], data.A0[0, 0] + data.between[0, 0]
    assert (weights @ centre[:, 0, 0], weights @ centre[:, 0, 0] ** 2) == pytest.approx((mean, second))


def test_two_kinds_of_views_have_no_classes():
    data = random_kinds(np.random.default_rng(0), 2)
    with pytest.raises(InputError) as caught:
        data.nodes(2, views=(PLAIN, CLASSMATE))
    assert str(caught.value) == "views that share a class are drawn of data with one kind of view"
