"""Shipped losses are called by what their signature shows, with their arguments, at their width, afresh."""

import numpy as np
import pytest
import repositories
import torch
import torch.nn.functional as F
from torch import nn

from derive import InputError
from verify.audits.blackbox.adapters import callable_loss
from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.calling import Fresh, Padded, call, conventions
from verify.audits.blackbox.regularity import regularity
from verify.audits.blackbox.two_scales import two_scales
from verify.audits.target import read_init
from verify.truths.function import BlackBox, two_views

pytest.importorskip("pytorch_metric_learning")


def inner(z1, z2):
    return F.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))


def of_labels(embeddings, labels):
    return embeddings, labels


def of_names(*, local, world):
    return local, world


class Queue(nn.Module):
    """MoCo's loss: negatives are what it saw before."""

    def __init__(self, dim, size=4):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("queue", torch.randn(size, dim, generator=generator, dtype=torch.float64))

    def forward(self, z1, z2):
        logits = torch.cat([(z1 * z2).sum(1, keepdim=True), z1 @ self.queue.T], 1)
        self.queue = torch.cat([z2.detach(), self.queue])[: len(self.queue)]
        return F.cross_entropy(logits, torch.zeros(len(z1), dtype=torch.long))


class OfSentences(nn.Module):
    """As sentence-transformers has its losses: embeddings come from a model."""

    def __init__(self, model, scale=2.0):
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, sentence_features, labels):  # noqa: ARG002 (given to all)
        z1, z2 = (self.model(one)["sentence_embedding"] for one in sentence_features)
        return F.cross_entropy(self.scale * z1 @ z2.T, torch.arange(len(z1)))


class OfClasses(OfSentences):
    def forward(self, sentence_features, labels):
        z = self.model(sentence_features[0])["sentence_embedding"]
        same = labels[:, None] == labels
        return ((z @ z.T) * same).sum() / len(labels)


class OfScores(OfSentences):
    def forward(self, sentence_features, labels):
        z1, z2 = (self.model(one)["sentence_embedding"] for one in sentence_features)
        return (((z1 * z2).sum(1) - labels.view(-1)) ** 2).mean()


def test_losses_of_sentences_are_given_embeddings_through_their_model():
    z = np.random.default_rng(0).standard_normal((2, 6, 3))
    z1, z2 = map(torch.from_numpy, z)
    # What each is given, written by hand.
    own, other = (z1 * z2).sum(1), (z1 * z2.roll(1, 0)).sum(1)
    both = torch.cat([z1, z2])
    values = {
        OfSentences: ("sentences", F.cross_entropy(2 * z1 @ z2.T, torch.arange(6))),
        OfClasses: ("sentence-classes", ((both**2).sum() + 2 * own.sum()) / 12),
        OfScores: ("scored-sentences", (((own - 1) ** 2).mean() + (other**2).mean()) / 2),
    }
    for kind, (adapter, value) in values.items():
        found = call(kind, kind.__name__)
        assert (found.adapter, found.found) == (adapter, True)
        assert found.box({})(z) == pytest.approx(float(value))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (inner, ("two-views",)),
        (repositories.VICReg(), ("two-views",)),
        (of_labels, ("labels",)),
        (lambda z_views: z_views, ("list",)),
        (of_names, ("keywords", "keyword-stacks")),
        (repositories.SupCon(), ("labels", "pairs", "reference")),
        (torch.nn.TripletMarginLoss(), ("triplets",)),
    ],
)
def test_the_signature_tells_the_convention(loss, expected):
    assert conventions(loss) == expected


def test_a_triplet_loss_is_audited_as_it_is():
    """E(|a − p|² − |a − n|²) is −2 Tr[W A0 Wᵀ] where the hinge is open, by hand."""
    hinge = torch.nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: ((a - b) ** 2).sum(1), margin=2.0)
    found = audit_function(hinge, name="hinge", order=2)
    assert str(found.expansion) == "−2 Tr[W A0 Wᵀ] + O(W⁴)"
    assert found.verdict == "holds"


def noted(found):
    return " ".join(found.notes)


def test_conventions_are_found_and_said():
    found = audit_function(
        repositories.SupCon, name="SupCon", order=2, init={"temperature": 0.5, "base_temperature": 1}
    )
    assert "--adapter pairs, from its signature" in noted(found)
    by_hand = audit_function(repositories.SupCon(0.5, 1), adapter="pairs", order=2)
    assert found.expansion.B == by_hand.expansion.B
    assert found.verdict == "holds"


def test_a_loss_that_does_not_run_says_how_it_does():
    def one_argument(z):
        return inner(*z.chunk(2))

    with pytest.raises(
        InputError, match="takes 1 positional argument but 2 were given; it runs with --adapter stacked"
    ):
        audit_function(one_argument)

    def scaled(z1, z2, logit_scale):
        return inner(logit_scale * z1, z2)

    with pytest.raises(
        InputError,
        match="it needs logit_scale besides its embeddings: numbers are given with --set logit_scale=…, the embedding "
        "of another datum with --adapter triplets",
    ):
        audit_function(scaled)


def test_a_class_takes_arguments():
    assert read_init(["a=1", "b=2.0", "c=false", "d=none", "e=mean"]) == {
        "a": 1,
        "b": 2.0,
        "c": False,
        "d": None,
        "e": "mean",
    }
    found = callable_loss(repositories.DINO, "DINO", {"out_dim": 4, "teacher_temp": 0.07})
    assert found.teacher_temp == 0.07
    assert found.center.dtype == torch.float64
    with pytest.raises(InputError, match="--init out_dims: DINO takes no 'out_dims'; did you mean out_dim"):
        callable_loss(repositories.DINO, "DINO", {"out_dims": 4})
    with pytest.raises(InputError, match="needs out_dim; give it with --init out_dim="):
        callable_loss(repositories.DINO, "DINO")
    with pytest.raises(InputError, match="'1;2' is not an exact number"):
        read_init(["a=1;2"])


def test_state_starts_afresh_in_each_call_and_a_width_is_padded():
    found = audit_function(Queue, name="Queue", init={"dim": 4}, dim=4, order=2)
    assert found.regularity.kind == "analytic"
    assert "on a fresh copy" in noted(found)
    assert "d1 = 4" in noted(found)
    z = np.random.default_rng(0).standard_normal((2, 3, 2))
    box = BlackBox(Fresh(callable_loss(Queue, "Queue", {"dim": 4})), adapter=Padded(two_views, 4))
    first = Queue(4).double()(*(F.pad(torch.from_numpy(one), (0, 2)) for one in z))
    assert [box(z), box(z)] == [pytest.approx(float(first), rel=1e-12)] * 2
    # Without a copy the second value is another.
    kept = BlackBox(callable_loss(Queue, "Queue", {"dim": 4}), adapter=Padded(two_views, 4))
    assert kept(z) != kept(z)


def test_masks_of_the_loss_are_as_precise_as_its_embeddings():
    def masked(z1, z2):
        return inner(z1 - torch.zeros(len(z1), z1.shape[1]), z2) * torch.tensor(0.1)

    box = BlackBox(masked)
    z = np.random.default_rng(0).standard_normal((2, 4, 3))
    assert box(z) == pytest.approx(0.1 * float(inner(*torch.from_numpy(z))), rel=1e-15)
    assert torch.get_default_dtype() == torch.float32


def test_what_raises_at_zero_alone_is_no_unusable_loss():
    def pickled(z1, z2):
        if not (z1.any() or z2.any()):
            message = "no data"
            raise ValueError(message)
        return inner(z1, z2)

    assert regularity(BlackBox(pickled)).kind == "analytic"

    def log_of_length(z1, z2):
        if not (z1.any() or z2.any()):
            message = "no data"
            raise ValueError(message)
        return (z1 - z2).square().sum().log()

    assert regularity(BlackBox(log_of_length)).kind == "undefined"


def test_the_least_batch_is_kept_to():
    def of_eight(z1, z2):
        assert len(z1) >= 8
        return inner(z1, z2)

    assert regularity(BlackBox(of_eight, least=8)).smallest_batch == 8


def test_both_sides_of_an_epsilon():
    """Near 0 VICReg is 25·2(1 − λ)/d a coordinate less 25/(2 √ε d) of its variance; above, 25/d a deviation."""
    found, evidence = two_scales(BlackBox(repositories.VICReg()), 0.01, smallest=2, only=None, seed=0)
    for lam, (value, error) in found.curvature.items():
        assert value == pytest.approx((50 * (1 - lam) - 25 / (2 * 0.01)) / 3, abs=5 * error)
    assert "falls from there below" in found.answer.text
    assert evidence.agrees
    assert found.slope[1.0][0] == pytest.approx(-25 / 3, rel=0.1)
    # With the variance term turned round nothing is left of that.
    turned, _ = two_scales(BlackBox(repositories.VICReg(std=-25.0)), 0.01, smallest=2, only=None, seed=0)
    assert turned.answer.tone == "loses"
