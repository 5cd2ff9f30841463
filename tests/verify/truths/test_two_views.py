"""Catalogue losses of two views: the means that they stand for, normalisations, and what is refused."""

import numpy as np
import pytest
import torch

from derive import InputError, catalogue
from numeric.invariants import order_values
from numeric.sampling import Covariances
from verify.routes.reopening.transverse import draw
from verify.truths.settings import values_for
from verify.truths.torch_losses import TORCH_LOSSES
from verify.truths.two_views import batch_normalised, one_by_one, two_views, unit

DATA = Covariances(np.diag([1.0, 0.6]), np.diag([0.3, 0.5]))
W = np.array([[0.7, 0.2], [-0.3, 0.5]])


def values(loss, batch=16, batches=4000):
    z = torch.from_numpy(draw(DATA, batch, batches, 0) @ W.T)
    return loss(z[0], z[1]).numpy()


@pytest.mark.parametrize("name", ["spectral", "spectral+norm-penalty", "barlow-twins", "vicreg-soft"])
def test_the_mean_over_small_batches_is_the_population_loss(name):
    # These are polynomials in the embeddings, so that the expansion is the loss.
    loss = catalogue(name)
    exact = {key: value for key, value in values_for(loss, 2, 2).items() if key != "d1"}
    expansion = loss.expand(4).set(values_for(loss, 2, 2) if "d1" in loss.parameters else exact)
    expected = float(expansion.constant) + sum(order_values(expansion, W, DATA.A0, DATA.Sigma).values())
    found = values(two_views(name, {key: float(value) for key, value in exact.items()}))
    assert abs(found.mean() - expected) < 4 * found.std() / np.sqrt(len(found))


# SupCon compares data of a class.
@pytest.mark.parametrize("name", [name for name in TORCH_LOSSES if name != "supcon"])
def test_a_normalised_loss_does_not_see_lengths(name):
    parameters = {key: float(value) for key, value in values_for(catalogue(name), 16, 2).items()}
    loss = two_views(f"{name}+normalised", parameters)
    z = torch.randn(2, 3, 16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scales = 0.5 + torch.rand(2, 3, 16, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(loss(*z), loss(*(z * scales)), rtol=1e-12, atol=1e-12)
    assert loss(*z).shape == (3,)


def test_batch_normalised_features_have_mean_zero_and_variance_one():
    seen = []

    def watch(z1, z2):
        seen.extend([z1, z2])
        return (z1 * z2).mean((-2, -1))

    z = 3 + 5 * torch.randn(2, 4, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    batch_normalised(watch)(z[0], z[1])
    for one in seen:
        torch.testing.assert_close(one.mean(-2), torch.zeros(4, 3, dtype=torch.float64), rtol=0, atol=1e-12)
        torch.testing.assert_close((one**2).mean(-2), torch.ones(4, 3, dtype=torch.float64), rtol=1e-12, atol=0)


def test_one_by_one_is_the_same_as_all_at_once():
    loss = two_views("ntxent", {"tau": 0.5})
    z = torch.randn(2, 2, 3, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(one_by_one(loss)(z[0], z[1]), loss(z[0], z[1]))
    torch.testing.assert_close(unit(loss)(z[0], z[1]), two_views("ntxent+normalised", {"tau": 0.5})(z[0], z[1]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", f"no hand-written torch loss is known for 'mine'; known are {', '.join(TORCH_LOSSES)}"),
        ("infonce+weight-decay", "+weight-decay is not a function of the features alone; leave it out here"),
        (
            "infonce+norm-penalty+normalised",
            "a penalty on the norm of normalised features is a constant; leave one of the two out",
        ),
    ],
)
def test_names_that_are_refused(name, message):
    with pytest.raises(InputError) as error:
        two_views(name)
    assert str(error.value) == message


def test_a_batch_that_is_too_small_for_a_population():
    with pytest.raises(InputError) as error:
        two_views("infonce")(torch.ones(6, 2), torch.ones(6, 2))
    assert str(error.value) == "a batch of 6 stands for no population; take 8 data or more"
