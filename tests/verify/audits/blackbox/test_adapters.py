"""Each convention gets the embeddings that it expects."""

import re

import pytest
import torch
from torch import nn

from derive import InputError
from verify.audits.blackbox.adapters import ADAPTERS, callable_loss, find_adapter
from verify.truths.function import BlackBox

Z1 = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
Z2 = 10 + Z1


def given(*arguments):
    return arguments


def test_two_views():
    z1, z2 = ADAPTERS["two-views"](given, Z1, Z2)
    assert z1 is Z1
    assert z2 is Z2


def test_labels():
    z, labels = ADAPTERS["labels"](given, Z1, Z2)
    assert torch.equal(z, torch.cat([Z1, Z2]))
    assert labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_list_of_views():
    (found,) = ADAPTERS["list"](given, Z1, Z2)
    assert isinstance(found, list)
    assert found[0] is Z1
    assert found[1] is Z2


def test_stacked():
    (z,) = ADAPTERS["stacked"](given, Z1, Z2)
    assert torch.equal(z, torch.cat([Z1, Z2]))


def test_pairs():
    (z,) = ADAPTERS["pairs"](given, Z1, Z2)
    assert z.shape == (3, 2, 2)
    assert torch.equal(z[:, 0], Z1)
    assert torch.equal(z[:, 1], Z2)


def test_the_conventions_agree_on_one_loss():
    def two_views(z1, z2):
        return (z1 * z2).sum()

    def labelled(z, labels):
        return (z @ z.T * (labels[:, None] == labels)).triu(1).sum()

    spellings = {
        "two-views": two_views,
        "labels": labelled,
        "list": lambda views: two_views(*views),
        "stacked": lambda z: two_views(*z.chunk(2)),
        "pairs": lambda z: two_views(z[:, 0], z[:, 1]),
        "pair-stacks": lambda online, momentum: two_views(online[:, 0], momentum[:, 1]),
        "lists": lambda teacher, student: two_views(teacher[0], student[1]),
        "reference": lambda z, ref_emb=None: two_views(z, ref_emb),
        "triplets": lambda anchor, positive, _: two_views(anchor, positive),
        "keywords": lambda *, left, right: two_views(left, right),
        "keyword-stacks": lambda *, left, right: two_views(left[0], right[0]),
        "dictionary": lambda views: two_views(views["z1"], views["z2"]),
    }
    # One view at a time, it is another loss; those of sentences stand in test_calling.
    assert set(spellings) == {name for name in ADAPTERS if name != "each" and "sentence" not in name}
    z = torch.stack([Z1, Z2]).numpy()
    for name, loss in spellings.items():
        assert BlackBox(loss, adapter=find_adapter(name))(z) == float((Z1 * Z2).sum())


@pytest.mark.parametrize("name", [name for name in ADAPTERS if not re.search("keyword|sentence|^each$", name)])
def test_derivatives_go_through(name):
    z = torch.stack([Z1, Z2]).requires_grad_()

    def squares(first, *_, **__):
        first = list(first.values()) if isinstance(first, dict) else first
        return sum((one**2).sum() for one in (first if isinstance(first, list) else [first]))

    BlackBox(squares, adapter=ADAPTERS[name]).tensor(z).backward()
    expected = 2 * z.detach()
    if name in ("two-views", "reference", "triplets"):
        expected[1] = 0
    assert torch.equal(z.grad, expected)


def test_a_triplet_has_another_datum_for_a_negative():
    def apart(anchor, positive, negative):
        return ((anchor - negative) ** 2).sum() + 0 * positive.sum()

    z = torch.stack([Z1, Z2]).numpy()
    others = Z1[[*range(1, len(Z1)), 0]]
    assert BlackBox(apart, adapter=find_adapter("triplets"))(z) == float(((Z1 - others) ** 2).sum())


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(InputError, match=r"no adapter 'two_views'; did you mean two-views\? There are two-views, lab"):
        find_adapter("two_views")
    with pytest.raises(InputError, match=r"no adapter 'xyz'; there are two-views"):
        find_adapter("xyz")


class Scaled(nn.Module):
    """A module with a number in single precision."""

    def __init__(self, scale=0.5):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.norm = nn.BatchNorm1d(2)

    def forward(self, z1, z2):
        return self.scale * (self.norm(z1) * self.norm(z2)).sum()


class Needy(nn.Module):
    """A module that needs an argument."""

    def __init__(self, tau):
        super().__init__()
        self.tau = tau


class Broken:
    """A class whose construction fails."""

    def __init__(self):
        message = "no licence"
        raise RuntimeError(message)

    def __call__(self, z1, z2):
        raise NotImplementedError


def test_functions_and_instances_in_double_precision_are_called_as_they_are():
    for loss in (given, Scaled().double(), nn.MSELoss()):
        assert callable_loss(loss) is loss


def test_an_instance_in_single_precision_is_copied_into_double():
    loss = Scaled()
    found = callable_loss(loss)
    assert found.scale.dtype == torch.float64
    assert loss.scale.dtype == torch.float32
    z = torch.stack([Z1, Z2]).numpy()
    assert BlackBox(found)(z) == pytest.approx(0.5 * 6, rel=1e-4)
    assert loss.norm.num_batches_tracked == 0
    with pytest.raises(InputError, match="dtype"):
        BlackBox(loss)(z)


def test_a_class_is_the_instance_that_it_makes_without_arguments():
    found = callable_loss(Scaled, "Scaled")
    assert isinstance(found, Scaled)
    assert found.scale == 0.5


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (
            Needy,
            "it is a class that needs tau; give it with --init tau=…, or make an instance, loss = Needy(…), and name",
        ),
        (Broken, "it is a class, and it() raised RuntimeError: no licence; make an instance, loss = Broken(…)"),
        (object, "it is a class whose instances cannot be called"),
        (3, "it is of type int and cannot be called"),
    ],
)
def test_what_cannot_be_called_says_what_to_do(loss, said):
    with pytest.raises(InputError, match=re.escape(said)):
        callable_loss(loss, "it")
