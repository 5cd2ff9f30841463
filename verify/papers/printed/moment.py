"""A printed moment compared with the derived one, word by word, and both with the definition."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import Gaussian, InputError, Law, Moment, moment
from derive.algebra.alphabet import COLUMNS, HELD
from derive.algebra.graphs import ENCODER, OF_ONE_KIND
from derive.algebra.scalars import normal_form
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.notation import TEXT, product_of_invariants
from derive.definition.views import Index, View
from numeric.laws import in_numbers
from numeric.sampling import Covariances
from verify.evidence.evidence import Evidence
from verify.papers.printed import algebra, forms
from verify.papers.printed.check import Check, ContradictedError, Difference, on_print
from verify.papers.printed.evaluation import Place as Evaluated
from verify.papers.printed.evaluation import value
from verify.papers.printed.expansion import difference
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.sides import read_equation
from verify.papers.printed.subject import exact
from verify.papers.printed.tree import Matrix, walk
from verify.routes.moment import DRAWS, NODES, Place, Subject, parameter_values
from verify.truths.statistics import Held, on_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verify.papers.printed.tree import Node
    from verify.routes.moment import Claim, Measured

_WHAT = "the printed formula"
# Small matrices with whole numbers, of one and of two dimensions: W, A0, Σ, and f of views that are given.
_SMALL = (
    (((1,),), ((1,),), ((2,),), ((1,), (3,))),
    (((1, 0), (0, 1)), ((1, 0), (0, 1)), ((2, 0), (0, 3)), ((1, 2), (3, 1))),
    (((1, 1), (0, 1)), ((1, 0), (0, 2)), ((2, 1), (1, 3)), ((1, 2), (3, -1))),
)


def check_moment(
    of: object,
    printed: object,
    *,
    law: Law | None = None,
    given: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Check:
    r"""Check a printed mean, variance, covariance or cumulant: every word and its coefficient.

    Two routes decide. The printed words are compared with the derived ones, exactly; and the print is evaluated and
    compared with the definition on cubature nodes and on draws, as the derivation is.

    Args:
        of: text of a moment or an expression, see `derive.moment`.
        printed: the right-hand side as text or LaTeX, in the notation of printed expansions; f(x) of views that are
            given and free coordinates stand in it too. Or SymPy with traces, or a `Moment`.
        law: of the views; Gaussian unless given.
        given: values of parameters, put in on both sides: numbers, or text such as "1/10".
        seed: of the measurements.

    Raises:
        ContradictedError: the verdict is not ``holds``; the message shows the first difference, the derived formula,
            and numbers at which the print is wrong.
        InputError: something cannot be read.

    >>> print(check_moment("Var(|f(x) - f(chi)|^2)", r"8 \operatorname{Tr}[(W \Sigma W^\top)^2]").sentence())
    Var[|f(x)−f(χ)|²]: the printed formula holds
    >>> check_moment("Var(|f(x) - f(chi)|^2 | x)", "2 Tr[(W Sigma W^T)^2]")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    verify.papers.printed.check.ContradictedError: Var[|f(x)−f(χ)|² | x]: the printed formula is refuted, 1 differ...
      printed       0
      derived       4 f(x)ᵀ W Σ Wᵀ f(x)
      ...

    """
    values = exact(given)
    derived = moment(of, law=law or Gaussian())
    node, stated = read_print(printed, derived)
    known = {name: one for name, one in values.items() if name in derived.parameters}
    if unknown := sorted(set(values) - set(known)):
        message = f"the moment has no parameter {unknown[0]!r}; it has: {', '.join(derived.parameters) or 'none'}"
        raise InputError(message)
    shown, said = derived.set(known), stated.set(known)
    if "C" in said.basis:
        shown = shown.in_basis(said.basis)
    differ = list(_differences(said, shown))
    subject = Subject(derived, known, seed)
    claim = _claim(node, derived)
    of_derived: list[Evidence] = []
    evaluated: list[Evidence] = []
    reason = ""
    for route in (NODES, DRAWS):
        try:
            found: list[Measured] = route.measured(subject)
        except InputError as error:
            reason = reason or f"the definition was not measured: {error}"
            of_derived.append(Evidence(route.name, route.quantity, ran=False, note=str(error)))
            continue
        of_derived += route.compare(found, lambda place: place.of(derived))
        beside = route.compare(found, claim)
        evaluated += [replace(one, quantity=f"printed against the {one.quantity}") for one in beside]
    supported = _supported(of_derived)
    verdict = on_print(evaluated, same=not differ, supported=supported)
    if supported is False:
        reason = "the derivation does not agree with the definition in numbers, which is a fault of quartic: report it"
    checked = Check(
        "moment",
        derived.definition(),
        said.text(),
        shown.text(),
        (said.latex(), shown.latex()),
        tuple(differ),
        (*of_derived, *evaluated),
        verdict,
        reason if verdict == "undecided" else "",
        _counterexample(node, derived, subject) if differ else "",
    )
    if checked.verdict != "holds":
        raise ContradictedError(checked)
    return checked


def read_print(printed: object, derived: Moment) -> tuple[Node, Moment]:
    """A print as it is written, and its words."""
    second = "V" if derived.encoders == 2 else "W" if derived.roles - OF_ONE_KIND else ""
    symbols: dict[str, sympy.Expr] = {**derived.parameters, EMBEDDING_DIMENSION.name: EMBEDDING_DIMENSION}
    if isinstance(printed, Moment):
        printed = printed.text()
    if isinstance(printed, sympy.Basic):
        node = forms.of_sympy(printed, symbols, _WHAT, second)
        terms = Meaning("").number(node)
    elif isinstance(printed, str):
        # Angles stand for inner products here, and a moment holds no inequality.
        text = printed.replace("<", "⟨").replace(">", "⟩")
        # Behind the formula shorthands may be explained, P = W Σ Wᵀ.
        if "=" in re.split(r"[,;]|\b(?:where|with)\b", text)[0]:
            message = f"{_WHAT} is the right-hand side alone, without what it is equal to"
            raise InputError(message)
        free = {index.name: HELD - derived.held.index(index) for index in derived.free}
        read = read_equation(text, symbols, _WHAT, second=second, held=_columns(derived), free=free)
        if read.remainder is not None or read.goes_on or read.constant_open:
            message = f"{_WHAT} is that of a moment, which is exact: no O(…), no dots and no open constant end it"
            raise InputError(message)
        node, terms = read.node, dict(read.terms)
    else:
        message = f"{_WHAT} is of type {type(printed).__name__}; give text, a SymPy expression or a Moment"
        raise InputError(message)
    terms = terms if second else algebra.in_one_basis(terms)
    constant = terms.pop((), sympy.S.Zero)
    stated = replace(derived.with_terms(terms.items()), constant=normal_form(constant))
    letters = {one.letter for one in walk(node) if isinstance(one, Matrix)}
    return node, stated.in_basis("A0,C") if not second and "C" in letters and "S" not in letters else stated


def _columns(derived: Moment) -> dict[str, str]:
    """The letters of the columns of views that are given, by how they are written."""
    return {
        f"{'g' if label.role == ENCODER else 'f'}({label.name})": COLUMNS[k]
        for k, label in enumerate(derived.held)
        if isinstance(label, View)
    }


def _differences(said: Moment, shown: Moment) -> Iterator[Difference]:
    """The terms that differ, in the sequence of a moment's terms."""
    coefficients = [{term.invariants: term.coefficient for term in each.terms} for each in (said, shown)]
    everything = shown.with_terms([(words, sympy.S.One) for words in {**coefficients[0], **coefficients[1]}])
    for order, _, words in everything.terms:
        one, right = (each.get(words, sympy.S.Zero) for each in coefficients)
        if normal_form(one - right) != 0:
            written = product_of_invariants(words, TEXT, shown.held)
            yield difference(f"{written}, order {order}", words, one, right, shown.held)
    if normal_form(said.constant - shown.constant) != 0:
        yield difference("the constant", (), said.constant, shown.constant)


def _claim(node: Node, derived: Moment) -> Claim:
    """The print's value at a place, and the size of the derivation's terms there."""

    def claim(place: Place) -> tuple[float, float]:
        try:
            with np.errstate(all="ignore"):
                found = _value(node, derived, place).real
        except (TypeError, ValueError, ArithmeticError):
            found = float("nan")
        return found, place.of(derived)[1]

    return claim


def _value(node: Node, derived: Moment, place: Place) -> complex:
    letters, encoders = place.data.letters, Evaluated(place.W, place.data.letters).encoders()
    columns = {COLUMNS[k]: np.asarray(place.held.vectors[label])[:, None]
               for k, label in enumerate(derived.held) if isinstance(label, View)}  # fmt: skip
    at = {label.name: place.held.places[label] for label in derived.held if isinstance(label, Index)}
    values = {symbol: complex(one) for symbol, one in place.held.values.items()}
    return value(node, {**letters, **encoders, **columns}, values, at)


def _supported(evidence: Sequence[Evidence]) -> bool | None:
    """Whether the measurements bear the derivation out: on nodes, with no draws against it."""
    if any(one.agrees is False for one in evidence):
        return False
    return True if any(one.agrees and one.route == "exact" for one in evidence) else None


def _counterexample(node: Node, derived: Moment, subject: Subject) -> str:
    """Small whole numbers at which the print is wrong, with its value and that of the definition."""
    values = parameter_values(subject)
    if derived.roles - OF_ONE_KIND:
        return ""
    for W, A0, Sigma, vectors in _SMALL:
        array = [np.array(one, dtype=float) for one in (W, A0, Sigma)]
        for chosen in product(range(len(W)), repeat=len(derived.free)):
            try:
                data = in_numbers(derived.law, Covariances(array[1], array[2] - array[1]))
                held = Held(
                    {view: np.array(vectors[k % 2], dtype=float) for k, view in enumerate(derived.given)},
                    dict(zip(derived.free, chosen, strict=True)),
                    values,
                )
                place = Place(array[0], data, held)
                said, right = _value(node, derived, place).real, place.of(derived)[0]
                if abs(said - right) <= 1e-9 * max(abs(said), abs(right), 1.0):
                    continue
                true = on_nodes(derived.expression, data, array[0], held)
            except (InputError, TypeError, ValueError, ArithmeticError):
                return ""
            where = [f"W = {_matrix(W)}", f"A0 = {_matrix(A0)}", f"Σ = {_matrix(Sigma)}"]
            where += [f"f({view.name}) = {_matrix([vectors[k % 2]])}" for k, view in enumerate(derived.given)]
            where += [f"{index.name} = {held.places[index] + 1}" for index in derived.free]
            where += [f"{symbol.name} = {one}" for symbol, one in values.items()]
            return f"{said:.6g} printed, {right:.6g} derived, {true:.6g} by the definition, at {', '.join(where)}"
    return ""


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    """A small matrix in one line, as MATLAB has them."""
    inside = "; ".join(" ".join(f"{one:g}" for one in row) for row in rows)
    return inside if len(rows) == len(rows[0]) == 1 else f"[{inside}]"
