"""The audit of a torch loss that this project has never seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import Expansion, InputError, Loss
from derive.described import Described, described
from derive.expansion import check_basis
from derive.notation import TEXT, product_of_invariants
from derive.words import trace
from verify.answer import Answer
from verify.blackbox import answered, autograd, checks
from verify.blackbox.adapters import callable_loss, find_adapter, settable, with_values
from verify.blackbox.coefficients import Route, second_order
from verify.blackbox.core import core
from verify.blackbox.derivatives import Derivatives, compare
from verify.blackbox.exact import constants
from verify.blackbox.expanding import Expanded, expanded
from verify.blackbox.field import Field, followed, with_linear_part
from verify.blackbox.function import BlackBox
from verify.blackbox.growth import Growth, growth
from verify.blackbox.invariances import Invariances, invariances
from verify.blackbox.regularity import Regularity, regularity
from verify.blackbox.surroundings import kept_generators
from verify.collapsed import Collapsed, of_function
from verify.evidence import Evidence, Verdict, verdict
from verify.hand_written import one_thread

if TYPE_CHECKING:
    from verify.description import Description

# The embedding's width at which a second order is shown that singles out coordinates.
SHOWN_WIDTH = 3


@dataclass(frozen=True)
class BlackBoxAudit:
    """What was found of a black box.

    Attributes:
        box: the loss, and what was noticed while it ran.
        replaced: what was replaced, a sentence each; empty where the loss was run as it is.
        regularity: what the function is near 0.
        given: what was set.
        invariances: of the function; None where it has no values to compare.
        field: what training follows where that is not the gradient of the loss; None where it is.
        derivatives: automatic differentiation against values; None where there is nothing to differentiate.
        found: the expansion and how it was recognised; None where there is none.
        second: for a loss that singles out coordinates, its second order as matrices, see
            `verify.blackbox.coefficients.second_order`; None elsewhere.
        landscape: what follows from it, through order 4; None for a field.
        growth: of the loss far from W = 0, None where it was not looked at.
        normalised: the same with E|f|² = c fixed, as the model of a normalisation that was replaced; None without.
        differences: the terms that differ from a definition given beside; None where none was given.
        evidence: the comparisons.
        transverse: whether collapsed modes stay collapsed, where the loss does not depend on the length of its
            features; None elsewhere.

    """

    box: BlackBox
    replaced: tuple[str, ...]
    regularity: Regularity
    given: Mapping[str, sympy.Expr] = dataclasses.field(default_factory=dict)
    invariances: Invariances | None = None
    field: Field | None = None
    derivatives: Derivatives | None = None
    found: Expanded | None = None
    second: Mapping[str, NDArray[np.float64]] | None = None
    landscape: Described | None = None
    growth: Growth | None = None
    normalised: Described | None = None
    differences: tuple[str, ...] | None = None
    evidence: tuple[Evidence, ...] = ()
    transverse: Collapsed | None = None

    @property
    def expansion(self) -> Expansion | None:
        """The expansion, None where there is none."""
        return None if self.found is None else self.found.expansion

    @property
    def verdict(self) -> Verdict:
        """What the evidence supports."""
        return verdict(self.evidence)

    @property
    def about(self) -> str:
        """What the verdict is about."""
        return answered.about(self)

    @property
    def answer(self) -> Answer:
        """What is kept and what is lost."""
        return answered.answer(self)

    def description(self) -> Description:
        """What each form of a report is written from."""
        from verify.blackbox.report import describe

        return describe(self)

    def text(self) -> str:
        """The audit on one screen."""
        from verify.report import description_text

        return description_text(self.description())

    def _repr_html_(self) -> str:
        from verify.reports.notebook import of_audit

        return of_audit(self.description())

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        expansion, smooth = self.expansion, self.regularity
        return {
            "answer": self.answer.text,
            "loss": self.box.name,
            "title": f"{self.box.name}, user code",
            "source": "measured",
            "definition": None,
            "set": {name: str(value) for name, value in self.given.items()},
            "calls": self.box.seen.calls,
            "random": smooth.random,
            "core": list(self.replaced) or None,
            "expansion": expansion.to_json() if expansion else None,
            "latex": expansion.latex() if expansion else None,
            "second_order": {name: matrix.tolist() for name, matrix in self.second.items()} if self.second else None,
            "numbers": {
                name: {str(size): list(measured) for size, measured in values.items()}
                for name, values in (self.found.numbers if self.found else {}).items()
            },
            "claimed": {"d1": self.found.width, "N": self.found.largest} if self.found else None,
            "tried": list(self.found.tried) if self.found else [],
            "residual": self.found.residual if self.found else None,
            "regularity": smooth.kind,
            "degree": smooth.degree,
            "scale": smooth.scale,
            "reason": smooth.reason or None,
            "rotation_invariant": None if self.invariances is None else self.invariances.rotation,
            "invariances": None if self.invariances is None else self.invariances.to_json(),
            "field": self.field.to_json() if self.field else None,
            "constants": dict(self.found.constants) if self.found else {},
            # A field has no Hessian.
            "B": {letter: str(value) for letter, value in expansion.B.items()}
            if expansion and not self.field
            else None,
            "collapse": self.landscape.collapse.to_json() if self.landscape else None,
            "landscape": self.landscape.to_json() if self.landscape else None,
            "growth": None if self.growth is None else dataclasses.asdict(self.growth),
            "normalised": None
            if self.normalised is None
            else self.normalised.to_json() | {"collapse": self.normalised.collapse.to_json()},
            "differences": None if self.differences is None else list(self.differences),
            "transverse": self.transverse.to_json() if self.transverse else None,
            "evidence": [one.to_json() for one in self.evidence],
            "verdict": self.verdict,
            "about": self.about,
        }


@one_thread()
@kept_generators()
def audit_function(
    loss: Callable[..., Any],
    *,
    name: str = "",
    order: int = 4,
    basis: str = "A0,Sigma",
    adapter: str = "two-views",
    use_core: bool = False,
    named: Sequence[str] = (),
    given: Mapping[str, sympy.Expr] | None = None,
    definition: Loss | None = None,
    limit: float = 60.0,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> BlackBoxAudit:
    """Measure a torch loss and hold its expansion against it; torch runs on one thread meanwhile.

    Args:
        loss: takes two views of a batch, (N, d) each, or what the adapter makes of them.
        name: how it is called in the report.
        order: 2, 4 or 6.
        basis: "A0,Sigma" or "A0,C".
        adapter: how it wants its embeddings, a key of `verify.blackbox.adapters.ADAPTERS`.
        use_core: replace normalisations by the identity while it runs.
        named: constants that coefficients may be multiples of, such as "1/tau".
        given: values of the names in these, and of the definition's parameters.
        definition: the same loss in the project's own language, to be compared term by term.
        limit: seconds that one call may take.
        seed: of all random numbers.
        tick: called with a word before each step.

    Raises:
        InputError: an unusable loss, order, adapter or constant.

    """
    check_basis(basis)
    if order not in (2, 4, 6):
        message = f"order {order} of a torch loss is not measured; choose 2, 4 or 6"
        raise InputError(message)
    given = given or {}
    multiples = constants(named, given)
    beside = None if definition is None else _in_numbers(definition, given)
    name = name or getattr(loss, "__name__", type(loss).__name__)
    plain = callable_loss(loss, name)
    known = {symbol.name for unit, _ in multiples for symbol in unit.free_symbols}
    known |= set(definition.parameters) if definition else set()
    usable = with_values(plain, _for_the_code(plain, given, known, adapter, name))
    inner = core(usable) if use_core else None
    box = BlackBox(inner or usable, name, find_adapter(adapter), None, limit)
    only = _batch_size(given)
    tick("regularity")
    smooth = regularity(box, only=only, seed=seed)
    box.seed = seed if smooth.random else None
    replaced = _inside(box, smooth) if inner is None else inner.lines_at(smooth.degree)
    size = only or smooth.smallest_batch + 1
    found = BlackBoxAudit(box, replaced, smooth, given)
    if smooth.kind not in ("stateful", "random", "undefined"):
        tick("gradient")
        found = replace(found, field=followed(box, N=only or smooth.smallest_batch, seed=seed))
    if smooth.kind != "analytic":
        return _without_expansion(found, size, seed, tick)
    tick("invariances")
    symmetry = invariances(box, N=size, d=3, seed=seed)
    tick("derivatives")
    derivatives = compare(box, N=size, radius=smooth.radius, order=order, seed=seed)
    route = Route(
        radius=smooth.radius,
        rounding=smooth.rounding,
        autograd=derivatives.agrees is True and found.field is None,
        coordinates=not symmetry.rotation and symmetry.coordinates,
        exchangeable=symmetry.permutation,
        alike=symmetry.rotation or symmetry.coordinates,
    )
    found = replace(found, invariances=symmetry, derivatives=derivatives)
    of_gradient = _of_derivatives(derivatives, seed) if found.field is None else _of_field(found.field, seed)
    if not symmetry.rotation and not symmetry.coordinates:
        # Neither traces nor sums over coordinates: the formula would be that of one coordinate.
        second = second_order(box, size, route, SHOWN_WIDTH)
        return replace(found, second=second, evidence=(of_gradient,))
    order = min(order, 4) if route.coordinates else order
    values = {name: float(given[name]) for name in known & set(given) if given[name].is_Rational}
    measured = expanded(
        box,
        route,
        order=order,
        smallest=smooth.smallest_batch,
        only=only,
        named=multiples,
        values=values,
        tick=tick,
    )
    measured = replace(measured, expansion=measured.expansion.in_basis(basis))
    compared = [of_gradient, *checks.run(box, measured, route, seed, tick)]
    found = replace(found, found=measured)
    if beside is not None:
        tick("definition")
        differ = tuple(differences(measured.expansion, beside.expand(order)))
        said = differ[0] if differ else "equal"
        compared.append(
            Evidence("symbolic", "terms of the definition", "equal", said, agrees=not differ, exact=bool(differ))
        )
        found = replace(found, differences=differ)
    found = replace(found, evidence=tuple(compared))
    if found.field is not None:
        return replace(found, field=_flow(found.field, box, route, smooth, symmetry))
    if order < 4:
        return found
    signed = measured.with_signs.in_basis(basis)
    tick("growth")
    return replace(
        found,
        growth=growth(box, N=size, seed=seed),
        landscape=described(None, signed),
        normalised=described(None, with_norm_penalty(signed), "kappa") if inner and inner.replaced else None,
    )


def _inside(box: BlackBox, smooth: Regularity) -> tuple[str, ...]:
    """That a loss without an expansion has something inside of a normalisation that may have one."""
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


def _without_expansion(found: BlackBoxAudit, size: int, seed: int, tick: Callable[[str], None]) -> BlackBoxAudit:
    """What there is to say of a loss that is not analytic at 0."""
    box, smooth = found.box, found.regularity
    evidence = _of_regularity(found, size, seed)
    if smooth.kind == "homogeneous":
        found = replace(found, invariances=invariances(box, N=size, d=3, seed=seed))
    if smooth.degree == 0 and found.field is None:
        tick("transverse")
        transverse, measured = of_function(box, smooth.smallest_batch, seed)
        return replace(found, evidence=evidence + measured, transverse=transverse)
    return replace(found, evidence=evidence)


def _flow(field: Field, box: BlackBox, route: Route, smooth: Regularity, symmetry: Invariances) -> Field:
    """A field with its linear part, where one coordinate stands for all."""
    if not symmetry.rotation:
        return field
    return with_linear_part(
        field,
        box,
        smallest=smooth.smallest_batch,
        radius=route.radius,
        exchangeable=route.exchangeable,
        rounding=route.rounding,
    )


def _batch_size(given: Mapping[str, sympy.Expr]) -> int | None:
    """The N that was set."""
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
    """Of what was set, what the code takes.

    Raises:
        InputError: a name that neither the code, nor a constant, nor the definition has.

    """
    takes = settable(loss, adapter)
    unknown = sorted(set(given) - {*takes, *known, "N"})
    if unknown:
        also = sorted({*takes, *known, "N"})
        message = (
            f"--set {unknown[0]}: {name} takes no {unknown[0]!r} beside its embeddings, and no constant or definition"
            f" has it; what can be set here: {', '.join(also)}"
        )
        raise InputError(message)
    return {key: value for key, value in given.items() if key in takes}


def _in_numbers(definition: Loss, given: Mapping[str, sympy.Expr]) -> Loss:
    """A definition with its parameters set: code has numbers, N alone is left."""
    here = definition.set({name: value for name, value in given.items() if name in definition.parameters})
    open_ones = [name for name in here.parameters if name not in ("N", "d1")]
    if open_ones:
        message = (
            f"the definition leaves {open_ones[0]} open, where the code has a number: give it with --set"
            f" {open_ones[0]}=… or in the file"
        )
        raise InputError(message)
    return here


def differences(measured: Expansion, derived: Expansion) -> list[str]:
    """The terms in which two expansions differ, by order, with the factor between them and its limit N → ∞."""
    one, other = (
        {term.invariants: (term.order, term.coefficient) for term in each.in_basis("A0,Sigma").terms}
        for each in (measured, derived)
    )
    N = sympy.Symbol("N")
    found = []
    for invariants in sorted({*one, *other}, key=lambda key: ((one.get(key) or other[key])[0], len(key), key)):
        mine, theirs = (each.get(invariants, (0, sympy.S.Zero))[1] for each in (one, other))
        if sympy.cancel(mine - theirs) == 0:
            continue
        said = f"{product_of_invariants(invariants, TEXT)}: {TEXT.scalar(mine)} in the code"
        said += f", {TEXT.scalar(theirs)} by the definition"
        if theirs != 0 and mine != 0:
            factor = sympy.factor(sympy.cancel(mine / theirs))
            said += f", a factor of {TEXT.scalar(factor)}"
            if factor.has(N) and (limit := sympy.limit(factor, N, sympy.oo)).is_finite:
                said += f" ({TEXT.scalar(limit)} as N → ∞)"
        found.append(said)
    return found


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
    """Why there is no expansion; for a homogeneous loss by Euler's theorem too, z·∇L = k L."""
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
    """That training follows another field stands against whatever is said of the loss."""
    what = "autograd's gradient, held against that of the values"
    return Evidence("autodiff", what, "equal", field.text(), agrees=False, seed=seed)


def _of_derivatives(derivatives: Derivatives, seed: int) -> Evidence:
    return Evidence(
        "exact",
        "derivatives along rays: values",
        "autograd",
        "equal" if derivatives.agrees else "different" if derivatives.agrees is False else "no derivatives",
        # Where they differ the values are right, and are what is used.
        agrees=True if derivatives.agrees else None,
        seed=seed,
        note=derivatives.note,
    )
