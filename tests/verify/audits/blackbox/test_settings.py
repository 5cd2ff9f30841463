"""What is set reaches the code, the constants or the comparison, or is refused: nothing is ignored."""

import pytest
import torch
import torch.nn.functional as F
from plain import infonce_batch
from sympy import Integer, Rational, Symbol, oo

from derive import InputError, catalogue
from verify.audits.blackbox.adapters import callable_loss, settable, with_values
from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.regularity import at_two_sizes, regularity
from verify.truths.function import BlackBox


def warm(z1, z2, tau=0.5, *, mean=True):
    s = z1 @ z2.T / tau
    found = F.cross_entropy(s, torch.arange(len(s)), reduction="none")
    return found.mean() if mean else found.sum()


def of_sixteen(z1, z2):
    off = ~torch.eye(16, dtype=torch.bool)
    s = z1 @ z2.T
    return -(s.diagonal() - torch.logsumexp(s[off].reshape(16, 15), 1)).mean()


def of_four(z1, z2):
    off = ~torch.eye(4, dtype=torch.bool)
    s = z1 @ z2.T
    return -(s.diagonal() - torch.logsumexp(s[off].reshape(4, 3), 1)).mean()


def of_a_hundred(z1, z2):
    return (z1 @ z2.T + torch.zeros(100, 100, dtype=z1.dtype)).exp().mean() - (z1 * z2).sum()


class Layer(torch.nn.Module):
    """A forward with a parameter of its own."""

    def forward(self, z1, z2, weight=1.0):
        return weight * (z1 * z2).sum(1).mean()


def test_names_of_the_signature():
    assert settable(warm) == ("tau", "mean")
    assert settable(lambda z: z, "stacked") == ()
    assert settable(lambda z, y, tau=1: z[y] / tau, "labels") == ("tau",)
    assert settable(callable_loss(Layer)) == ("weight",)
    assert settable(len) == ()


def test_values_reach_the_code():
    for tau in (1, Rational(1, 4)):
        found = audit_function(warm, given={"tau": tau * Integer(1)}, order=2)
        assert found.expansion.B["A0"] == (Symbol("N") - 1) / Symbol("N") / tau
        assert found.to_json()["set"] == {"tau": str(tau)}
    summed = with_values(warm, {"mean": Integer(0)})
    z = torch.ones(3, 2)
    assert float(summed(z, z)) == pytest.approx(3 * float(warm(z, z)))
    assert summed.__name__ == "warm"
    assert float(with_values(Layer(), {"weight": Integer(3)})(z, z)) == 6.0
    with pytest.raises(InputError, match="takes a number"):
        with_values(warm, {"tau": oo})


@pytest.mark.parametrize("given", [{"temperature": Rational(1, 2)}, {"d0": Integer(3)}, {"Tau": Integer(1)}])
def test_other_names_are_refused(given):
    with pytest.raises(InputError, match="what can be set here: N, mean, tau"):
        audit_function(warm, given=given)


def test_names_of_constants_and_definitions_are_known():
    third = Rational(1, 3)
    found = audit_function(infonce_batch, given={"w": third}, named=["w"], order=2)
    assert found.verdict == "holds"
    with pytest.raises(InputError, match="takes no 'alpha'"):
        audit_function(infonce_batch, given={"alpha": third}, definition=catalogue("dcl").set({"tau": 1}))


@pytest.mark.parametrize("size", [Integer(1), Rational(5, 2), Integer(-4), oo])
def test_a_batch_is_a_whole_number(size):
    with pytest.raises(InputError, match="whole number, 2 or more"):
        audit_function(warm, given={"N": size})


def test_a_batch_size_of_its_own_is_named():
    for loss, size in ((of_sixteen, 16), (of_a_hundred, 100)):
        if size > 32:
            with pytest.raises(InputError, match=rf"runs on batches of N = {size}.*--set N={size}"):
                regularity(BlackBox(loss, loss.__name__))
        assert regularity(BlackBox(loss), only=size).kind == "analytic"


def test_an_audit_at_one_batch_size():
    found = audit_function(of_four, given={"N": Integer(4)})
    assert found.found.sizes == (4,)
    assert not found.found.numbers
    # −⟨z, z′⟩ + log Σ_j≠i exp⟨z, z′_j⟩ over 3 others: ½ (1 − 1/3) of the variance of one.
    assert found.expansion.B == {"A0": 1, "C": 0}
    assert found.expansion.terms_of_order(4)[0].coefficient == Rational(1, 3)
    assert "N = 4" in found.text()
    assert found.verdict in ("holds", "undecided")
    assert not any(one.agrees is False for one in found.evidence)


def test_a_batch_at_which_it_raises_says_so():
    with pytest.raises(InputError, match="of_sixteen raised"):
        audit_function(of_sixteen, given={"N": Integer(8)})


def test_smooth_with_few_data_alone_is_not_smooth():
    def hardest(z1, z2):
        s = (z1 @ z2.T).masked_fill(torch.eye(len(z1), dtype=torch.bool), -torch.inf)
        return torch.logsumexp(s.topk(min(3, len(z1) - 1), 1).values, 1).mean() - (z1 * z2).sum(1).mean()

    assert regularity(BlackBox(hardest)).kind == "analytic"
    found = at_two_sizes(BlackBox(hardest))
    assert found.kind != "analytic"
    assert "with few data it is analytic" in found.reason
    assert at_two_sizes(BlackBox(warm)).kind == "analytic"


def test_a_small_batch_of_its_own_is_named_too():
    class Buffer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("labels", torch.arange(12))

        def forward(self, z1, z2):
            return F.cross_entropy(z1 @ z2.T, self.labels)

    with pytest.raises(InputError, match=r"runs on batches of N = 12, and not on all that are larger.*--set N=12"):
        audit_function(Buffer(), name="buffer")


def test_neighbours_are_no_other_order_of_the_data():
    """Six neighbours are all data of a small batch; their coefficients at N ≥ 6 are those of six."""

    def neighbours(z1, z2):
        n = len(z1)
        near = (torch.arange(n)[:, None] + torch.arange(min(n, 6))) % n
        return F.cross_entropy((z1 @ z2.T).gather(1, near), torch.zeros(n, dtype=torch.long))

    found = audit_function(neighbours, order=2)
    assert not found.invariances.permutation
    value, _ = found.found.numbers["q1"][9]
    assert value == pytest.approx(-5 / 6)


def test_half_precision_says_nothing_of_the_gradient():
    def coarse(z1, z2):
        return F.cross_entropy(z1.bfloat16() @ z2.bfloat16().T / 0.5, torch.arange(len(z1))).float()

    found = audit_function(coarse)
    assert found.field is None
    assert found.verdict != "refuted"


def test_what_is_set_in_two_places_is_said_to_be():
    found = audit_function(warm, given={"tau": Rational(1, 2)}, definition=catalogue("dcl"), order=2)
    assert found.placed["tau"] == ("the code", "the definition")
    assert "tau = 1/2 (in the code and in the definition)" in found.text()
