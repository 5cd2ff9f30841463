"""What a user states an expansion to be, read from text, SymPy, JSON, a file or an `Expansion`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import sympy

from derive import Expansion, InputError
from derive.series import EMBEDDING_DIMENSION
from derive.words import NAMES, Invariants, invariant, substitute, trace
from verify.printed import algebra, from_sympy
from verify.printed.display import undisplayed
from verify.printed.grammar import Formula

_WHAT = "the printed formula"


class Stated(NamedTuple):
    """An expansion as it is stated.

    Attributes:
        expansion: its terms, canonical, in the letters that were used.
        constant: L(0); None where nothing is said of it.

    """

    expansion: Expansion
    constant: sympy.Expr | None


def read_expansion(
    printed: object, *, loss: str, symbols: Mapping[str, sympy.Symbol], order: int | None = None, bias: bool = False
) -> Stated:
    r"""An expansion as it is stated, its words canonical.

    Args:
        printed: text or LaTeX (`verify.printed.grammar`); SymPy in `Trace` and the symbols W, A_0, Sigma, C of
            `Expansion.to_sympy` or of `verify.claims.formulas`; JSON as `Expansion.to_json` makes it, as a dictionary
            or as text; a path of a file with text or JSON; or an `Expansion`.
        loss: the name of the loss that it is said of.
        symbols: the loss's parameters by name.
        order: through which it is stated; where it is not given, that of its remainder O(…), else its highest.
        bias: whether the loss is of f(x) = W x + b.

    Raises:
        InputError: it cannot be read, or says nothing of the order.

    >>> N = sympy.Symbol("N")
    >>> print(read_expansion("-(N-1)/N Tr[A0 W^T W]", loss="mine", symbols={"N": N}).expansion)
    −(N - 1)/N Tr[W A0 Wᵀ] + O(W⁴)

    """
    if not _is_order(order):
        message = f"order is an even number such as 4, not {order!r}"
        raise InputError(message)
    if isinstance(printed, Path):
        printed = _content(printed)
    if isinstance(printed, str) and re.match(r'\s*\{\s*(?:"|\}|$)', printed):
        printed = _json(printed)
    if isinstance(printed, str):
        printed = _right_side(printed, _WHAT)
    known = {**symbols, "d1": EMBEDDING_DIMENSION}
    through: int | None = None
    match printed:
        case Expansion():
            terms = {term.invariants: term.coefficient for term in printed.terms} | {(): printed.constant}
            through = printed.order
        case str():
            formula = Formula(printed, known, bias=bias)
            value = formula.sum()
            formula.expect_end()
            terms = algebra.invariants(value)
            # O(W⁶), and O(W⁵) as well, leave orders through 4.
            through = None if formula.remainder is None else (formula.remainder - 1) // 2 * 2
        case Mapping():
            terms, through = _of_json(printed, known)
        case sympy.Basic():
            terms = algebra.invariants(from_sympy.scalar(printed, known))
        case _:
            message = (
                f"{_WHAT} is of type {type(printed).__name__}; give text, a SymPy expression, JSON or an Expansion"
            )
            raise InputError(message)
    terms = _in_one_basis(terms)
    highest = max((_order(one) for one in terms), default=0)
    stated = through if through is not None else max(highest, 2)
    wanted = stated if order is None else order
    if wanted > stated and through is not None:
        message = f"{_WHAT} ends at order {stated} and says nothing of order {wanted}; give order={stated}"
        raise InputError(message)
    if highest > wanted:
        message = f"{_WHAT} has a term of order {highest} in W; give order={highest}, or leave the term out"
        raise InputError(message)
    constant = terms.pop((), None)
    at_zero = sympy.S.Zero if constant is None else constant
    made = Expansion.collect(terms, wanted, loss=loss, constant=at_zero, bias=bias, parameters=tuple(symbols))
    return Stated(made.in_basis("A0,C") if _speaks_of_C(printed) else made, constant)


def read_matrix(printed: object, symbols: Mapping[str, sympy.Expr]) -> dict[str, sympy.Expr]:
    """A matrix such as B: the coefficients of A0, C and the identity I in it.

    Args:
        printed: text or LaTeX, a SymPy matrix expression, or a mapping of letters, {"A0": 1, "C": "-gamma"}.
        symbols: the loss's parameters by name.

    Raises:
        InputError: it is no sum of multiples of A0, Sigma, C and I.

    >>> read_matrix("beta A0 + (beta - 1) C", {"beta": sympy.Symbol("beta")})
    {'A0': beta, 'C': beta - 1, 'I': 0}
    >>> read_matrix({"A0": 1, "Sigma": "-1/2"}, {})
    {'A0': 1/2, 'C': -1/2, 'I': 0}

    """
    what = "B, as it is printed,"
    match printed:
        case str():
            formula = Formula(_right_side(printed, what), symbols)
            value = formula.sum()
            formula.expect_end()
        case Mapping():
            parts = (f"({one}) {letter}" for letter, one in printed.items())
            return read_matrix(" + ".join(parts) or "0", symbols)
        case sympy.MatrixExpr():
            value = from_sympy.matrix(printed, symbols)
        case _:
            message = f"{what} is of type {type(printed).__name__}; give text such as 'A0 - gamma I'"
            raise InputError(message)
    found = dict.fromkeys(("A0", "C", "I"), sympy.S.Zero)
    for one, weight in value.items():
        letters = {"A": ("A0",), "C": ("C",), "S": ("A0", "C"), "": ("I",)}.get(one.word)
        if letters is None or one.invariants or one.entries:
            message = f"{what} is a sum of multiples of A0, Sigma, C and I, and {printed} is none"
            raise InputError(message)
        for letter in letters:
            found[letter] += weight
    return found


def _is_order(order: object) -> bool:
    return order is None or (isinstance(order, int) and order >= 2 and order % 2 == 0)


def _right_side(text: str, what: str) -> str:
    """What stands after an equals sign, without what surrounds it in a document and the mark that ends a sentence."""
    shown = undisplayed(text)
    left = [line.partition("=")[0] for line in shown.split(r"\\") if "=" in line]
    named = [one for one in (re.sub(r"[&\s{}]", "", side) for side in left) if one]
    if len(named) > 1:
        message = f"{what} is of several things, {', '.join(named)}; give one formula"
        raise InputError(message)
    said = re.sub(r"(?:\\[,;:!> ]|\\\\|[.,;\s~])+$", "", shown.rpartition("=")[2]).strip()
    if not said:
        message = f"{what} is empty; write it as in '-Tr[W A0 W^T]', and 0 where there is nothing"
        raise InputError(message)
    return said


def _order(invariants: Invariants) -> int:
    return 2 * sum(len(word) for one in invariants for _, word, _ in one)


def _in_one_basis(terms: Mapping[Invariants, sympy.Expr]) -> dict[Invariants, sympy.Expr]:
    """C written as Σ − A0."""
    total: dict[Invariants, list[sympy.Expr]] = {}
    for invariants, value in terms.items():
        for new, weight in substitute(invariants, "C", {"S": 1, "A": -1}).items():
            total.setdefault(new, []).append(weight * value)
    return {key: sympy.Add(*values) for key, values in total.items()}


def _speaks_of_C(printed: object) -> bool:
    """Whether the letters are A0 and C, in which the formula is then shown."""
    match printed:
        case Expansion():
            return printed.basis == "A0,C"
        case str():
            letters = set(_words(printed))
            return "C" in letters and not letters & {"Sigma", "Σ"}
        case Mapping():
            return "C" in printed.get("basis", ())
    names = {symbol.name for symbol in printed.atoms(sympy.MatrixSymbol)} if isinstance(printed, sympy.Basic) else set()
    return "C" in names and "Sigma" not in names


def _words(text: str) -> list[str]:
    from verify.printed.tokens import tokens

    return [token.value for token in tokens(text) if token.kind == "name"]


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{_WHAT} cannot be read from {path}: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise InputError(message) from None


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{_WHAT} starts like JSON and is none: {error}"
        raise InputError(message) from None
    return dict(found)


def _of_json(given: Mapping[str, Any], symbols: Mapping[str, sympy.Expr]) -> tuple[dict[Invariants, sympy.Expr], int]:
    letter = {name: key for key, name in NAMES.items()}
    total: dict[Invariants, list[sympy.Expr]] = {}
    try:
        # What `quartic audit --json` prints holds the expansion.
        given = given["expansion"] if "terms" not in given and isinstance(given.get("expansion"), Mapping) else given
        for term in given["terms"]:
            words = [trace("".join(letter[one] for one in word)) for word in term["traces"]]
            sums = [
                invariant(tuple((int(i), "".join(letter[one] for one in word), int(j)) for i, word, j in links))
                for links in term.get("coordinate_sums", ())
            ]
            for key, weight in substitute(tuple(sorted(words + sums)), "", {}).items():
                total.setdefault(key, []).append(weight * _coefficient(str(term["coefficient"]), symbols))
        order = int(given["order"])
        if "constant" in given:
            total[()] = [_coefficient(str(given["constant"]), symbols)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        message = (
            f"{_WHAT} is no JSON of an expansion, as quartic derive --json prints it: {type(error).__name__} {error}"
        )
        raise InputError(message) from None
    return {key: sympy.Add(*values) for key, values in total.items()}, order


def _coefficient(text: str, symbols: Mapping[str, sympy.Expr]) -> sympy.Expr:
    formula = Formula(text, symbols)
    start, value = formula.next, formula.sum()
    formula.expect_end()
    return formula.coefficient(value, start, "a coefficient holds numbers and parameters")
