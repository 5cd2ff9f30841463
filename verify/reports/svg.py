"""A picture as SVG that stands inside a page: words stay words, and readers are told what it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from verify.figures.picture import encoded

if TYPE_CHECKING:
    from verify.figures.picture import Picture

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
# Dots per inch of what an SVG holds as pixels.
_DPI = 100


def inline(picture: Picture, key: str, title: str, said: str) -> str:
    """An ``svg`` element.

    Args:
        picture: what to draw.
        key: goes before each identifier, so that several pictures on one page do not share any.
        title: its name.
        said: what it shows, in words.

    """
    ET.register_namespace("", _SVG)
    root = ET.fromstring(encoded(picture, ".svg", dpi=_DPI))  # noqa: S314 (matplotlib has just written it)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for element in root.iter():
        _rename(element, key)
    width = float(root.attrib.pop("width").removesuffix("pt"))
    del root.attrib["height"]
    root.set("style", f"width: {width / 72:.2f}in")
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-said")
    for place, (tag, text) in enumerate((("title", title), ("desc", said))):
        element = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{key}-{'said' if tag == 'desc' else tag}"})
        element.text = text
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode")


def _rename(element: ET.Element, key: str) -> None:
    """Identifiers and what refers to them, with the key before them."""
    for name, value in list(element.attrib.items()):
        if name == "id":
            element.set(name, f"{key}-{value}")
        elif name == _LINK:
            del element.attrib[name]
            element.set("href", f"#{key}-{value[1:]}" if value.startswith("#") else value)
        elif name == "d":
            element.set(name, _shorter(value))
        elif "url(#" in value:
            element.set(name, re.sub(r"url\(#", f"url(#{key}-", value))


def _shorter(path: str) -> str:
    """A path to a tenth of a point, which halves the page.

    >>> _shorter("M 101.673539 213.033946 L 102.903990 -213.0 z")
    'M101.7 213L102.9 -213z'
    """
    rounded = re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", rounded)
