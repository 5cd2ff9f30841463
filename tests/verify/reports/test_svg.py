"""Pictures inside a page: their identifiers, names and words, and that they are still the same pictures."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from derive import catalogue
from numeric.sampling import Covariances
from verify.figures import loss_along
from verify.figures.picture import encoded
from verify.reports.svg import _shorter, inline

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture():
    data = {"weak <b>": Covariances(np.eye(1), 0.1 * np.eye(1)), "strong": Covariances(np.eye(1), np.eye(1))}
    return loss_along(catalogue("infonce").expand(order=4), data, [[1.0]], reach=1.0)


@pytest.fixture(scope="module")
def drawn(picture):
    return [ET.fromstring(inline(picture, key, "Title & name", "What <is> seen")) for key in ("one", "two")]  # noqa: S314 (our own)


def test_two_pictures_share_no_identifier(drawn):
    one, two = ([element.get("id") for element in root.iter() if element.get("id")] for root in drawn)
    assert len(one) == len(set(one))
    assert not set(one) & set(two)


def test_what_is_referred_to_is_there(drawn):
    for root in drawn:
        ids = {element.get("id") for element in root.iter()}
        values = [value for element in root.iter() for value in element.attrib.values()]
        wanted = {key for value in values for key in re.findall(r"url\(#([^)]*)\)", value)}
        wanted |= {value[1:] for element in root.iter() if (value := element.get("href", "")).startswith("#")}
        assert wanted
        assert wanted <= ids


def test_readers_are_told_what_it_shows(drawn):
    root = drawn[0]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-title one-said"
    assert [(one.get("id"), one.text) for one in list(root)[:2]] == [
        ("one-title", "Title & name"),
        ("one-said", "What <is> seen"),
    ]
    words = {one.text for one in root.iter(f"{SVG}text")}
    assert {"weak <b>", "strong", "L(a W)"} <= words
    assert root.find(f"{SVG}metadata") is None


def test_the_lines_are_where_they_were(picture, drawn):
    before = ET.fromstring(encoded(picture, ".svg"))  # noqa: S314 (our own)
    paths = [
        [np.array(re.findall(r"-?\d+\.?\d*", one.get("d")), dtype=float) for one in root.iter(f"{SVG}path")]
        for root in (before, drawn[0])
    ]
    assert len(paths[0]) == len(paths[1]) > 5
    for one, other in zip(*paths, strict=True):
        np.testing.assert_allclose(one, other, atol=0.0501)


def test_a_path_is_shorter():
    assert _shorter("M 0.04 10.0 \nL 12.3456 -0.96 z") == "M0 10L12.3 -1z"
