"""Slips in an expansion: of a coefficient, a sign, an exponent, a letter or a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import sympy

from derive import Expansion
from derive.algebra.alphabet import BASES, BIAS, matrix
from derive.algebra.scalars import normal_form
from derive.algebra.words import Invariants, invariant, is_trace, spelled, substitute, trace
from derive.expansion.expansion import Term
from verify.assurance.mutants.mutant import Mutant

# What a coefficient is most easily mistaken for, apart from its double.
FACTORS = {"2 of {} lost": sympy.Rational(1, 2), "¾ of {}": sympy.Rational(3, 4), "4/3 of {}": sympy.Rational(4, 3)}
# The letters that are taken for one another: with one kind of views, under two augmentations, through two encoders.
LETTERS = ("ASC", "ASPQRU", "ASTXYZ")
# Letters by those of the other kind, and A by its transpose.
_KINDS = {"A": "RZ", "S": "UT", "R": "A", "U": "S", "P": "Q", "Q": "P", "Z": "A", "T": "S", "X": "Y", "Y": "X"}


def mutants(expansion: Expansion) -> Iterator[tuple[str, Expansion]]:
    """The few mutants that every check has to reject on its own, those that happen to equal the original left out.

    Term by term: the sign flipped, a ½ lost (the coefficient doubled), the term dropped. As a whole: A0 and C
    exchanged, Σ in place of A0, N − 1 in place of N. With two kinds of views: Σ and Σ₂ exchanged, A and its transpose,
    both kinds, the first in place of the second.
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
        for kind, name, product in _words(term, _letters(expansion)):
            changed = [
                (words, weight * term.coefficient)
                for words, weight in substitute(product, BASES.get(expansion.basis, {})).items()
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


def _letters(expansion: Expansion) -> str:
    """The letters that are taken for one another."""
    return LETTERS[0 if expansion.basis in BASES else expansion.encoders]


def _words(term: Term, letters: str) -> Iterator[tuple[str, str, Invariants]]:
    """Another letter in one place, one trace for two or two for one, a power of W too many or too few, another mask."""
    for at, one in enumerate(term.invariants):
        for link, (i, word, j) in enumerate(one):
            for k, letter in enumerate(word):
                if letter == BIAS:
                    continue
                for by in letters:
                    if by != letter:
                        other_word = word[:k] + by + word[k + 1 :]
                        changed = tuple((i, other_word, j) if n == link else other for n, other in enumerate(one))
                        name = f"{_said(by)} for {_said(letter)} (letter {k + 1})"
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


def _said(letter: str) -> str:
    """A letter's matrix, with what it is between where that tells letters of one matrix apart."""
    return matrix(letter).text if letter in "ASC" else " ".join(matrix(one).text for one in spelled(letter))


def _whole(expansion: Expansion) -> dict[str, Expansion]:
    if expansion.basis not in BASES:
        return _of_two_kinds(expansion)
    in_a0_c, in_a0_sigma = expansion.in_basis("A0,C"), expansion.in_basis("A0,Sigma")
    whole = {
        "A0 and C exchanged": _respelled(in_a0_c, {"A": "C", "C": "A"}),
        "Σ in place of A0": _respelled(in_a0_sigma, {"A": "S"}),
        "N − 1 in place of N": _with_fewer(expansion),
    }
    return {name: mutant for name, mutant in whole.items() if mutant is not expansion}


def _of_two_kinds(expansion: Expansion) -> dict[str, Expansion]:
    letters = _letters(expansion)
    other = {one: next(by for by in _KINDS[one] if by in letters) for one in letters}
    units = {"I": "J", "J": "I"} if expansion.encoders == 2 else {}
    whole = {
        "Σ and Σ₂ exchanged": {one: other[one] for one in letters if one in "SUT"},
        "A and its transpose exchanged": {one: other[one] for one in letters if one in "PQXY"},
        "both kinds exchanged": other | units,
        "the first kind for the second": {other[one]: one for one in "AS"} | dict.fromkeys("PQXY", "A"),
        "A₂ in place of A0": {"A": other["A"]},
        "Σ₂ in place of Σ": {"S": other["S"]},
    }
    respelled = {name: _respelled(expansion, by) for name, by in whole.items()}
    return respelled | ({"N − 1 in place of N": fewer} if (fewer := _with_fewer(expansion)) is not expansion else {})


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
