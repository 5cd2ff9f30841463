"""The pictures of an audit: phase diagram and landscape of an expansion, or the curvature where there is none.

They show the theory in numbers, for features of variance 1 and an augmentation C, at the values that were set and at
generic ones of what is left symbolic. What cannot be drawn says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from derive import InputError
from derive.landscape.landscape import landscapes
from derive.losses.limit import counted_symbols
from numeric.landscape.phases import PHASES, phase_diagram
from numeric.sampling import Covariances
from verify.audits.definition import Audit
from verify.figures import draw_curvature, draw_phases, oriented_augmentation, toy_landscape
from verify.figures.picture import symbol
from verify.truths.settings import GENERIC

if TYPE_CHECKING:
    from derive import Expansion
    from derive.landscape.summary import Described
    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.figures import Picture
    from verify.routes.reopening.collapsed import Collapsed

Values = Mapping[str, float]

# A batch in the pictures, where its size is left symbolic.
BATCH = 8
# The strength σ and the orientation θ of the augmentation.
STRENGTHS, ORIENTATIONS = np.linspace(0.0, 2.0, 121), np.linspace(0.0, 1.0, 81)
# Augmentations of the maps: weak, strong along one feature, and along both.
AUGMENTATIONS = ((0.3, 0.2), (1.4, 0.2), (1.6, 1.4))


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture.

    Attributes:
        heading: what it is of.
        caption: what is to be seen.
        picture: None where it could not be drawn.
        said: the picture in words; why there is none, where there is none.

    """

    heading: str
    caption: str
    picture: Picture | None
    said: str


def pictures(found: Audit | BlackBoxAudit) -> tuple[Drawn, ...]:
    """The pictures of an audit; none where there is nothing to show."""
    expansion, landscape = found.expansion, found.landscape
    if found.transverse is not None:
        return (_curvature(found.transverse),)
    if expansion is None or landscape is None or expansion.order < 4:
        return ()
    counted = counted_symbols(found.loss) if isinstance(found, Audit) else {"N"}
    values = _values(expansion, counted)
    given = found.given if isinstance(found, Audit) else {}
    norm = None if landscape.limit is None else float(given.get("c", values.get("c")))
    return _phases(expansion, landscape, values, norm), _map(expansion, landscape, values)


def _values(expansion: Expansion, counted: set[str]) -> dict[str, float]:
    """Numbers for what is left symbolic; the dimension of the embedding is that of the picture."""
    generic = iter(GENERIC * (1 + len(expansion.symbols) // len(GENERIC)))
    names = [symbol.name for symbol in expansion.symbols if symbol.name != "d1"]
    return {name: float(BATCH) if name in counted else float(next(generic)) for name in names}


def _phases(expansion: Expansion, landscape: Described, values: Values, norm: float | None) -> Drawn:
    limit = landscape.limit
    here = {name: value for name, value in values.items() if name != limit}

    def draw() -> tuple[Picture, str]:
        axes = ("σ", STRENGTHS), ("θ", ORIENTATIONS)
        # A penalty of infinite strength fixes the norm, and is not part of the loss then.
        cases = landscapes(expansion if limit is None else expansion.set({limit: 0}))
        diagram = phase_diagram(cases, *axes, oriented_augmentation, here, norm=norm)
        shares = [(name, float((diagram.phase == number).mean())) for number, name in enumerate(PHASES)]
        said = ", ".join(f"{name} {_share(share)}" for name, share in shares if share)
        drawn = draw_phases(diagram, landscape.collapse, y_label="orientation θ", x_label="strength σ")
        return drawn, f"{said[0].upper()}{said[1:]}."

    caption = "Which of two modes the minima keep, over the augmentation C = σ² diag(1 − θ, θ) of features with A0 = I"
    return _drawn("Phase diagram", caption + _at(here), draw)


def _map(expansion: Expansion, landscape: Described, values: Values) -> Drawn:
    def draw() -> tuple[Picture, str]:
        if landscape.limit is not None:
            message = (
                f"W is bound to a fixed norm as {symbol(landscape.limit)} → ∞, and the loss has no values beside it"
            )
            raise InputError(message)
        panels = {f"C = diag({first}, {second})": _data(first, second) for first, second in AUGMENTATIONS}
        drawn = toy_landscape(expansion.truncate(4), panels, values, saddles=True)
        minima = {title: [row for row in drawn.rows if row[0] == title and row[1] == "minimum"] for title in panels}
        said = [f"{title}: {_said(rows)}" for title, rows in minima.items()]
        return drawn, "; ".join(said) + "."

    caption = "L(diag(r₁, r₂)) through order 4 for three augmentations C of features with A0 = I"
    return _drawn("Landscape", caption + _at(values), draw)


def _curvature(found: Collapsed) -> Drawn:
    def draw() -> tuple[Picture, str]:
        from verify.routes.reopening.transverse import plus_minus

        drawn = draw_curvature(found)
        points = [f"{plus_minus(value, error)} at σ = {s:g}" for s, value, error, _ in drawn.rows]
        change = f"σ = {found.change.text()}" if found.change.found else found.change.text()
        return drawn, f"{'; '.join(points)}. Change of sign: {change}."

    caption = (
        "L″ along a collapsed mode: where it is negative the mode reopens, where it is positive it stays collapsed"
    )
    return _drawn("Curvature of a collapsed mode", caption, draw)


def _share(share: float) -> str:
    return "everywhere" if share == 1 else f"on {100 * share:.1f} % of the map"


def _data(first: float, second: float) -> Covariances:
    return Covariances(np.eye(2), np.diag([first, second]))


def _said(rows: Sequence[Sequence[Any]]) -> str:
    """Where the minima are: up to signs, and how many there are with them."""
    if not rows:
        return "no minimum"
    places = sorted({(abs(row[2]), abs(row[3])) for row in rows})
    at = " and ".join(f"({first:.3g}, {second:.3g})" for first, second in places)
    return f"{len(rows)} {'minimum' if len(rows) == 1 else 'minima'}, (|r₁|, |r₂|) = {at}"


def _at(values: Values) -> str:
    return "".join(f", {symbol(name)} = {value:.4g}" for name, value in values.items()).replace(",", "; at", 1)


def _drawn(heading: str, caption: str, draw: Callable[[], tuple[Picture, str]]) -> Drawn:
    try:
        picture, said = draw()
    except InputError as error:
        return Drawn(heading, caption, None, str(error))
    return Drawn(heading, caption, picture, said)
