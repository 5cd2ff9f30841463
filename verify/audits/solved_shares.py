"""The modes of a loss of unit vectors: their shares at the global minimum, by quadrature or on drawn batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import Elliptical, Gaussian, InputError, Law, Loss
from derive.algebra.graphs import AUGMENTATION, CLASSMATE
from derive.definition.contents import looks_at_coordinates
from derive.definition.expression import labels, walk
from derive.definition.notation import LATEX, TEXT
from derive.definition.regularity import homogeneity
from derive.definition.views import View
from derive.losses.limit import counted_symbols, large_batch
from derive.sphere.collapsed import collapsed_value
from derive.sphere.many_modes import push_strength
from derive.sphere.pairs import PairForm, pair_form
from numeric.landscape.kept import Changes, Formulas, Kept
from numeric.landscape.spectrum import Spectrum
from numeric.sphere.batches import batch_shares, stand_in
from numeric.sphere.minimum import LOST, Shares, minimum
from numeric.sphere.shares import FEWEST, landscape, many_modes, shares
from verify.audits.kept_modes import KeptModes, beside_collapse

Array = NDArray[np.float64]

# Of how many kept modes it is asked where they would be lost, those of the smallest shares.
NEAREST = 8


def on_the_sphere(loss: Loss) -> bool:
    """Whether a loss sees directions of f alone, through inner products.

    >>> from derive import catalogue
    >>> [on_the_sphere(catalogue(name)) for name in ("infonce+normalised", "infonce", "vicreg+normalised")]
    [True, False, False]
    """
    return homogeneity(loss.expression) == 0 and not looks_at_coordinates(loss.expression)


def share_modes(
    loss: Loss,
    values: Mapping[str, sympy.Expr],
    data: Spectrum,
    law: Law,
    *,
    d1: int | None = None,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> KeptModes:
    """The modes that a loss of unit vectors keeps at its global minimum, with their shares.

    Args:
        loss: sees directions of f alone (`on_the_sphere`).
        values: of its parameters; the temperature is 1 where it is not set. N = oo, or no N, for the limit of a large
            batch; with a number the loss is minimised on drawn batches of that size.
        data: the modes.
        law: of the data: Gaussian, or elliptical with one scale a datum, which directions do not see.
        d1: the number of rows of W, one for each mode unless given.
        seed: of the draws.
        tick: is told what is done.

    Raises:
        InputError: another law, a parameter without a value, or a temperature that is not positive.

    """
    scale_free = isinstance(law, Elliptical) and law.per == "datum"
    if not isinstance(law, Gaussian) and not scale_free:
        raise InputError(f"the shares of modes are known for Gaussian data, not for {law.text}; leave --law out")
    if CLASSMATE in loss.roles:
        raise InputError(
            f"{loss.name} has views of other data of a class, and view correlations tell nothing of classes"
        )
    if AUGMENTATION in loss.roles:
        raise InputError(f"{loss.name} has views under a second augmentation, whose view correlations are not given")
    if any(isinstance(label, View) and label.white for node in walk(loss.expression) for label in labels(node)):
        raise InputError(f"{loss.name} sees white noise, which λ_i, those of whitened data, tell nothing of")
    values = dict(loss.defaults) | dict(values)
    here, size = _at(loss, values)
    rows = d1 or data.size
    # With fewer rows than modes the modes of the highest correlations have one each.
    near = np.sort(np.argsort(-data.lam, kind="stable")[:rows])
    lam = data.lam[near]
    form = pair_form(here)
    tick("shares")
    if form is not None:
        found, how = shares(form, lam, seed=seed), "quadrature"
    else:
        form = large_batch_form(loss, values)
        guess = None if form is None else shares(form, lam, seed=seed).shares
        batch = size or stand_in(here)
        found, how = batch_shares(here, lam, batch, guess=guess, seed=seed), f"random batches of {batch}"
    tick("thresholds")
    changes = _changes(form if how == "quadrature" else None, lam, found, seed)
    whole = np.zeros(data.size)
    whole[near] = found.shares
    kept: list[bool | None] = [False] * data.size
    at: list[sympy.Expr | float | None] = [None] * data.size
    for place, i in enumerate(near):
        kept[i], at[i] = found.kept[place], changes[place]
    error = float(found.errors.max())
    rank = None if None in kept else sum(map(bool, kept))
    notes = _notes(loss, here, found, how)
    if rows < data.size:
        notes.append("points with one mode a row were compared")
    if scale_free:
        notes.append("directions do not see the scale of a datum: as for Gaussian data")
    both = "W along the modes" if loss.encoders == 1 else "W and V along the canonical pairs, with equal shares"
    assumptions = ("zero mean", *law.assumptions[1:], f"d1 = {rows}", both)
    return KeptModes(
        here, values, "sphere", data, rows, Kept(whole, tuple(kept), rank, tuple(notes), error), Changes(tuple(at)),
        assumptions, formulas=None if form is None else _formulas(form, lam),
    )  # fmt: skip


def _at(loss: Loss, values: Mapping[str, sympy.Expr]) -> tuple[Loss, int | None]:
    """The loss with its values and defaults put in, in the limit of a large batch where no N is given; N otherwise."""
    counted = counted_symbols(loss)
    finite = {name: value for name, value in values.items() if not (name in counted and value is sympy.oo)}
    here = loss.set(finite)
    try:
        here = large_batch(here)
    except InputError as error:
        given = " ".join(f"--set {name}=…" for name in sorted(counted & here.parameters.keys()))
        raise InputError(f"{error}; give {given}") from error
    size = here.batch_size
    return here, None if size is None else int(size)


def large_batch_form(loss: Loss, values: Mapping[str, sympy.Expr]) -> PairForm | None:
    """The means over pairs of a loss of unit vectors in the limit of a large batch; None where that is not known."""
    counted = counted_symbols(loss)
    try:
        far, _ = _at(loss, {name: value for name, value in values.items() if name not in counted})
    except InputError:
        return None
    return pair_form(far)


def _changes(form: PairForm | None, lam: Array, found: Shares, seed: int) -> list[sympy.Expr | float | None]:
    """Where each mode begins, or ceases, to be kept, those of the others fixed.

    A lost one at the threshold. A kept one at the threshold of the landscape without it, which is solved again for
    those of the smallest shares.
    """
    at: list[sympy.Expr | float | None] = [found.reopens if kept is False else None for kept in found.kept]
    kept = [int(i) for i in np.argsort(found.shares) if found.kept[i]]
    if form is None or len(kept) < 2:
        return at
    for i in kept[:NEAREST]:
        without = landscape(form, np.delete(lam, i), seed=seed, points=FEWEST * 2)
        others, _ = minimum(without, [np.delete(found.shares, i) + LOST])
        level = without.threshold(others)
        at[i] = level if level > 0 else None
    return at


def _notes(loss: Loss, here: Loss, found: Shares, how: str) -> list[str]:
    notes = [f"by {how}"]
    limit = here.batch_size is None and loss.batch_size is not None
    formula, collapsed = collapsed_value(loss), float(collapsed_value(here))
    shown = "" if limit or formula.is_number else f"{TEXT.scalar(formula)} = "
    without = ", both without what grows with N" if limit else ""
    notes.append(beside_collapse(found.value, found.value_error, collapsed, shown) + without)
    notes.append(f"effective rank 1/Σ p_i² = {found.effective_rank:.4g}")
    return notes


def _formulas(form: PairForm, lam: Array) -> Formulas | None:
    """The filling of the spectrum, the limit of many kept modes, with the threshold that it gives."""
    strength = push_strength(form) if len(form.repulsions) == 1 else None
    if strength is None:
        return None
    slope = form.aligned / strength
    leading = many_modes(form, lam)
    more = "" if leading is None else f"; to leading order in their number λ_c = {leading.threshold:.4g}"
    shown = "" if slope == 1 else f"{TEXT.scalar(slope)} "
    text = f"p_i = {shown}(λ_i − λ_c)₊ for many kept modes at moderate temperature{more}"
    factor = "" if slope == 1 else f"{LATEX.scalar(slope)} "
    filled = rf"p_{{i}} \approx {factor}(\lambda_{{i}} - \lambda_{{c}})_{{+}}"
    latex = [rf"{filled} \text{{ for many kept modes at moderate temperature}}"]
    latex += [] if leading is None else [rf"\lambda_{{c}} \approx {leading.threshold:.4g}"]
    return Formulas({"slope": str(slope)}, text, latex=tuple(latex))
