"""Printed statements about a landscape, B and when modes collapse, checked against the derivation and minima."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from derive import InputError
from derive.algebra.alphabet import letter_of
from derive.algebra.scalars import normal_form
from derive.algebra.words import trace
from derive.definition.notation import LATEX, TEXT, signed_sum
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from verify.evidence.evidence import Evidence
from verify.papers.printed import forms
from verify.papers.printed.beside import beside_definition, beside_derived
from verify.papers.printed.check import Check, ContradictedError, Difference, on_print
from verify.papers.printed.conditions import at_values, equal, read_condition
from verify.papers.printed.points import Drawn, drawn
from verify.papers.printed.reading import read_matrix
from verify.papers.printed.subject import exact, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from derive import Loss
    from derive.definition.notation import Style
    from derive.landscape.collapse import Collapse
    from derive.landscape.conditions import Condition
    from verify.papers.printed.reading import StatedMatrix
    from verify.papers.printed.subject import Found, Subject

# The phase from which on a condition holds, see `numeric.landscape.phases.PHASES`.
_PHASE = {"dimensional": 1, "complete": 2}


@dataclass(frozen=True)
class _Part:
    """One thing that is printed, with what is derived for it, in text and LaTeX, and whether they are equal."""

    name: str
    printed: str
    derived: str
    latex: tuple[str, str]
    same: bool


class _Compared(NamedTuple):
    """A printed condition, and what minima say of the derived one and of it."""

    part: _Part
    derived: Evidence
    printed: Evidence


def check_landscape(
    loss: Loss | Callable[..., Any] | str,
    *,
    B: object = None,
    dimensional: object = None,
    complete: object = None,
    order: int = 4,
    given: Mapping[str, object] | None = None,
    sampling: str = "iid",
    seed: int = 0,
    **options: Any,
) -> Check:
    """Check what is printed about a landscape near W = 0 against what is derived: only what is given is checked.

    B is compared exactly, and −Tr[W B Wᵀ] as it is printed with the definition in numbers. A collapse condition is
    compared with the derived one, and both with the minima of the landscape at random points in numbers.

    Args:
        loss: a `derive.Loss`, a torch function ``loss(z1, z2)``, or a TARGET as on the command line.
        B: the matrix in −Tr[W B Wᵀ], as in ``"beta A0 + (beta - 1) C"``, or its coefficients by letter, {"A0": 1}.
        dimensional: when some mode is zero at the minima: "never", "always" or a condition as an audit writes it,
            ``"a_i - gamma <= 0 for some i"``; a_i, c_i > 0, parameters positive, d1 ≥ d0.
        complete: when all modes are.
        order: through which the loss is expanded; collapse is that of the landscape through order 4.
        given: values of parameters, ``{"kappa": "oo"}`` among them for the norm fixed by a penalty.
        sampling: "iid" or "fixed", as in `Loss.expand`.
        seed: of the measurements.
        options: of `verify.audits.blackbox.auditing.audit_function`, for a torch function.

    Raises:
        ContradictedError: the verdict is not ``holds``; the message shows the first difference.
        InputError: something cannot be read, or nothing is printed.

    >>> print(check_landscape("infonce", B="A0", dimensional="never", complete="never").sentence())
    infonce: what is printed of the landscape holds
    >>> check_landscape("beta-infonce", B="A0")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    verify.papers.printed.check.ContradictedError: beta-infonce: what is printed of the landscape is refuted, ...
      printed       A0
      derived       β A0 + (β - 1) C
      ...

    """
    values = exact(given)
    about = subject(loss, values, sampling=sampling, seed=seed, options=options)
    if about.second:
        message = (
            f"the views of {about.name} are of two kinds, and of these no landscape is checked; what is printed of B"
            " stands in order 2 of its expansion: check_expansion(…, order=2)"
        )
        raise InputError(message)
    stated = {"dimensional": dimensional, "complete": complete}
    read = {name: read_condition(one, about.parameters) for name, one in stated.items() if one is not None}
    conditions = {name: at_values(one, values) for name, one in read.items()}
    matrix = None if B is None else read_matrix(B, about.parameters)
    if matrix is None and not conditions:
        message = "nothing is printed to be checked; give B, dimensional or complete"
        raise InputError(message)
    found = about.expanded(order if conditions else 2, values)
    parts, evaluated = ([], []) if matrix is None else _of_B(matrix, found, values, seed)
    evidence, reason, supported = list(found.evidence), found.reason, found.supported
    if conditions:
        derived = collapse(found.expansion, limit=found.limit)
        here, why = _of_conditions(about, found, derived, conditions, seed)
        parts += [one.part for one in here]
        evidence += [one.derived for one in here]
        evaluated += [one.printed for one in here]
        sure = not why
        reason, supported = (reason or why, supported if sure or supported is False else None)
    evidence += evaluated
    checked = Check(
        "landscape",
        about.name,
        "; ".join(f"{part.name}: {part.printed}" for part in parts),
        "; ".join(f"{part.name}: {part.derived}" for part in parts),
        (_stacked(parts, 0), _stacked(parts, 1)),
        tuple(Difference(part.name, part.printed, part.derived, "", part.latex) for part in parts if not part.same),
        tuple(evidence),
        on_print(evaluated, same=all(part.same for part in parts), supported=supported),
        reason,
    )
    if checked.verdict != "holds":
        raise ContradictedError(checked)
    return checked


def _stacked(parts: list[_Part], side: int) -> str:
    return r", \quad ".join(rf"\text{{{part.name}: }} {part.latex[side]}" for part in parts)


def _of_B(
    printed: StatedMatrix, found: Found, values: Mapping[str, sympy.Expr], seed: int
) -> tuple[list[_Part], list[Evidence]]:
    """B against the derived one; and −Tr[W B Wᵀ], as printed, against order 2 of the definition and the derivation."""
    expansion = found.expansion
    put = {sympy.Symbol(name): value for name, value in values.items() if value is not sympy.oo}
    limits = [sympy.Symbol(name) for name, value in values.items() if value is sympy.oo and name != found.limit]
    said = {}
    for letter, value in printed.letters.items():
        said[letter] = value.subs(put)
        for symbol in limits:
            said[letter] = sympy.limit(said[letter], symbol, sympy.oo)
    derived = expansion.B
    letters = {**derived, **said}
    same = all(normal_form(said.get(one, sympy.S.Zero) - derived.get(one, sympy.S.Zero)) == 0 for one in letters)
    part = _Part("B", _matrix(said, TEXT), expansion.origin(), (_matrix(said, LATEX), expansion.origin(LATEX)), same)
    node = forms.quadratic(forms.of_letters(said) if limits else printed.node)
    terms = [((trace(letter_of(letter)),), -value) for letter, value in derived.items()]
    alone = replace(expansion.in_basis("A0,C"), order=2, bias=False).with_terms(terms)
    evaluated = [beside_derived(node, alone, values, constant=False, seed=seed)]
    if not expansion.bias:
        evaluated = [*beside_definition(node, found.points, 2, constant=False), *evaluated]
    return [part], evaluated


def _matrix(value: Mapping[str, sympy.Expr], style: Style) -> str:
    names = {"A0": "A_0"} if style is LATEX else {}
    return signed_sum([(one, names.get(letter, letter)) for letter, one in value.items() if one != 0], style)


def _of_conditions(
    about: Subject, found: Found, derived: Collapse, printed: Mapping[str, Condition], seed: int
) -> tuple[list[_Compared], str]:
    """Each printed condition against the derived one, both against minima in numbers; and what is undecided."""
    if derived.dimensional is None or derived.complete is None:
        message = f"when modes collapse is not determined for {about.name}: {derived.reason}"
        raise InputError(message)
    right = {"dimensional": derived.dimensional, "complete": derived.complete}
    points = _points(about, found, printed.values(), seed)
    compared, undecided = [], ""
    for name, said in printed.items():
        phase, same, shown = _PHASE[name], equal(said, right[name]), said.text()
        as_derived = _against_minima(f"{name} collapse as derived", points.wrong(right[name], phase), points, seed)
        wrong = points.wrong(said, phase)
        as_printed = _against_minima(f"{name} collapse as printed", wrong, points, seed)
        if as_derived.agrees is not True:
            undecided = undecided or f"the minima do not bear the derived condition out: {as_derived.note}"
        elif not same and not wrong:
            note = f"{said} is not recognised as the derived condition, and no point tells them apart"
            as_printed, undecided = replace(as_printed, agrees=None, note=note), undecided or note
        shown += f": {wrong}" if wrong and not same else ""
        latex = (said.latex(), right[name].latex())
        part = _Part(f"{name} collapse", shown, right[name].text(), latex, same)
        compared.append(_Compared(part, as_derived, as_printed))
    return compared, undecided


def _against_minima(of: str, counterexample: str, points: Drawn, seed: int) -> Evidence:
    quantity = f"{of}, against minima at {points.points} random points"
    if not points.points:
        return Evidence("exact", quantity, ran=False, note="no random point has a landscape that is convex")
    measured = "different" if counterexample else "equal"
    agrees = not counterexample
    return Evidence("exact", quantity, "equal", measured, agrees=agrees, seed=seed, note=counterexample)


def _points(about: Subject, found: Found, printed: Iterable[Condition], seed: int) -> Drawn:
    expansion, norm = found.expansion.in_basis("A0,Sigma"), None
    if found.limit is not None:
        # κ (Tr[W Σ Wᵀ] − c)²: c is half the ratio of its two coefficients, and the penalty is left to the norm.
        kappa = sympy.Symbol(found.limit)
        slope = {term.invariants: sympy.diff(term.coefficient, kappa) for term in expansion.terms}
        size = trace("S")
        norm = sympy.cancel(-slope.get((size,), sympy.S.Zero) / (2 * slope[size, size]))
        expansion = expansion.with_terms((term.invariants, term.coefficient.subs(kappa, 0)) for term in expansion.terms)
    try:
        cases = landscapes(expansion)
    except InputError:
        return Drawn(())
    names = {symbol.name for case in cases for symbol in case.symbols}
    names |= set() if norm is None else {symbol.name for symbol in norm.free_symbols}
    # A print may hold a parameter that drops out.
    names |= {symbol.name for one in printed for symbol in one.spelled_out().free_symbols} & set(about.parameters)
    return drawn(cases, sorted(names - {"d1"}), norm=norm, bias=about.bias and norm is not None, seed=seed)
