import importlib.util
from pathlib import Path

import pytest

from derive import InputError
from verify.audits.blackbox.invariances import WORDS, invariances
from verify.truths.function import BlackBox


def load(name):
    spec = importlib.util.spec_from_file_location(f"black_box_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traps, plain = load("traps"), load("plain")


def first_row_apart(z1, z2):
    return ((z1[0] - z2[0]) ** 2).sum() + (z1**2).sum()


CASES = [
    (plain.infonce, "rotation permutation translation coordinates"),
    (plain.ntxent, "rotation permutation exchange coordinates"),
    (plain.barlow_twins, "permutation exchange coordinates"),
    (plain.vicreg, "permutation exchange translation coordinates"),
    (traps.quadratic, "rotation permutation exchange translation coordinates"),
    (traps.constant, "rotation permutation exchange translation coordinates"),
    (traps.normalised, "rotation permutation coordinates"),
    (traps.single_precision, "rotation permutation translation coordinates"),
    (traps.SingleWeights(), "permutation translation"),
    (first_row_apart, "rotation coordinates"),
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("case", CASES, ids=lambda case: getattr(case[0], "__name__", type(case[0]).__name__))
def test_what_leaves_a_loss_unchanged(case, seed):
    loss, wanted = case
    found = invariances(BlackBox(loss), N=4, d=2, seed=seed)
    assert {name for name in WORDS if getattr(found, name)} == set(wanted.split())
    for name in WORDS:
        # Nothing stands near the tolerance.
        clearly = found.residuals[name] < found.tolerance if getattr(found, name) else found.residuals[name] > 1e-3
        assert clearly, (name, found.residuals)


def test_in_words():
    found = invariances(BlackBox(plain.barlow_twins), N=4, d=3, seed=0)
    assert found.text().startswith("under order of the data, exchange of the views, order and sign of coordinates; not")
    assert found.to_json()["exchange"]["invariant"] is True


def test_smaller_embeddings_where_there_is_no_value():
    assert invariances(BlackBox(lambda z1, z2: -(1 - (z1**2 + z2**2).sum()).log()), N=4, d=2).rotation


def test_no_value_at_all():
    with pytest.raises(InputError, match="has no finite value"):
        invariances(BlackBox(traps.returns_nan), N=4, d=2)
