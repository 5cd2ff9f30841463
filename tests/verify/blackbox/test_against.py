"""Two implementations, or code and a definition, compared: right pairs are never contradicted, wrong ones are named."""

import json
from dataclasses import replace

import numpy as np
import pairs
import pytest
import sympy
import torch
from plain import PLAIN

from derive import InputError, catalogue
from verify.blackbox import against
from verify.blackbox.against import averages, batches, function, parting, relation, terms, values
from verify.blackbox.against.subject import Subject
from verify.blackbox.auditing import audit_function
from verify.blackbox.function import BlackBox
from verify.blackbox.rays import DOUBLE, SINGLE
from verify.blackbox.regularity import Regularity
from verify.blackbox.report import black_box_text


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
