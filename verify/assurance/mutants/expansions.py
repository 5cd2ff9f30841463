"""Slips in an expansion: of a coefficient, a sign, an exponent, a letter or a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import sympy

from derive import Expansion
from derive.algebra.alphabet import BASES, BIAS
from derive.algebra.scalars import normal_form
from derive.algebra.words import Invariants, invariant, is_trace, substitute, trace
from derive.expansion.expansion import Term
from verify.assurance.mutants.mutant import Mutant

# What a coefficient is most easily mistaken for, apart from its double.
FACTORS = {"2 of {} lost": sympy.Rational(1, 2), "¾ of {}": sympy.Rational(3, 4), "4/3 of {}": sympy.Rational(4, 3)}
LETTERS = {"A": "A0", "S": "Σ", "C": "C"}


def mutants(expansion: Expansion) -> Iterator[tuple[str, Expansion]]:
    """The few mutants that every check has to reject on its own, those that happen to equal the original left out.

    Term by term: the sign flipped, a ½ lost (the coefficient doubled), the term dropped. As a whole: A0 and C
    exchanged, Σ in place of A0, N − 1 in place of N.
    """
    for position, term in enumerate(expansion.terms):
        where = _where(position, term)
        yield f"sign of {where} flipped", _with(expansion, position, -term.coefficient)
        yield f"½ of {where} lost", _with(expansion, position, 2 * term.coefficient)
        yield f"{where} dropped", _with(expansion, position, sympy.S.Zero)
    for name, mutant in _whole(expansion).items():
        if key(mutant) != key(expansion):
            yield name, mutant.in_basis(expansion.basis)


def slips(expansion: Expansion) -> Iterator[Mutant]:
    """Every single slip; some are equal, or equal to the original (see `distinct`)."""
    for name, mutant in mutants(expansion):
        kind = "sign" if "sign" in name else "term dropped or doubled" if "dropped" in name else "coefficient"
        yield Mutant(kind if "term" in name else "symbol exchanged", name, mutant)
    for position, term in enumerate(expansion.terms):
        where = _where(position, term)
        for name, factor in FACTORS.items():
            yield Mutant("coefficient", name.format(where), _with(expansion, position, factor * term.coefficient))
        for name, coefficient in _parameters(term.coefficient):
            kind = "exponent" if "^" in name else "symbol exchanged"
            yield Mutant(kind, f"{name} in {where}", _with(expansion, position, coefficient))
        others = [(one.invariants, one.coefficient) for one in expansion.terms if one is not term]
        for kind, name, product in _words(term):
            changed = [
                (spelled, weight * term.coefficient)
                for spelled, weight in substitute(product, BASES[expansion.basis]).items()
            ]
            yield Mutant(kind, f"{name} in {where}", expansion.with_terms([*others, *changed]))


def key(expansion: Expansion) -> tuple[Term, ...]:
    """The same for equal expansions alone: terms in one basis, coefficients in normal form."""
    return expansion.in_basis("A0,Sigma").terms


def _where(position: int, term: Term) -> str:
    return f"term {position} of order {term.order}"


def _parameters(coefficient: sympy.Expr) -> Iterator[tuple[str, sympy.Expr]]:
    """Another power of a parameter, a parameter lost, a count off by one, two parameters exchanged."""
    symbols = sorted(coefficient.free_symbols, key=str)
    for p in symbols:
        # Take it as positive, so that roots of powers are powers.
        d = sympy.Dummy(positive=True)
        for power in (2, -1):
            yield f"{p}^({power}) for {p}", coefficient.xreplace({p: d}).xreplace({d: d**power}).xreplace({d: p})
        forgotten = coefficient.subs(p, 1)
        if not forgotten.has(sympy.zoo, sympy.nan):
            yield f"1 for {p}", forgotten
        if p.name == "N":
            for by in (p - 1, p + 1):
                yield f"{by} for {p}", coefficient.xreplace({p: by})
    for p, q in combinations(symbols, 2):
        yield f"{p} and {q} exchanged", coefficient.xreplace({p: q, q: p})


def _words(term: Term) -> Iterator[tuple[str, str, Invariants]]:
    """Another letter in one place, one trace for two or two for one, a power of W too many or too few, another mask."""
    for at, one in enumerate(term.invariants):
        for link, (i, word, j) in enumerate(one):
            for k, letter in enumerate(word):
                if letter == BIAS:
                    continue
                for by, said in LETTERS.items():
                    if by != letter:
                        spelled = word[:k] + by + word[k + 1 :]
                        changed = tuple((i, spelled, j) if n == link else other for n, other in enumerate(one))
                        name = f"{said} for {LETTERS.get(letter, letter)} (letter {k + 1})"
                        yield "symbol exchanged", name, _put(term.invariants, at, changed)
    words = [one[0][1] for one in term.invariants if is_trace(one)]
    if len(words) == len(term.invariants):
        if len(words) == 1 and len(words[0]) == 2:
            yield "exponent", "Tr[X] Tr[Y] for Tr[X Y]", tuple(sorted(trace(x) for x in words[0]))
        # Tr[b bᵀ b bᵀ] is |b|⁴ again.
        if len(words) == 2 and not all(BIAS in word for word in words):
            yield "exponent", "Tr[X Y] for Tr[X] Tr[Y]", (trace("".join(words)),)
        for k, word in enumerate(words):
            beside = [trace(other) for n, other in enumerate(words) if n != k]
            if BIAS not in word and term.order == 2:
                yield "exponent", "a square for a first power", tuple(sorted((*beside, trace(word * 2))))
            elif BIAS not in word and len(word) > 1:
                yield "exponent", "a first power for a square", tuple(sorted((*beside, trace(word[1:]))))
    for at, one in enumerate(term.invariants):
        if len(one) == 2 and not is_trace(one):
            # Σ_i P_ii² or Σ_ij P_ij²: the mask of the sum forgotten or misplaced.
            (_, x, _), (_, y, _) = one
            rest = tuple(other for n, other in enumerate(term.invariants) if n != at)
            yield "wrong mask", "Tr[X Y] for a sum over the diagonal", tuple(sorted((*rest, trace(x + y))))
            yield "wrong mask", "Tr[X] Tr[Y] for a sum over the diagonal", tuple(sorted((*rest, trace(x), trace(y))))


def _whole(expansion: Expansion) -> dict[str, Expansion]:
    in_a0_c, in_a0_sigma = expansion.in_basis("A0,C"), expansion.in_basis("A0,Sigma")
    whole = {
        "A0 and C exchanged": _respelled(in_a0_c, {"A": "C", "C": "A"}),
        "Σ in place of A0": _respelled(in_a0_sigma, {"A": "S"}),
        "N − 1 in place of N": _with_fewer(expansion),
    }
    return {name: mutant for name, mutant in whole.items() if mutant is not expansion}


def _put(invariants: Invariants, at: int, changed: tuple[tuple[int, str, int], ...]) -> Invariants:
    return tuple(sorted((*invariants[:at], invariant(changed), *invariants[at + 1 :])))


def _with(expansion: Expansion, position: int, coefficient: sympy.Expr) -> Expansion:
    others = list(expansion.terms)
    others[position] = Term(others[position].order, normal_form(coefficient), others[position].invariants)
    return replace(expansion, terms=tuple(term for term in others if term.coefficient != 0))


def _respelled(expansion: Expansion, by: dict[str, str]) -> Expansion:
    return expansion.with_terms(
        (invariants, weight * term.coefficient)
        for term in expansion.terms
        for invariants, weight in substitute(term.invariants, {one: {other: 1} for one, other in by.items()}).items()
    )


def _with_fewer(expansion: Expansion) -> Expansion:
    N = sympy.Symbol("N")
    return expansion.set({"N": N - 1}) if N in expansion.symbols else expansion
