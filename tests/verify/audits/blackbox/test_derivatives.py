import importlib.util
from pathlib import Path

import pytest

from verify.audits.blackbox.derivatives import compare
from verify.truths.function import BlackBox


def load(name):
    spec = importlib.util.spec_from_file_location(f"black_box_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traps = load("traps")


def compared(loss, radius=0.25):
    return compare(BlackBox(loss), N=3, radius=radius)


@pytest.mark.parametrize("loss", [traps.squared_infonce, traps.quadratic, traps.constant, traps.secretly_single])
def test_where_autograd_is_right(loss):
    found = compared(loss)
    assert found.agrees is True, found.note


def test_a_distance_at_coincident_points_is_silently_wrong():
    found = compared(traps.clamped_distance)
    assert found.agrees is False
    assert found.order == 2
    assert not found.detached
    assert abs(found.values - found.autograd) > 1e3 * found.error
    assert found.note.endswith("trust the values")


def test_a_branch_without_gradient_is_named():
    found = compared(traps.detached)
    assert found.agrees is False
    assert found.detached
    assert "detached from the graph" in found.note
    assert "not the gradient" in found.note


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (traps.pdist_uniformity, "_pdist_backward"),
        (traps.cdist_infonce, "_cdist_backward"),
        (traps.python_float, "no graph"),
        (traps.through_numpy, "no graph"),
        (traps.normalised_by_hand, "NaN"),
    ],
)
def test_where_there_is_nothing_to_compare(loss, words):
    found = compared(loss)
    assert found.agrees is None
    assert words in found.note
