"""Which loss, at which batch size and temperature, has a given value when it has collapsed.

Values are derived from definitions, evaluated at every combination of usual settings, and those that round to the given
number are ranked: common settings first. How many would fit by chance is counted, since with enough settings some do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import InputError, Loss
from derive.algebra.letters import named
from derive.definition.notation import TEXT
from derive.errors import quoted
from derive.sphere.collapsed import levels
from verify.audits.stuck_losses import FACTORS, PUBLISHED, USUAL, Published, columns

Array = NDArray[np.float64]

# How many fits are shown, and how wide the neighbourhood is, in tolerances, in which chance fits are counted.
SHOWN, AROUND = 8, 200
# What is added to the rank of a setting: for a state that is rarer, for a factor of another loss's code, of its own.
RARER, FOREIGN, OWN = 2.0, 2.0, 0.5
# And for a number whose digits were cut off, where numbers are rounded as a rule; looked at up to this rank.
CUT_OFF, COMMON = 1.0, 1.0
# Digits of a level that are shown.
DIGITS = 7
# From how many fits by chance on no single one is named.
LIKELY = 0.3


@dataclass(frozen=True)
class Candidate:
    """A value of a loss at collapse, to be tried at usual settings.

    Attributes:
        titles: of the losses that have it.
        state: what has collapsed.
        formula: in their parameters, without the factor.
        factor: what a code puts in front.
        put_by: where that is; empty for a factor of 1.
        rank: what its state and factor add to the rank of its settings.

    """

    titles: tuple[str, ...]
    state: str
    formula: sympy.Expr
    factor: sympy.Expr = sympy.S.One
    put_by: str = ""
    rank: float = 0.0


@dataclass(frozen=True)
class Fit:
    """A candidate whose value rounds to the given number.

    Attributes:
        candidate: the loss and its formula.
        settings: values of its parameters.
        value: the formula there.
        off: value less the given number.
        rank: 0 for the most common settings; larger for rarer ones.
        cut: whether it does so only where the number's last digits were cut off rather than rounded.

    """

    candidate: Candidate
    settings: Mapping[str, float]
    value: float
    off: float
    rank: float
    cut: bool = False

    def where(self) -> str:
        """The losses, their settings and the state."""
        at = ", ".join(f"{_LETTERS.get(name, name)} = {value:.6g}" for name, value in self.settings.items())
        state = self.candidate.state.replace("kept rank 1", "a kept rank of 1")
        return f"{_either(self.candidate.titles)}{f' at {at}' if at else ''} with {state}"

    def lines(self) -> tuple[str, str]:
        """Where it is, and how it comes about."""
        found = self.candidate
        put = f" ({found.put_by})" if found.put_by else ""
        off = f"off by {self.off:+.1g}" if abs(self.off) > 1e-12 else "exact"
        off += ", the number cut off" if self.cut else ""
        return self.where(), f"{TEXT.scalar(found.factor * found.formula)}{put} = {self.value:.{DIGITS}g}, {off}"


_LETTERS = {"tau": "τ", "tau_base": "τ_base"}


@dataclass(frozen=True)
class Stuck:
    """What fits a value.

    Attributes:
        value: as it was given.
        within: how far off a fit may be.
        fits: the most common settings first.
        tried: how many combinations were tried.
        chance: how many of those at least as common as the first fit would fit a number nearby by chance.

    """

    value: str
    within: float
    fits: tuple[Fit, ...]
    tried: int
    chance: float = 0.0

    @property
    def answer(self) -> str:
        """What has the value, in a sentence."""
        if not self.fits:
            return f"Nothing fits {self.value}: no value at collapse, at usual settings, lies within {self.within:.2g}."
        # As common settings, of a number that was rounded or cut off.
        lowest = self.fits[0].rank
        first = [fit for fit in self.fits if fit.rank == lowest or (fit.cut and fit.rank <= lowest + CUT_OFF)]
        if len(first) > 1 or self.chance > LIKELY:
            return f"{self.value} has more than one explanation; the most common settings come first."
        return f"{self.value} is the loss of {first[0].where()}."

    def lines(self) -> Iterator[tuple[str, str]]:
        """Labels and texts: what fits, and how many settings were tried."""
        for fit in self.fits[:SHOWN]:
            yield from zip(("fits", ""), fit.lines(), strict=True)
        if len(self.fits) > SHOWN:
            yield "also", f"{len(self.fits) - SHOWN} at rarer settings"
        tried = f"{self.tried:,} settings, within {self.within:.2g}"
        if self.fits:
            tried += f"; {self.chance:.1g} of those as common as the first would fit a number nearby by chance"
        yield "tried", tried
        if any(fit.candidate.state == "kept rank 1" for fit in self.fits[:SHOWN]):
            yield "note", "kept rank 1: half of a batch opposite to the rest; random sides make some 1/(2N) more"

    def text(self) -> str:
        """The answer first, then each fit with how far off it is."""
        return "\n".join([self.answer, *(f"  {label:<12}{said}" for label, said in self.lines())])

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "value": self.value,
            "answer": self.answer,
            "within": self.within,
            "tried": self.tried,
            "by_chance": self.chance,
            "fits": [
                {
                    "losses": list(fit.candidate.titles),
                    "state": fit.candidate.state,
                    "formula": str(fit.candidate.formula),
                    "factor": str(fit.candidate.factor),
                    "put_by": fit.candidate.put_by or None,
                    "settings": dict(fit.settings),
                    "value": fit.value,
                    "off": fit.off,
                    "rank": fit.rank,
                    "cut_off": fit.cut,
                }
                for fit in self.fits
            ],
        }


def _either(titles: tuple[str, ...]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} or {titles[-1]}"


def read_level(text: str) -> tuple[float, float]:
    """A number as a log prints it, and half of its last digit.

    Raises:
        InputError: it is not a finite decimal number.

    >>> read_level("8.909"), read_level("-1"), read_level("1.1e1")
    ((8.909, 0.0005), (-1.0, 0.005), (11.0, 0.005))

    """
    try:
        found = Decimal(text.strip())
        exponent = found.as_tuple().exponent
    except InvalidOperation:
        found, exponent = Decimal("NaN"), "n"
    if not isinstance(exponent, int) or len(text) > 40 or not 1e-12 < abs(found) + 1 < 1e12:
        raise InputError(f"{quoted(text)} is not a value of a loss; write a number as it is logged, 8.909")
    # A whole number is read as rounded to two digits after the point.
    return float(found), 0.5 * 10.0 ** (exponent or -2)


def published_candidates(losses: Iterable[Published] = PUBLISHED) -> list[Candidate]:
    """The values of published losses at collapse, with the factors of their codes; equal ones are one candidate."""
    merged: dict[tuple[sympy.Expr, str, sympy.Expr, str], tuple[list[str], float]] = {}
    for published in losses:
        known: set[sympy.Expr] = set()
        for state, level in published.levels():
            if level.value in known:
                # One mode is not told from none.
                continue
            known.add(level.value)
            factors = [("", sympy.S.One, 0.0), *((by, one, OWN) for by, one in published.factors.items())]
            factors += [(by, one, FOREIGN) for by, one in FACTORS.items() if level.value.free_symbols]
            for by, factor, more in factors:
                rank = more + (RARER if state == "kept rank 1" else 0.0)
                merged.setdefault((level.value, state, factor, by), ([], rank))[0].append(published.title)
    return [
        Candidate(tuple(titles), state, formula, factor, by, rank)
        for (formula, state, factor, by), (titles, rank) in merged.items()
    ]


def candidates_of(loss: Loss) -> list[Candidate]:
    """The values of one loss at collapse.

    Raises:
        InputError: it has none.

    """
    found = levels(loss)
    if not found:
        raise InputError(f"{loss.name} has no value at collapse that is a number: it is stuck at none")
    ranks = {"kept rank 1": RARER}
    return [
        Candidate((loss.title or loss.name,), one.state, one.value, rank=ranks.get(one.state, 0.0)) for one in found
    ]


def stuck_at(
    text: str,
    candidates: Iterable[Candidate] | None = None,
    given: Mapping[str, sympy.Expr] | None = None,
    *,
    within: float | None = None,
) -> Stuck:
    """What has a value at collapse that rounds to a number.

    Args:
        text: the number, as it is logged.
        candidates: the values to try; those of published losses unless given.
        given: values of parameters that are known; usual ones are tried for all others.
        within: how far off a fit may be; half of the last digit unless given.

    Raises:
        InputError: no number, or a parameter without usual values that is not given.

    >>> best = stuck_at("8.909").fits[0]
    >>> best.candidate.titles, best.settings, best.candidate.put_by
    (('SupCon',), {'N': 256.0, 'tau': 0.1, 'tau_base': 0.07}, "times τ/τ_base, as SupCon's code has it")

    """
    value, half = read_level(text)
    tolerance = within or half * (1 + 1e-9)
    # As far away from zero as the first digit that was cut off allows.
    furthest = 0.0 if within else 2 * half
    fits: list[Fit] = []
    tried: list[tuple[Array, Array]] = []
    for candidate in published_candidates() if candidates is None else candidates:
        grid, values, ranks = _values(candidate, given or {})
        tried.append((values, ranks))
        off = values - value
        beyond = np.where(value < 0, -off, off)
        cut_off = (beyond > tolerance) & (beyond < furthest) & (ranks <= COMMON)
        for at in np.flatnonzero((np.abs(off) <= tolerance) | cut_off):
            settings = {name: float(column[at]) for name, column in grid.items()}
            cut = bool(cut_off[at])
            rank = float(ranks[at]) + CUT_OFF * cut
            fits.append(Fit(candidate, settings, float(values[at]), float(off[at]), rank, cut))
    fits.sort(key=lambda fit: (fit.rank, abs(fit.off)))
    # A temperature that makes no difference is told once, the most common one.
    distinct = {
        (fit.candidate, fit.settings.get("N"), fit.settings.get("K"), round(fit.value, 9)): fit for fit in fits[::-1]
    }
    fits = sorted(distinct.values(), key=lambda fit: (fit.rank, abs(fit.off)))
    chance = _by_chance(tried, value, tolerance, fits[0].rank) if fits else 0.0
    # The window of cut digits is half as wide again.
    if fits and furthest:
        chance += _by_chance(tried, value, tolerance, min(fits[0].rank - CUT_OFF, COMMON)) / 2
    return Stuck(text.strip(), tolerance, tuple(fits), sum(len(values) for values, _ in tried), chance)


def _values(candidate: Candidate, given: Mapping[str, sympy.Expr]) -> tuple[dict[str, Array], Array, Array]:
    """The settings of a candidate, its value and rank at each; those at which its factor is 1 are another's."""
    whole = candidate.factor * candidate.formula
    symbols = named(whole.free_symbols)
    unknown = sorted(set(symbols) - set(given) - set(USUAL))
    if unknown:
        raise InputError(f"the value at collapse depends on {unknown[0]}: give it, --set {unknown[0]}=…")
    names = tuple(sorted(symbols))
    grid, ranks = columns(names, given)
    values, factors = (
        np.broadcast_to(found, ranks.shape)
        for found in _numbers(whole, candidate.factor, tuple(symbols[name] for name in names))(grid)
    )
    usable = np.isfinite(values) & ((factors != 1) | (candidate.factor == 1))
    return {name: column[usable] for name, column in grid.items()}, values[usable], ranks[usable] + candidate.rank


@lru_cache(256)
def _numbers(
    whole: sympy.Expr, factor: sympy.Expr, symbols: tuple[sympy.Symbol, ...]
) -> Callable[[Mapping[str, Array]], tuple[Array, Array]]:
    """The value and the factor of a candidate as functions of the settings' columns."""
    compiled = sympy.lambdify(symbols, (whole, factor), "numpy")

    def at(grid: Mapping[str, Array]) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            value, times = compiled(*grid.values())
        return np.asarray(value, float), np.asarray(times, float)

    return at


def _by_chance(tried: list[tuple[Array, Array]], value: float, tolerance: float, rank: float) -> float:
    """How many settings of a rank or a better one lie within the tolerance of another number nearby, on average."""
    near = 0
    for values, ranks in tried:
        off = np.abs(values - value)[ranks <= rank]
        near += int(((off > tolerance) & (off <= AROUND * tolerance)).sum())
    return near / (AROUND - 1)
