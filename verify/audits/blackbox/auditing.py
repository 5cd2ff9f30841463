"""The audit of a torch loss that this project has never seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from derive import Expansion, InputError, Loss
from derive.algebra.words import trace
from derive.expansion.expansion import check_basis
from derive.landscape.summary import described
from verify.audits.blackbox import autograd
from verify.audits.blackbox.adapters import callable_loss, find_adapter, settable
from verify.audits.blackbox.against import compare as beside
from verify.audits.blackbox.against import in_numbers, known_names
from verify.audits.blackbox.audit import BlackBoxAudit
from verify.audits.blackbox.batches import Subject
from verify.audits.blackbox.calling import AUTO, Called, call
from verify.audits.blackbox.checks import ROUTES
from verify.audits.blackbox.coefficients import Method, second_order
from verify.audits.blackbox.collapsed import collapsed_values
from verify.audits.blackbox.core import Core, core
from verify.audits.blackbox.derivatives import Derivatives, compare
from verify.audits.blackbox.exact import Unit, constants
from verify.audits.blackbox.expanding import expanded
from verify.audits.blackbox.field import Field, followed, with_linear_part
from verify.audits.blackbox.growth import growth
from verify.audits.blackbox.invariances import Invariances, invariances
from verify.audits.blackbox.rays import SINGLE
from verify.audits.blackbox.regularity import Regularity, at_two_sizes, regularity
from verify.audits.blackbox.two_scales import two_scales
from verify.audits.target import check_encoders, of_encoders
from verify.evidence.evidence import Evidence
from verify.routes.reopening.collapsed_modes import of_function
from verify.running.limits import kept_alarm
from verify.running.threads import one_thread
from verify.truths.exact_numbers import exact_values
from verify.truths.function import BlackBox, TooSlowError
from verify.truths.surroundings import kept_generators

# The embedding's width at which the second order of a loss that singles out coordinates is shown.
SHOWN_WIDTH = 3
# How much larger the batch is at which invariances are tested again.
LATER = 6


@one_thread()
@kept_generators()
@kept_alarm()
def audit_function(
    loss: Callable[..., Any],
    *,
    name: str = "",
    order: int = 4,
    basis: str = "A0,Sigma",
    encoders: int = 1,
    adapter: str = AUTO,
    init: Mapping[str, object] | None = None,
    dim: int | None = None,
    least: int = 2,
    use_core: bool = False,
    named: Sequence[str] = (),
    given: Mapping[str, int | sympy.Expr] | None = None,
    definition: Loss | Callable[..., Any] | None = None,
    against: tuple[str, str] = ("the other loss", "two-views"),
    limit: float = 60.0,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> BlackBoxAudit:
    """Measure a torch loss and check its expansion against it, with torch on one thread.

    Args:
        loss: takes two views of a batch, (N, d) each, or what the adapter makes of them.
        name: its name in the report.
        order: 2, 4 or 6.
        basis: "A0,Sigma" or "A0,C"; leave it with two encoders, whose letters are Σ, Σ₂ and A.
        encoders: 1 where both views are embedded by one W; 2 where z1 = W x and z2 = V y, x and y the halves of a pair
            with covariances Σ and Σ₂, and Cov(x, y) = A.
        adapter: how it takes its embeddings, a key of `verify.audits.blackbox.adapters.ADAPTERS`; "auto" for what its
            signature shows.
        init: arguments of a class.
        dim: the one width that it takes; embeddings are padded with zeros to it.
        least: the fewest data that it is given.
        use_core: replace normalisations by the identity while it runs.
        named: constants that coefficients may be multiples of, such as "1/tau".
        given: values of parameters of the loss's signature, of the names in ``named``, and of the definition's
            parameters; N is the one batch size to audit it at.
        definition: what the loss is compared with: a definition in the project's own language, or a second torch
            function (see `verify.audits.blackbox.against`).
        against: the name of that function, and its adapter.
        limit: seconds that one call may take.
        seed: of all random numbers.
        tick: called with a word before each step.

    Raises:
        InputError: an unusable loss, order, adapter, constant or value, or a number of encoders.

    """
    if isinstance(loss, tuple):
        raise InputError(f"{name or 'the target'} is a loss with its predictor; quartic audit says what its step does")
    check_basis(basis)
    check_encoders(encoders)
    if encoders == 2 and basis != "A0,Sigma":
        message = "two encoders have Σ and Σ₂: there is no one C; leave --basis out"
        raise InputError(message)
    if order not in (2, 4, 6):
        message = f"order {order} of a torch loss is not measured; choose 2, 4 or 6"
        raise InputError(message)
    given = exact_values(given)
    units = constants(named, given)
    other: Loss | BlackBox | None = None
    if isinstance(definition, Loss):
        if definition.encoders > encoders:
            message = f"{definition.name} has two encoders, W x and V y: compare with --encoders 2"
            raise InputError(message)
        other = in_numbers(of_encoders(definition, encoders), given)
    elif definition is not None:
        other = BlackBox(callable_loss(definition, against[0]), against[0], find_adapter(against[1]), None, limit)
    name = name or getattr(loss, "__name__", type(loss).__name__)
    way = call(loss, name, adapter=adapter, init=init, dim=dim, least=least, limit=limit, given=given)
    known = {symbol.name for unit, _ in units for symbol in unit.free_symbols}
    of_definition = set(known_names(definition)) if isinstance(definition, Loss) else set[str]()
    for_the_code = _for_the_code(way.loss, given, known | of_definition, way.adapter, name)
    box = way.box(for_the_code)
    usable = box.loss
    places = (("the code", set(for_the_code)), ("the constants", known), ("the definition", of_definition))
    placed = {key: tuple(where for where, names in places if key in names) for key in given}
    inner = core(usable) if use_core else None
    box = replace(box, loss=inner or usable)
    values = {key: float(given[key]) for key in known}
    only = _batch_size(given)
    tick("regularity")
    box, smooth, notes = _seen(way, box, for_the_code, only, seed, afresh=inner is None)
    box.seed = seed if smooth.random else None
    replaced = _inside(box, smooth) if inner is None else inner.lines_at(smooth.degree)
    found = BlackBoxAudit(box, replaced, smooth, given, placed, encoders, notes=notes)
    if smooth.kind not in ("stateful", "random"):
        found = replace(found, collapsed=collapsed_values(box, smallest=smooth.smallest_batch, only=only))
    found = _measured(found, inner, _Asked(order, basis, units, values, only, seed, tick))
    if other is None:
        return found
    if found.field is not None:
        # The question is whether the two are equal; that training follows neither is reported but decides nothing.
        found = replace(found, evidence=tuple(replace(one, agrees=one.agrees or None) for one in found.evidence))
    whole = box if inner is None else BlackBox(usable, name, box.adapter, box.seed, limit)
    compared = beside(whole, box, smooth, found.found, other, order=order, encoders=encoders, seed=seed, tick=tick)
    return replace(
        found,
        evidence=(*found.evidence, *compared.evidence),
        differences=compared.differences,
        against=compared,
    )


def _seen(
    way: Called, box: BlackBox, values: Mapping[str, sympy.Expr], only: int | None, seed: int, *, afresh: bool
) -> tuple[BlackBox, Regularity, tuple[str, ...]]:
    """The regularity of a loss, on fresh copies where it keeps state; and how it was called."""

    def of(one: BlackBox) -> Regularity:
        return regularity(one, only=only, seed=seed) if only else at_two_sizes(one, seed=seed)

    try:
        smooth = of(box)
    except TooSlowError:
        raise
    except InputError as error:
        told = way.advice(values)
        raise InputError(f"{error}; {told}" if told else str(error)) from error
    notes = way.notes()
    copied = way.afresh(box, values) if afresh and smooth.kind == "stateful" else None
    if copied is not None:
        again = of(copied)
        if again.kind != "stateful":
            box, smooth = copied, again
            notes.append("it keeps state between calls: each call is made on a fresh copy, as it is before the first")
    return box, smooth, tuple(notes)


@dataclass(frozen=True)
class _Asked:
    """The options of the audit of a loss."""

    order: int
    basis: str
    named: Sequence[Unit]
    values: Mapping[str, float]
    only: int | None
    seed: int
    tick: Callable[[str], None]


def _measured(found: BlackBoxAudit, inner: Core | None, asked: _Asked) -> BlackBoxAudit:
    """The audit of a loss whose regularity is known."""
    box, smooth, seed, tick = found.box, found.regularity, asked.seed, asked.tick
    size = asked.only or smooth.smallest_batch + 1
    # Half precision is too coarse for slopes.
    if smooth.kind not in ("stateful", "random", "undefined") and smooth.rounding <= SINGLE:
        tick("gradient")
        found = replace(found, field=followed(box, N=asked.only or smooth.smallest_batch, seed=seed))
    if smooth.kind != "analytic":
        return _without_expansion(found, size, asked.only, seed, tick)
    tick("invariances")
    symmetry = invariances(box, N=size, d=3, seed=seed)
    if not asked.only:
        # In a small batch all data are neighbours.
        symmetry = symmetry.and_of(invariances(box, N=size + LATER, d=3, seed=seed))
    tick("derivatives")
    derivatives = compare(box, N=size, radius=smooth.radius, order=asked.order, seed=seed)
    found = replace(found, invariances=symmetry, derivatives=derivatives)
    method = Method(
        radius=smooth.radius,
        rounding=smooth.rounding,
        autograd=derivatives.agrees is True and found.field is None,
        coordinates=not symmetry.rotation and symmetry.coordinates,
        exchangeable=symmetry.permutation,
        alike=symmetry.rotation or symmetry.coordinates,
        encoders=found.encoders,
    )
    of_gradient = _of_derivatives(derivatives, seed) if found.field is None else _of_field(found.field, seed)
    if not symmetry.rotation and not symmetry.coordinates:
        # Neither traces nor sums over coordinates: the formula would be that of one coordinate.
        second = second_order(box, size, method, SHOWN_WIDTH)
        return replace(found, second=second, evidence=(of_gradient,))
    measured = expanded(
        box,
        method,
        order=min(asked.order, 4) if method.coordinates else asked.order,
        smallest=smooth.smallest_batch,
        only=asked.only,
        named=asked.named,
        values=asked.values,
        tick=tick,
    )
    measured = replace(measured, expansion=measured.expansion.in_basis(asked.basis))
    subject = Subject.of(box, measured, method, seed, tick)
    held = (one for route in ROUTES for one in route.evidence(subject, measured))
    evidence = (of_gradient, *held)
    found = replace(found, found=measured, evidence=evidence)
    if found.field is not None:
        return replace(found, field=_flow(found.field, box, method, smooth, symmetry))
    if measured.expansion.order < 4:
        return found
    tick("growth")
    signed = measured.with_signs
    # The norms of two encoders are two constraints, whose landscape is not derived.
    fixed = inner is not None and bool(inner.replaced) and found.encoders == 1
    return replace(
        found,
        growth=growth(box, N=size, encoders=found.encoders, seed=seed),
        landscape=described(None, signed),
        normalised=described(None, with_norm_penalty(signed), "kappa") if fixed else None,
    )


def _inside(box: BlackBox, smooth: Regularity) -> tuple[str, ...]:
    """A note that the function inside the normalisation of a loss without an expansion may have one."""
    if smooth.degree != 0:
        return ()
    inside = core(box.loss)
    try:
        replace(box, loss=inside)(np.ones((2, smooth.smallest_batch, 3)))
    except InputError:
        return ()
    names = ", ".join(inside.replaced)
    return (
        (f"{names} left as it is: --core audits the function inside of it, which may have an expansion",)
        if names
        else ()
    )


def _without_expansion(
    found: BlackBoxAudit, size: int, only: int | None, seed: int, tick: Callable[[str], None]
) -> BlackBoxAudit:
    """The audit of a loss that is not analytic at 0."""
    box, smooth = found.box, found.regularity
    evidence = _of_regularity(found, size, seed)
    if smooth.kind == "homogeneous":
        found = replace(found, invariances=invariances(box, N=size, d=3, seed=seed))
    if smooth.kind == "epsilon" and smooth.scale and found.field is None and found.encoders == 1:
        tick("both sides of its scale")
        sides = two_scales(box, smooth.scale, smallest=smooth.smallest_batch, only=only, seed=seed)
        if sides is not None:
            return replace(found, evidence=(*evidence, sides[1]), sides=sides[0])
    if smooth.degree == 0 and found.field is None:
        if found.encoders == 2:
            note = "whether a collapsed mode stays collapsed is measured with one encoder alone"
            skipped = Evidence("monte-carlo", "curvature of a collapsed mode", ran=False, note=note)
            return replace(found, evidence=(*evidence, skipped))
        tick("transverse")
        transverse, measured = of_function(box, smooth.smallest_batch, seed)
        return replace(found, evidence=evidence + measured, transverse=transverse)
    return replace(found, evidence=evidence)


def _flow(field: Field, box: BlackBox, method: Method, smooth: Regularity, symmetry: Invariances) -> Field:
    """A field with its linear part, if all coordinates are equivalent."""
    if not symmetry.rotation:
        return field
    return with_linear_part(
        field,
        box,
        smallest=smooth.smallest_batch,
        radius=method.radius,
        exchangeable=method.exchangeable,
        rounding=method.rounding,
        encoders=method.encoders,
    )


def _batch_size(given: Mapping[str, sympy.Expr]) -> int | None:
    """The batch size N that was set."""
    size = given.get("N")
    if size is None:
        return None
    if not size.is_Integer or size < 2:
        message = f"--set N={size}: the batch of a torch function is a whole number, 2 or more"
        raise InputError(message)
    return int(size)


def _for_the_code(
    loss: Callable[..., Any], given: Mapping[str, sympy.Expr], known: Collection[str], adapter: str, name: str
) -> dict[str, sympy.Expr]:
    """The values, of those that were set, that the code takes.

    Raises:
        InputError: a name that neither the code, nor a constant, nor the definition has.

    """
    takes = settable(loss, adapter)
    unknown = sorted(set(given) - {*takes, *known, "N"})
    if unknown:
        also = sorted({*takes, *known, "N"})
        message = (
            f"--set {unknown[0]}: {name} takes no {unknown[0]!r} besides its embeddings, and no constant or definition"
            f" has it; what can be set here: {', '.join(also)}"
        )
        raise InputError(message)
    return {key: value for key, value in given.items() if key in takes}


def with_norm_penalty(expansion: Expansion) -> Expansion:
    """The expansion plus κ (Tr[W Σ Wᵀ] − c)², the model of normalisation in ICLR 2023, Eq. 10.

    >>> from derive import catalogue
    >>> whole = with_norm_penalty(catalogue("infonce").expand(order=4))
    >>> whole.terms == catalogue("infonce+norm-penalty").expand(order=4).terms
    True
    """
    kappa, c = sympy.symbols("kappa c")
    size = trace("S")
    penalty = [((size,), -2 * kappa * c), ((size, size), kappa)]
    terms = [(term.invariants, term.coefficient) for term in expansion.in_basis("A0,Sigma").terms]
    return expansion.in_basis("A0,Sigma").with_terms([*terms, *penalty])


def _of_regularity(found: BlackBoxAudit, size: int, seed: int) -> tuple[Evidence, ...]:
    """Evidence that there is no expansion; for a homogeneous loss also by Euler's theorem, z·∇L = k L."""
    box, smooth = found.box, found.regularity
    agrees = None if smooth.kind == "undecided" else True
    said = Evidence(
        "exact", "behaviour near W = 0", smooth.kind, smooth.kind, agrees=agrees, seed=seed, note=smooth.reason
    )
    if found.field is not None:
        return said, _of_field(found.field, seed)
    if smooth.kind != "homogeneous" or smooth.degree is None:
        return (said,)
    z = np.random.default_rng(seed + 7).standard_normal((2, size, 3))
    what = "dL(tW)/dt at t = 1"
    try:
        value, slope = autograd.along(box, z, 1, at=1.0)
    except (RuntimeError, InputError) as error:
        return said, Evidence("autodiff", what, ran=False, note=str(error))
    predicted, tolerance = smooth.degree * value, 5e9 * smooth.rounding * max(1.0, abs(value))
    right = bool(abs(slope - predicted) < tolerance)
    return said, Evidence("autodiff", what, float(predicted), float(slope), tolerance, "tolerance", right, seed)


def _of_field(field: Field, seed: int) -> Evidence:
    """Evidence that training follows another field, which contradicts any statement on the loss."""
    what = "autograd's gradient, held against that of the values"
    return Evidence("autodiff", what, "equal", field.text(), agrees=False, seed=seed)


def _of_derivatives(derivatives: Derivatives, seed: int) -> Evidence:
    return Evidence(
        "exact",
        "derivatives along rays: values",
        "autograd",
        "equal" if derivatives.agrees else "different" if derivatives.agrees is False else "no derivatives",
        # Where they differ the values are right, and are used.
        agrees=True if derivatives.agrees else None,
        seed=seed,
        note=derivatives.note,
    )
