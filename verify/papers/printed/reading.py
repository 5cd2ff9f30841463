"""An expansion as a user states it, read from text, SymPy, JSON, a file or an `Expansion`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from derive import Expansion, InputError
from derive.algebra.alphabet import matrix
from derive.definition.language import EMBEDDING_DIMENSION
from derive.definition.tokens import PlaceError
from verify.papers.printed import algebra, forms
from verify.papers.printed.meaning import Meaning
from verify.papers.printed.sides import read_equation, read_side
from verify.papers.printed.tree import Matrix, Sum, degree, walk

if TYPE_CHECKING:
    from derive.algebra.words import Invariants
    from verify.papers.printed.tree import Node

_WHAT = "the printed formula"


class Stated(NamedTuple):
    """An expansion as it is stated.

    Attributes:
        expansion: its terms, canonical, in the letters that were used.
        constant: L(0); None where it is not stated.
        node: the formula as written.

    """

    expansion: Expansion
    constant: sympy.Expr | None
    node: Node


class StatedMatrix(NamedTuple):
    """A matrix as it is stated.

    Attributes:
        letters: the coefficients of A0, C and I.
        node: the matrix as written.

    """

    letters: dict[str, sympy.Expr]
    node: Node


def read_expansion(
    printed: object,
    *,
    loss: str,
    symbols: Mapping[str, sympy.Symbol],
    order: int | None = None,
    bias: bool = False,
    second: str = "",
) -> Stated:
    r"""An expansion as it is stated, its words canonical.

    Args:
        printed: text or LaTeX (`verify.papers.printed.grammar`); SymPy in `Trace` and the symbols W, A_0, Sigma, C of
            `Expansion.to_sympy` or of `verify.papers.claims.formulas`; JSON as `Expansion.to_json` makes it, as a
            dictionary or as text; a path of a file with text or JSON; or an `Expansion`.
        loss: the name of the loss that it is stated for.
        symbols: the loss's parameters by name.
        order: through which it is stated; where it is not given, that of its remainder O(…), else its highest.
        bias: whether the loss is of f(x) = W x + b.
        second: what carries its views of the second kind: "V", a second encoder, or "W", under a second augmentation;
            empty where there is one kind.

    Raises:
        InputError: it cannot be read, or says nothing about the order.

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
    known = {**symbols, "d1": EMBEDDING_DIMENSION}
    through: int | None = None
    open_, goes_on = False, False
    match printed:
        case Expansion():
            node, through = forms.of_expansion(printed), printed.order
            terms = {(): printed.constant} | Meaning("").number(node)
        case str():
            read = read_equation(printed, known, _WHAT, bias=bias, second=second)
            node, terms, goes_on, open_ = read.node, dict(read.terms), read.goes_on, read.constant_open
            # O(W⁶), and O(W⁵) as well, leave orders through 4.
            through = None if read.remainder is None else (read.remainder - 1) // 2 * 2
        case Mapping():
            node, through, constant = forms.of_json(printed, known, _WHAT, second)
            terms = ({} if constant is None else {(): constant}) | Meaning("").number(node)
        case sympy.Basic():
            node = forms.of_sympy(printed, known, _WHAT, second)
            terms = Meaning("").number(node)
        case _:
            message = (
                f"{_WHAT} is of type {type(printed).__name__}; give text, a SymPy expression, JSON or an Expansion"
            )
            raise InputError(message)
    _check_kinds(node, loss, second)
    terms = algebra.in_one_basis(terms)
    highest = max((_order(one) for one in terms), default=0)
    # Terms that cancel were written: the formula says that nothing is left of them.
    written = max(2, highest, degree(node) // 2 * 2)
    through = written if goes_on else through
    stated = through if through is not None else written
    wanted = stated if order is None else order
    if wanted > stated and through is not None:
        message = f"{_WHAT} ends at order {stated} and says nothing about order {wanted}; give order={stated}"
        raise InputError(message)
    if highest > wanted:
        message = f"{_WHAT} has a term of order {highest} in W; give order={highest}, or leave the term out"
        beyond = [one for one in (node.terms if isinstance(node, Sum) else (node,)) if degree(one) > wanted]
        raise PlaceError(message, printed, beyond[0].at) if isinstance(printed, str) else InputError(message)
    constant = terms.pop((), None)
    at_zero = sympy.S.Zero if constant is None else constant
    constant = None if open_ else constant
    made = Expansion.collect(
        terms,
        wanted,
        loss=loss,
        constant=at_zero,
        bias=bias,
        parameters=tuple(symbols),
        encoders=2 if second == "V" else 1,
    )
    of_one_kind = not second and _speaks_of_C(printed, node)
    return Stated(made.in_basis("A0,C") if of_one_kind else made, constant, node)


def read_matrix(printed: object, symbols: Mapping[str, sympy.Expr]) -> StatedMatrix:
    """A matrix such as B: the coefficients of A0, C and the identity I in it.

    Args:
        printed: text or LaTeX, a SymPy matrix expression, or a mapping of letters, {"A0": 1, "C": "-gamma"}.
        symbols: the loss's parameters by name.

    Raises:
        InputError: it is not a sum of multiples of A0, Sigma, C and I.

    >>> read_matrix("beta A0 + (beta - 1) C", {"beta": sympy.Symbol("beta")}).letters
    {'A0': beta, 'C': beta - 1, 'I': 0}
    >>> read_matrix({"A0": 1, "Sigma": "-1/2"}, {}).letters
    {'A0': 1/2, 'C': -1/2, 'I': 0}

    """
    what = "B, as it is printed,"
    match printed:
        case str():
            node = read_side(printed, symbols, what)
        case Mapping():
            parts = (f"({one}) {letter}" for letter, one in printed.items())
            return read_matrix(" + ".join(parts) or "0", symbols)
        case sympy.MatrixExpr():
            node = forms.of_sympy(printed, symbols, what)
        case _:
            message = f"{what} is of type {type(printed).__name__}; give text such as 'A0 - gamma I'"
            raise InputError(message)
    return StatedMatrix(_letters(node, printed, what), node)


def _letters(node: Node, printed: object, what: str) -> dict[str, sympy.Expr]:
    meaning = Meaning(printed if isinstance(printed, str) else "")
    found = dict.fromkeys(("A0", "C", "I"), sympy.S.Zero)
    for term in node.terms if isinstance(node, Sum) else (node,):
        for one, weight in meaning.polynomial(term).items():
            letters = {"A": ("A0",), "C": ("C",), "S": ("A0", "C"), "": ("I",)}.get(one.word)
            if letters is None or one.invariants or one.entries:
                said = f"{what} is a sum of multiples of A0, Sigma, C and I, and this is not one"
                raise meaning.refuse(said, term.at) if isinstance(printed, str) else InputError(said)
            for letter in letters:
                found[letter] += weight
    return found


def _check_kinds(node: Node, loss: str, second: str) -> None:
    """Refuse matrices of another kind of views than the loss has, which text cannot name but other forms can."""
    known = "WASCb" + {"": "", "W": "UPQR", "V": "VTXYZ"}[second]
    for one in walk(node):
        if isinstance(one, Matrix) and one.letter not in known:
            kinds = {"": "one kind", "W": "two kinds, all through W", "V": "two kinds, through W and V"}[second]
            name = matrix(one.letter).name
            message = f"{_WHAT} holds {name} of views of another kind: those of {loss} are of {kinds}"
            raise InputError(message)


def _is_order(order: object) -> bool:
    return order is None or (isinstance(order, int) and order >= 2 and order % 2 == 0)


def _order(invariants: Invariants) -> int:
    return 2 * sum(len(word) for one in invariants for _, word, _ in one)


def _speaks_of_C(printed: object, node: Node) -> bool:
    """Whether the letters are A0 and C, in which the formula is then shown."""
    match printed:
        case Expansion():
            return printed.basis == "A0,C"
        case Mapping():
            return "C" in printed.get("basis", ())
    letters = {one.letter for one in walk(node) if isinstance(one, Matrix)}
    return "C" in letters and "S" not in letters


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{_WHAT} cannot be read from {path}: {getattr(error, 'strerror', None) or 'it is not text'}"
        raise InputError(message) from None


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{_WHAT} starts like JSON but is not JSON: {error}"
        raise InputError(message) from None
    return dict(found)
