"""Which modes a loss keeps at its global minimum, and by how much: the answer, in text and in JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, isinf
from typing import Any, Literal, NamedTuple, Protocol

import sympy

from numeric.landscape.kept import Changes, Formulas, Kept
from numeric.landscape.spectrum import Spectrum
from verify.evidence.digits import rounded
from verify.truths.lowest import LowestPoint

Theory = Literal["all-orders", "quartic", "sphere", "field"]
# An error below this is not written beside a power.
_FINE = 1e-5


class Named(Protocol):
    """What is said of a loss, a definition or a function."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def title(self) -> str:
        """Its usual name, "" where there is none."""

    @property
    def encoders(self) -> int:
        """Of how many encoders it is."""


class InTime(NamedTuple):
    """The powers of the modes at given times, and where they begin."""

    times: tuple[float, ...]
    powers: tuple[tuple[float, ...], ...]
    begun: str


_TOLD = {
    "all-orders": "to all orders",
    "quartic": "through order 4",
    "sphere": "of unit vectors",
    "field": "where training from small weights ends",
}


@dataclass(frozen=True, eq=False)
class KeptModes:
    """The modes of a loss at its global minimum.

    Attributes:
        loss: the loss, with the given values put in.
        given: the values that were set.
        theory: which landscape was solved: that to all orders, that through order 4, that of unit vectors over the
            shares of the modes, or a field.
        data: the modes' correlations.
        d1: the number of rows of W.
        found: the powers.
        changes: where each mode begins to be kept.
        assumptions: what the answer holds for.
        measured: the minimum of the loss itself, where the landscape is one through order 4; None where that was not
            looked for, or not found.
        open: why the error is not known, or how it was estimated; "" where it is a bound.
        formulas: the powers in the correlations, for W with a row for each mode; None for two encoders.
        in_time: the powers of a field's modes at given times; None where none were asked for.
        shares: whether the powers of a field are shares, as those of unit vectors are.

    """

    loss: Named
    given: Mapping[str, sympy.Expr]
    theory: Theory
    data: Spectrum
    d1: int
    found: Kept
    changes: Changes
    assumptions: tuple[str, ...]
    measured: LowestPoint | None = None
    open: str = ""
    formulas: Formulas | None = None
    in_time: InTime | None = None
    shares: bool = False

    @property
    def correlations(self) -> tuple[float, ...]:
        """λ_i, in the order given."""
        return tuple(map(float, self.data.correlations))

    @property
    def powers(self) -> tuple[float | None, ...]:
        """The eigenvalue of Σ^½ WᵀW Σ^½ on each mode; None where the loss has no minimum, or it is not known.

        For a loss of unit vectors its share, which add to 1.

        With two encoders, the singular value of Σ₁^½ WᵀV Σ₂^½ on each canonical pair.
        """
        return tuple(float(one) if isfinite(one) else None for one in self.found.powers)

    @property
    def kept(self) -> tuple[bool | None, ...]:
        """Whether each mode is kept; None where that is not known."""
        return self.found.kept

    @property
    def margins(self) -> tuple[float | None, ...]:
        """How far each λ_i is from where `kept` changes, positive for a kept mode; None where it never does."""
        return tuple(map(self._margin, range(self.data.size)))

    def _margin(self, i: int) -> float | None:
        at, kept = self.changes.at[i], self.found.kept[i]
        if at is None or kept is None:
            return None
        away = abs(float(self.data.correlations[i] - at))
        return away if kept or away == 0 else -away

    @property
    def threshold(self) -> float | None:
        """The λ below which a further mode would be lost, None where there is none.

        That is where the kept mode that is nearest to being lost would be lost, the others as they are; where none is
        kept, where the nearest to being kept would be.
        """
        known = [i for i, margin in enumerate(self.margins) if margin is not None]
        kept = [i for i in known if self.found.kept[i]]
        if not known:
            return None
        i = min(kept or known, key=lambda i: abs(self.margins[i] or 0.0))
        at, here = float(self.changes.at[i] or 0), self.correlations[i]
        below = at <= here if kept else at >= here
        return at if below and at > 0 else None

    @property
    def error(self) -> float | None:
        """How far the powers may be from those of the loss; None where that is not known."""
        finite = [abs(one) for one in self.powers if one is not None]
        if not finite:
            return None
        if self.theory in ("sphere", "field"):
            return self.found.precision if isfinite(self.found.precision) else None
        if self.theory == "all-orders":
            return self.found.precision * max(1.0, *finite) if isfinite(self.found.precision) else None
        if self.measured is None:
            return None
        return float((abs(self.measured.powers - self.found.powers) + self.measured.error).max())

    @property
    def error_of(self) -> str:
        """What the error is, or why it is not known."""
        if self.error is None:
            return self.open or "no power is given"
        if self.theory == "field":
            return self.open or "a bound on what the arithmetic leaves out"
        if self.theory == "sphere":
            return "the largest standard error of a share"
        if self.theory == "all-orders":
            return "a bound on what the arithmetic leaves out"
        return "order 4 against the minimum of the loss itself, and the error of that"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know besides, in sentences."""
        notes = list(self.found.notes)
        if self.measured is not None:
            notes.append(f"the loss itself: {self.measured.how}")
            sure = self.measured.powers > self.measured.error + _FINE
            more = [i for i in range(self.data.size) if self.kept[i] is False and sure[i]]
            if more:
                listed = ", ".join(f"{self.correlations[i]:g}" for i in more)
                notes.append(f"the minimum of the loss itself that was found keeps λ = {listed} too")
        return tuple(notes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        there = [None] * self.data.size if self.measured is None else self.measured.powers.tolist()
        error = [None] * self.data.size if self.measured is None else self.measured.error.tolist()
        keys = ("correlation", "power", "kept", "margin", "measured", "measured_error")
        columns = (self.correlations, self.powers, self.kept, self.margins, there, error)
        return {
            "loss": self.loss.name,
            "set": {name: str(value) for name, value in self.given.items()},
            "theory": self.theory,
            "threshold": self.threshold,
            "rank": self.found.rank,
            "modes": [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)],
            "assumptions": list(self.assumptions),
            "error": self.error,
            "error_of": self.error_of,
            "d1": self.d1,
            "formulas": None if self.formulas is None else {**self.formulas.values, "lost": self.formulas.lost},
            "notes": list(self.notes),
            **({} if self.in_time is None else {"in_time": self.in_time._asdict()}),
        }

    def text(self) -> str:
        """A table, a row a mode, and what there is to know of it."""
        return "\n".join(self._lines())

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def _lines(self) -> Iterator[str]:
        values = "".join(f", {name} = {value}" for name, value in self.given.items())
        yield f"{self.loss.title or self.loss.name}{values}: {self.answer}"
        widths = (12, 14, 8, 14)
        for row in (self.columns, *map(self.row, range(self.data.size))):
            cells = "".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
            yield f"  {cells}{''.join(row[4:])}".rstrip()
        for name, said in self.remarks():
            yield f"  {name:<12}{said}"
        if self.in_time is not None:
            for time, powers in zip(self.in_time.times, self.in_time.powers, strict=True):
                yield f"  t = {time:<8g}{', '.join(f'{one:.4g}' for one in powers)}"

    @property
    def answer(self) -> str:
        """How many modes are kept."""
        return f"{'from small weights ' if self.theory == 'field' else ''}{self._answer()}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row has."""
        return ("λ_i", "power", "kept", "margin", *([] if self.measured is None else ["the loss itself"]))

    def row(self, i: int) -> tuple[str, ...]:
        """What is known of a mode, as text; "" where nothing is."""
        kept, margin = {True: "yes", False: "no", None: "?"}[self.kept[i]], self.margins[i]
        away = "" if margin is None else f"{margin:+.{self._digits}g}"
        beside = [] if self.measured is None else [self._there(i)]
        return (f"{self.correlations[i]:.6g}", self._power(i), kept, away, *beside)

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What there is to know of the table: a word, and a sentence."""
        of_one = self.loss.encoders == 1 or self.theory == "field"
        matrix = "eigenvalue of Σ^½ WᵀW Σ^½" if of_one else "singular value of Σ₁^½ WᵀV Σ₂^½"
        of = "share of the" if self.theory == "sphere" or self.shares else "the"
        yield "power", f"{of} {matrix}, {_TOLD[self.theory]}"
        if self.formulas is not None and self.formulas.text:
            yield "formula", self.formulas.text
        if self.formulas is not None and self.formulas.lost_text:
            yield "lost", f"{self.formulas.lost_text}, with a row for each mode"
        if self.threshold is not None:
            yield "threshold", f"λ = {self.threshold:.{self._digits}g}: below it a further mode would be lost"
        yield "error", f"{'not known' if self.error is None else f'{self.error:.2g}'}; {self.error_of}"
        yield "for", "; ".join(self.assumptions)
        yield from (("note", note) for note in self.notes)
        if self.in_time is not None:
            yield "in time", f"the powers in the order above, {self.in_time.begun}"

    def _power(self, i: int) -> str:
        power = self.powers[i]
        if power is None:
            return ("no end" if self.theory == "field" else "no minimum") if isinf(self.found.powers[i]) else "?"
        return f"{power:.4f}" if self.theory == "sphere" and power else f"{power:.6g}"

    @property
    def _digits(self) -> int:
        """Of correlations at which something changes: those that are drawn have few."""
        return 3 if self.theory == "sphere" else 6

    def _there(self, i: int) -> str:
        if self.measured is None:
            return ""
        power, error = float(self.measured.powers[i]), float(self.measured.error[i])
        return f"{power:.6g}" if error < _FINE else f"{rounded(power, error)} ± {rounded(error, error)}"

    def _answer(self) -> str:
        known = [one for one in self.kept if one is not None]
        if len(known) < self.data.size:
            return "which modes are kept is not known" if not known else "which modes are kept is known in part"
        number, size = sum(known), self.data.size
        if number in (0, size):
            whole = {1: "its one mode", 2: "both modes"}.get(size, f"all {size} modes")
            return f"{'keeps' if number else 'loses'} {whole}"
        return f"keeps {number} of {size} modes"


def beside_collapse(value: float, error: float, collapsed: float, formula: str = "") -> str:
    """The loss at a minimum of unit vectors beside that at complete collapse, where all data share one direction.

    >>> beside_collapse(-1.25, 0.001, 0.0)
    'the loss is -1.25 ± 0.001 there, and 0 at complete collapse'
    """
    said = f"the loss is {value:.5g} ± {error:.1g} there, and "
    if not isfinite(collapsed):
        return f"{said}has no value at complete collapse"
    said += f"{formula}{collapsed:.5g} at complete collapse"
    # A linear f of centred data has both directions of a line at least.
    return (
        said if value <= collapsed + 3 * error else f"{said}, which is lower, and out of reach for W x without a bias"
    )
