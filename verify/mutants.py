"""Wrong derivations, made from a right one: what every check must reject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy

from derive import Expansion
from derive.expansion import Term
from derive.words import substitute


def mutants(expansion: Expansion) -> Iterator[tuple[str, Expansion]]:
    """Named mutants of an expansion, those that happen to equal it left out.

    Term by term: the sign flipped, a ½ lost (the coefficient doubled), the term dropped. As a whole: A0 and C
    exchanged, Σ in place of A0, N − 1 in place of N.
    """
    for position, term in enumerate(expansion.terms):
        where = f"term {position} of order {term.order}"
        yield f"sign of {where} flipped", _with(expansion, position, -term.coefficient)
        yield f"½ of {where} lost", _with(expansion, position, 2 * term.coefficient)
        yield f"{where} dropped", _with(expansion, position, sympy.S.Zero)
    in_a0_c, in_a0_sigma = expansion.in_basis("A0,C"), expansion.in_basis("A0,Sigma")
    whole = {
        "A0 and C exchanged": _respelled(_respelled(_respelled(in_a0_c, "A", "x"), "C", "A"), "x", "C"),
        "Σ in place of A0": _respelled(in_a0_sigma, "A", "S"),
        "N − 1 in place of N": _with_fewer(expansion),
    }
    for name, mutant in whole.items():
        if mutant.in_basis("A0,Sigma").terms != in_a0_sigma.terms:
            yield name, mutant.in_basis(expansion.basis)


def _with(expansion: Expansion, position: int, coefficient: sympy.Expr) -> Expansion:
    terms = list(expansion.terms)
    terms[position] = Term(terms[position].order, coefficient, terms[position].invariants)
    return replace(expansion, terms=tuple(term for term in terms if term.coefficient != 0))


def _respelled(expansion: Expansion, letter: str, by: str) -> Expansion:
    return expansion.with_terms(
        (invariants, weight * term.coefficient)
        for term in expansion.terms
        for invariants, weight in substitute(term.invariants, letter, {by: 1}).items()
    )


def _with_fewer(expansion: Expansion) -> Expansion:
    N = sympy.Symbol("N")
    return expansion.set({"N": N - 1}) if N in expansion.symbols else expansion
