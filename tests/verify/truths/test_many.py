"""Many embeddings in one call: what single calls give, or single calls."""

import numpy as np
import pytest
import torch

from verify.audits.blackbox.autograd import along, along_each
from verify.truths.function import BlackBox, TooSlowError
from verify.truths.many import values

Z = np.random.default_rng(1).standard_normal((12, 2, 4, 3))


def infonce(z1, z2):
    logits = z1 @ z2.T
    return (logits.logsumexp(1) - logits.diagonal()).mean()


def with_a_loop(z1, z2):
    """float() stops vmap."""
    return sum((one @ other) ** 2 for one, other in zip(z1, z2, strict=True)) * (1.0 if float(z1.sum()) < 1e9 else 2.0)


def without_a_graph(z1, z2):
    return torch.tensor(float((z1 * z2).sum()))


class Kept(torch.nn.Module):
    """It keeps what it was given, and uses it nowhere."""

    def forward(self, z1, z2):
        self.last = (z1 * z2).sum()
        return infonce(z1, z2)


class Forgetful(torch.nn.Module):
    """Right at the embeddings on which a shape is tried, by a branch that a mapped tensor does not take."""

    def forward(self, z1, z2):
        large = not torch._C._functorch.is_batchedtensor(z1) and float(z1.abs().max()) > 2
        return infonce(z1, z2) + (1.0 if large else 0.0)


def counted(loss):
    """The loss, and how often its code runs."""
    runs = []

    def of(z1, z2):
        runs.append(None)
        return loss(z1, z2)

    return of, runs


def test_the_code_runs_a_few_times_for_many_values():
    loss, runs = counted(infonce)
    box = BlackBox(loss)
    assert values(box, Z) == pytest.approx([box(one) for one in Z], rel=1e-14)
    before = len(runs)
    values(box, 2 * Z)
    assert len(runs) == before + 2


@pytest.mark.parametrize("loss", [with_a_loop, Kept(), Forgetful(), without_a_graph])
def test_what_cannot_be_mapped_is_called_one_by_one(loss):
    box = BlackBox(loss)
    assert values(box, 3 * Z).tolist() == pytest.approx([box(3 * one) for one in Z], rel=1e-14)
    assert box.one_by_one == (not isinstance(loss, Kept))
    assert np.isfinite(box(Z[0]))  # a mapped tensor that the loss has kept is not in the way


def test_a_wrong_value_in_one_call_is_noticed():
    box = BlackBox(Forgetful())
    at = 0.1 * Z
    assert values(box, at) == pytest.approx([infonce(*torch.from_numpy(one)).item() for one in at], rel=1e-13)
    assert not box.one_by_one
    assert values(box, 3 * Z)[4] > infonce(*torch.from_numpy(3 * Z[4])).item() + 0.9
    assert box.one_by_one


def test_derivatives_along_many_rays():
    box = BlackBox(infonce)
    assert along_each(box, Z, 4) == pytest.approx(np.array([along(box, one, 4) for one in Z]), rel=1e-12, abs=1e-14)
    polynomial = BlackBox(lambda z1, z2: (z1 * z2).sum())
    assert along_each(polynomial, Z, 4)[:, 3:].tolist() == [[0.0, 0.0]] * len(Z)


def test_derivatives_that_part_from_single_ones_are_not_used():
    """The slope of a mapped tensor is cut off, its value is not."""

    def loss(z1, z2):
        return infonce(z1.detach() if torch._C._functorch.is_batchedtensor(z1) else z1, z2)

    box = BlackBox(loss)
    assert along_each(box, Z, 2) == pytest.approx(np.array([along(box, one, 2) for one in Z]), rel=1e-12)
    assert box.one_by_one


def test_single_precision_is_told():
    box = BlackBox(lambda z1, z2: infonce(z1.float(), z2.float()))
    assert values(box, Z) == pytest.approx([box(one) for one in Z], rel=1e-6)
    assert not box.one_by_one
    assert box.seen.single


def test_what_does_not_return_is_told():
    def forever(z1, z2):
        while torch._C._functorch.is_batchedtensor(z1):
            pass
        return infonce(z1, z2)

    with pytest.raises(TooSlowError, match="did not return within"):
        values(BlackBox(forever, limit=0.01), Z)
