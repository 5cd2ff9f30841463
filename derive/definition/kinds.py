"""A definition whose views are seen in two ways: anchors in the first, what they are compared with in the second.

A loss of two views of a datum becomes one of two augmentations, or of two encoders. The anchor x is seen in the first
way, x_pos in the second. Of another datum, shown in several views as chi and chi_pos, the plain view is seen in the
first way and the others in the second; shown in one view, it stands among what the anchor is compared with, the
negatives beside the positive, and is seen in the second.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from derive.algebra.graphs import CLASSMATE, ENCODER, PLAIN
from derive.definition.expression import Average, Expression, children, free_views, labels, rebuilt, walk
from derive.definition.rewriting import relabelled
from derive.definition.views import View
from derive.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def in_two_kinds(node: Expression, role: int) -> Expression:
    """The definition with its second views seen in another way; one that has such views already is left as it is.

    >>> from derive.algebra.graphs import ENCODER
    >>> from derive.definition.notation import TEXT
    >>> from derive.definition.written import definition
    >>> from derive import catalogue
    >>> definition(in_two_kinds(catalogue("spectral").expression, ENCODER), TEXT)
    '−2 ⟨f(x), g(x′)⟩ + E_χ[⟨f(x), g(χ)⟩²]'
    """
    named = {label for part in walk(node) for label in labels(part) if isinstance(label, View)}
    if any(view.role == CLASSMATE for view in named):
        message = (
            "views that share a class are derived with one kind of view; leave out the second encoder or augmentation,"
            " or shares='class'"
        )
        raise InputError(message)
    if any(view.role != PLAIN for view in named):
        return node
    # Where every datum is averaged over, the one that stands first is the anchor.
    leaves = (part for part in walk(node) if not children(part))
    standing = (label for part in leaves for label in labels(part) if isinstance(label, View) and not label.white)
    anchors = free_views(node) or {*islice(standing, 1)}
    put: Mapping[View, View] = {view: view._replace(role=role) for view in named - _first(named, anchors)}
    return _of_both(relabelled(node, put)) if role == ENCODER else relabelled(node, put)


def _of_both(node: Expression) -> Expression:
    """The definition with ‖W‖² + ‖V‖² for ‖W‖², means over white noise."""
    match node:
        case Average(_, over, _) if over[0].white:
            return node + relabelled(node, {view: view._replace(role=ENCODER) for view in over})
    return rebuilt(node, [_of_both(part) for part in children(node)])


def _first(named: set[View], anchors: Iterable[View]) -> set[View]:
    """The views that are seen in the first way."""
    several = {view.datum for view in named if view.name != view.datum}
    anchor = {view.datum for view in anchors}
    return {view for view in named if view.white or (view.name == view.datum and view.datum in several | anchor)}
