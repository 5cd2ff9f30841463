import re

import pytest

from derive import CATALOGUE, InputError, Loss, catalogue, inner, views
from derive.fields import FIELDS
from derive.references import REFERENCES


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_loss_has_a_source(name):
    loss = CATALOGUE[name]
    assert loss.sources
    assert loss.where
    assert loss.title
    assert all(key in REFERENCES for key in loss.sources)
    assert all(REFERENCES[key].short in loss.source for key in loss.sources)
    assert loss.source.endswith(loss.where)


@pytest.mark.parametrize("key", REFERENCES)
def test_every_reference_is_complete_and_cited(key):
    one = REFERENCES[key]
    assert all((one.short, one.authors, one.title, one.venue))
    assert re.fullmatch(r"\d{4}\.\d{5}", one.arxiv)
    assert one.short.endswith(key[-4:])
    assert any(one.short in cited.source for cited in (*CATALOGUE.values(), *FIELDS.values()))


def test_modifiers_keep_the_source():
    assert catalogue("infonce+weight-decay").source == catalogue("infonce").source


def test_an_unknown_source():
    x, x_pos = views("x, x_pos")
    with pytest.raises(InputError) as refused:
        Loss(inner(x, x_pos), name="mine", sources=("nobody1900",))
    assert str(refused.value) == "loss mine: source 'nobody1900' is not in derive.references"
    assert Loss(inner(x, x_pos)).source == ""
