"""Two implementations, or code and a definition, compared: right pairs are never contradicted, wrong ones are named."""

import json
from dataclasses import replace

import numpy as np
import pairs
import pytest
import torch

from verify.audits.blackbox.against import batches, function, parting, relation, values
from verify.audits.blackbox.against.subject import Subject
from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.rays import DOUBLE, SINGLE
from verify.audits.blackbox.regularity import Regularity
from verify.truths.function import BlackBox


def looked_at(code):
    """A loss of which nothing is known but its precision, so that values and gradients alone are compared."""
    box = BlackBox(code, code.__name__)
    smooth = Regularity("undecided", rounding=SINGLE if "single" in code.__name__ else DOUBLE)
    return Subject(box, smooth, box, smooth)


def compared(code, other):
    return function.against_function(looked_at(code), looked_at(other), order=4, seed=0, tick=lambda _: None)


@pytest.mark.parametrize("name", pairs.RIGHT)
def test_right_pairs_are_never_contradicted(name):
    for code, other in (pairs.RIGHT[name], pairs.RIGHT[name][::-1]):
        found = compared(code, other)
        assert found.agrees is not False, found.lines
        assert all(one.agrees is not False for one in found.evidence), found.lines
        if "epsilon" not in name and "batch norm" not in name:
            assert found.agrees is True, found.lines
            assert {one.route for one in found.evidence if one.agrees} == {"exact", "autodiff"}


@pytest.mark.parametrize("name", pairs.WRONG)
def test_wrong_pairs_are_named_for_what_they_are(name):
    wrong = pairs.WRONG[name]
    found = compared(wrong.code, wrong.other)
    assert found.agrees is False, found.lines
    assert found.values.kind == wrong.values, found.lines
    related = found.values.relation
    assert (related.factor if related else "") == wrong.factor, found.lines
    assert (related.offset if related else "") == wrong.offset, found.lines
    if wrong.ratio:
        assert found.gradients.ratio == wrong.ratio
        assert [one.agrees for one in found.evidence] == [True, False]
    else:
        assert found.evidence[0].agrees is False
    assert json.loads(json.dumps(found.to_json()))["agrees"] is False


# Each mutant leaves something out, and misses the pair or contradicts a right one.
MUTANTS = {
    "one batch size": (batches, "SIZES", (2,), "at most ten negatives", True),
    "one width": (batches, "WIDTHS", (1,), "mean over the entries", True),
    "no gradients": (function, "ALIKE", (), "half the gradient", None),
    "wide rounding": (values, "EPSILON", 10.0, "self-similarity set to 0", None),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_comparison_that_leaves_something_out_misses_a_difference(name, monkeypatch):
    module, attribute, value, pair, said = MUTANTS[name]
    wrong = pairs.WRONG[pair]
    assert compared(wrong.code, wrong.other).agrees is False
    monkeypatch.setattr(module, attribute, value)
    if attribute in ("SIZES", "WIDTHS"):
        mutated = batches.batches
        options = {attribute.lower(): value}
        monkeypatch.setattr(batches, "FAR", ())
        monkeypatch.setattr(function, "batches", lambda seed, _: mutated(seed, **{"sizes": (2, 3), **options}))
    assert compared(wrong.code, wrong.other).agrees is said


def test_without_the_epsilon_a_right_pair_is_contradicted(monkeypatch):
    monkeypatch.setattr(values, "_fades", lambda *_: False)
    assert compared(*pairs.RIGHT["Barlow Twins, std and batch norm"]).agrees is False


@pytest.mark.slow
def test_orders_two_and_four_do_not_see_a_broadcast():
    """Cores agree through order 4 on average; they part at order 6, and the values on every batch."""
    found = audit_function(
        pairs.infonce_broadcast, use_core=True, definition=pairs.infonce_by_hand, against=("by_hand", "two-views")
    )
    said = found.to_json()["against"]
    assert found.differences == ()
    assert said["parts_at"] == 6
    assert said["values"]["relation"] == "different"
    assert found.verdict == "refuted"
    assert (
        "the cores part at order 4 on a batch, at order 6 when averaged over Gaussian data" in said["lines"][-1]["text"]
    )


@pytest.mark.slow
def test_cores_that_differ_are_no_contradiction_where_the_losses_are_equal():
    found = audit_function(
        pairs.byol_distance, use_core=True, order=2, definition=pairs.byol_cosine, against=("byol_cosine", "two-views")
    )
    assert found.verdict == "holds"
    assert found.against.agrees is True
    assert found.differences
    text = found.text()
    assert "no contradiction" in text
    assert "beside        byol_cosine" in text


def test_what_is_not_decided_does_not_hold():
    found = audit_function(pairs.infonce, definition=pairs.log_with_epsilon, against=("clamped", "two-views"))
    # Few batches are apart by more than an epsilon is taken to make.
    assert found.against.values.kind in ("small", "stray")
    assert found.verdict == "undecided"
    assert json.loads(json.dumps(found.to_json()))["against"]["agrees"] is None


def test_a_value_that_is_not_finite_decides_nothing_and_is_mentioned():
    def overflows(z1, z2):
        s = z1 @ z2.T
        return (torch.log(s.float().exp().sum(1)) - s.diagonal()).mean()

    def steady(z1, z2):
        s = z1 @ z2.T
        return (torch.logsumexp(s, 1) - s.diagonal()).mean()

    box = replace(looked_at(overflows), smooth=Regularity("undecided", rounding=SINGLE))
    found = function.against_function(box, looked_at(steady), order=4, seed=0, tick=lambda _: None)
    assert found.agrees is not False
    assert any("where the other is finite" in text for _, text in found.lines)


def test_a_loss_that_draws_random_numbers_is_not_compared():
    box = BlackBox(pairs.infonce, "infonce")
    noisy = Subject(box, Regularity("random", random=True), box, Regularity("random", random=True))
    found = function.against_function(noisy, looked_at(pairs.infonce), order=4, seed=0, tick=lambda _: None)
    assert (found.agrees, found.evidence[0].ran) == (None, False)


def test_a_loss_without_a_graph_has_no_gradient_to_compare():
    def numbers(z1, z2):
        return pairs.infonce(z1.detach(), z2.detach())

    found = compared(numbers, pairs.infonce)
    assert found.gradients.kind == "nothing"
    assert found.evidence[1].ran is False


@pytest.mark.parametrize(("power", "expected"), [(1, 2), (2, 4), (3, 6)], ids=["order 2", "order 4", "order 6"])
def test_the_order_at_which_two_losses_part(power, expected):
    def one(z1, z2):
        return (z1 * z2).sum(1).mean()

    def other(z1, z2):
        s = (z1 * z2).sum(1)
        return (s + s**power / 3).mean() + 5

    boxes = BlackBox(one), BlackBox(other)
    assert parting.order_on_a_batch(*boxes, rounding=DOUBLE) == expected
    assert parting.order_on_average(*boxes, rounding=DOUBLE, smallest=2, seed=0) == expected
    assert parting.order_on_a_batch(boxes[0], boxes[0], rounding=DOUBLE) is None


def test_an_odd_term_vanishes_on_average():
    def cubed(z1, z2):
        return (z1 * z2).sum(1).mean() + (z1.sum(1) ** 3).mean() + ((z1**2).sum(1) ** 3).mean()

    boxes = BlackBox(cubed), BlackBox(lambda z1, z2: (z1 * z2).sum(1).mean())
    assert parting.order_on_a_batch(*boxes, rounding=DOUBLE) == 3
    assert parting.order_on_average(*boxes, rounding=DOUBLE, smallest=2, seed=0) == 6


def test_numbers_are_named():
    groups = [(n, d) for n in (2, 3, 5) for d in (1, 2, 8)]
    for wanted, of in {
        "N": lambda n, _: n,
        "1/d": lambda _, d: 1 / d,
        "log(2)": lambda *_: np.log(2),
        "½ log(N)": lambda n, _: np.log(n) / 2,
    }.items():
        found = relation.named({group: float(of(*group)) for group in groups}, logarithms="log" in wanted)
        assert found.replace("1/2", "½").replace("log(N)/2", "½ log(N)") == wanted


def plain(z1, z2):
    return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))


@pytest.mark.parametrize("changes", [lambda z: len(z) > 65, lambda z: z.shape[1] >= 64, lambda z: z.shape[1] > 5])
def test_codes_that_part_at_large_batches_or_widths_alone_are_not_one(changes):
    def other(z1, z2):
        return plain(z1, z2) * (2 if changes(z1) else 1)

    assert compared(plain, other).agrees is False


def test_an_audit_refutes_codes_that_part_at_large_batches_alone():
    def other(z1, z2):
        return plain(z1, z2) * (2 if len(z1) > 65 else 1)

    found = audit_function(plain, definition=other, against=("other", "two-views"), order=2)
    assert found.verdict == "refuted"
    assert found.against.agrees is False
