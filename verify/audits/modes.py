"""From a loss and the correlations of its views to the modes that it keeps at its global minimum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import sympy

from derive import Expansion, Gaussian, InputError, Law, Loss, NotAnalyticError, closed_form
from derive.algebra.letters import named
from derive.algebra.signs import sign
from derive.expansion.second_moments import sees_means
from derive.landscape.collapse import collapse
from derive.landscape.exact_modes import exact_modes
from derive.landscape.landscape import MODE_I, a_i, c_i, landscapes
from derive.losses.limit import counted_symbols, population
from numeric.landscape.kept import Changes, Kept
from numeric.landscape.spectrum import Spectrum, of_covariances, whitened
from numeric.sampling import Covariances
from verify.audits.kept_modes import KeptModes
from verify.audits.mode_formulas import formulas
from verify.audits.solved_modes import Asked, Solution, depends_on, solved
from verify.audits.solved_pairs import pairs_for_all, solved_pairs
from verify.audits.solved_shares import on_the_sphere, share_modes
from verify.audits.target import limits, put_values
from verify.truths.exact_numbers import exact_values


def modes(
    loss: Loss,
    correlations: Iterable[object] | None = None,
    given: Mapping[str, object] | None = None,
    *,
    covariances: Covariances | None = None,
    d1: int | None = None,
    law: Law | None = None,
    measure: bool = True,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> KeptModes:
    """The modes that a loss keeps at its global minimum.

    The landscape to all orders is solved where the loss closes; elsewhere that through order 4, whose error is
    measured by minimising the loss itself, from its definition.

    Args:
        loss: a loss that has an expansion at W = 0, or one of unit vectors.
        correlations: λ_i of each mode, the eigenvalues of Σ^(−½) A0 Σ^(−½), from 0 to 1.
        given: exact values of the loss's parameters; N = oo for the limit of a large batch. Where one is left out, only
            what holds for all its values is said.
        covariances: A0 and C in place of the correlations, for a loss that sees more than these (weight decay).
        d1: the number of rows of W; unless given one for each mode, and one for the bias where the model has one.
        law: of the data; `Gaussian` unless given.
        measure: whether the loss itself is minimised where its landscape is not known to all orders.
        seed: of the draws for that.
        tick: is told what is done.

    Raises:
        InputError: an unusable correlation or value, a loss without an expansion, or one that sees more than λ_i.

    >>> from sympy import Rational
    >>> from derive import catalogue
    >>> found = modes(catalogue("beta-infonce"), [Rational(9, 10), Rational(1, 10)], {"beta": Rational(1, 2)})
    >>> found.kept, found.threshold, found.theory
    ((True, False), 0.5, 'all-orders')
    >>> print(round(found.powers[0], 6))
    2.265564

    """
    values = exact_values(given)
    law = law or Gaussian()
    if on_the_sphere(loss):
        data, _ = _given(correlations, covariances)
        rows = _rows(d1, values.get("d1"))
        return share_modes(loss, values, data, law, d1=rows, seed=seed, tick=tick)
    here, later = put_values(loss, values)
    rows = _rows(d1, later.pop("d1", None))
    for name in [name for name in later if name in counted_symbols(here)]:
        here = population(here, name)
        later.pop(name)
    expansion, limit = limits(_expanded(here, law, tick), later)
    data, commute = _spectrum(expansion, correlations, covariances)
    bias = "D" in _letters(expansion.terms)
    rows = rows or data.size + bias
    assumptions = (*expansion.assumptions, _of_rows(rows, data.size, bias=bias, encoders=here.encoders))
    left = sorted(name for name in {**here.parameters, **named(expansion.symbols)} if name not in ("d1", limit))
    asked = Asked(here, law, expansion, limit, data, rows, commute, seed if measure else None, tick)
    if here.encoders == 2:
        found = pairs_for_all(asked, left) if left else solved_pairs(asked)
    else:
        found = _for_all(asked, left) if left else solved(asked)
    return KeptModes(
        here, values, found.theory, data, rows, found.found, found.changes, assumptions, found.measured, found.open,
        None if here.encoders == 2 else formulas(here, expansion, law, limit),
    )  # fmt: skip


def _expanded(loss: Loss, law: Law, tick: Callable[[str], None]) -> Expansion:
    tick("order 4")
    try:
        return loss.expand(4, data=law)
    except NotAnalyticError as error:
        message = f"{loss.name} has no expansion at W = 0, which is needed here: {error.reason}"
        raise InputError(message) from error


def _letters(terms: Iterable[object]) -> set[str]:
    return {letter for term in terms for one in term.invariants for _, word, _ in one for letter in word}  # type: ignore[attr-defined]


def _spectrum(
    expansion: Expansion, correlations: Iterable[object] | None, covariances: Covariances | None
) -> tuple[Spectrum, bool]:
    """The modes, and whether A0 and C commute where that matters."""
    letters = _letters(expansion.terms)
    if sees_means(expansion):
        message = f"{expansion.loss} depends on the means of the data, which view correlations do not tell"
        raise InputError(f"{message}; centre the data")
    if expansion.encoders == 1 and not letters <= MODE_I.keys():
        message = (
            f"the views of {expansion.loss} are seen in two ways, and its modes are not known; one W and equal views"
        )
        raise InputError(f"{message} are needed here")
    sees_more = not letters.isdisjoint("IJ")
    if expansion.encoders == 2 and (sees_more or covariances is not None):
        what = "depends on more, because of weight decay" if sees_more else "has two encoders"
        message = f"{expansion.loss} {what}; modes of two encoders are those of canonical correlations alone, λ_i"
        raise InputError(message)
    linear = {
        term.invariants[0][0][1]: float(term.coefficient) if term.coefficient.is_number else 0.0
        for term in expansion.terms_of_order(2)
    }
    if covariances is None and correlations is not None and sees_more:
        message = (
            f"{expansion.loss} depends on more than the correlations λ_i: weight decay is not whitened with the data;"
            " give the covariances, --A0 FILE --C FILE"
        )
        raise InputError(message)
    return _given(correlations, covariances, linear if sees_more else None)


def _given(
    correlations: Iterable[object] | None,
    covariances: Covariances | None,
    linear: dict[str, float] | None = None,
) -> tuple[Spectrum, bool]:
    """The modes from correlations or from covariances, and whether A0 and C commute."""
    if correlations is not None and covariances is not None:
        raise InputError("correlations and covariances are both given; give one of them")
    if covariances is not None:
        return of_covariances(covariances, linear)
    if correlations is None:
        raise InputError("no correlations are given; give them as --correlations 0.9,0.5,0.1, or in a file")
    return whitened(correlations), True


def _rows(d1: int | None, value: sympy.Expr | None) -> int | None:
    found = d1 if value is None else value
    if found is None:
        return None
    if d1 is not None and value is not None and value != d1:
        raise InputError(f"d1 is given twice, as {d1} and as {value}")
    if found in (sympy.oo, -sympy.oo) or found != int(found) or found < 1:
        raise InputError(f"d1 = {found} is not a number of rows; give a whole number, 1 or more")
    return int(found)


def _of_rows(d1: int, size: int, *, bias: bool, encoders: int) -> str:
    of, mode = ("W", "mode") if encoders == 1 else ("W and V", "pair")
    if d1 == size + bias:
        return f"d1 = {d1}, a row of {of} for each {mode}{' and the bias' if bias else ''}"
    return f"d1 = {d1}, {'fewer' if d1 < size else 'more'} rows of {of} than {mode}s"


def _for_all(asked: Asked, left: list[str]) -> Solution:
    """What holds for all values of the parameters that are left out.

    Where the landscape to all orders is convex a mode is kept exactly where b_i > 0; where none can be lost, each with
    b_i > 0 is kept.
    """
    data = asked.data
    closed = None if asked.limit else closed_form(asked.loss, asked.law)
    separate = None if closed is None else exact_modes(closed)
    convex = separate is not None and separate.convex
    level = separate.level if separate is not None and convex else None
    if level is None and not asked.limit:
        lost = collapse(asked.expansion).dimensional
        if lost is not None and lost.formula == sympy.false:
            level = landscapes(asked.expansion)[0].b()
    kept: list[bool | None] = [None] * data.size
    if level is not None and asked.d1 >= data.size:
        for i in range(data.size):
            a, c = data.of_mode(i)
            side = sign(level.xreplace({a_i: a, c_i: c}), ranges=asked.expansion.ranges)
            kept[i] = True if side == 1 else False if convex and side is not None else None
    rank = None if None in kept else sum(map(bool, kept))
    found = Kept(np.full(data.size, np.nan), tuple(kept), rank, (depends_on(left),))
    return Solution("all-orders" if convex or asked.ends else "quartic", found, Changes.unknown(data.size))
