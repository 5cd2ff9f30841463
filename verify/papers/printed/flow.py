"""A printed field: a line a weight, dW/dt = …, sums of coefficient × traces × a product of W, P, Wₘ, A0 and Σ."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive import InputError
from derive.algebra.scalars import normal_form
from derive.errors import quoted
from derive.fields.products import Product, closed, power
from verify.papers.printed.grammar import Formula
from verify.papers.printed.meaning import Meaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MATRIX = r"(?:W_m|Wₘ|W_\{m\}|W|P|A_?0|Sigma|\\Sigma|Σ)"
_TURN = r"(?:\s*(?:\^\s*(?:\{\s*)?(?:T\b|\\top|⊤|\\mathsf\{?T\}?)(?:\s*\})?|ᵀ))?"
_FACTOR = re.compile(rf"({_MATRIX})({_TURN})(?![A-Za-z0-9_])\s*\*?\s*")
_TRACE = re.compile(r"(?:\\operatorname\{Tr\}|\\Tr|Tr|tr)\s*\[([^\[\]]*)\]\s*\*?\s*")
_REST = re.compile(
    r"[+−-]?\s*(?:\\mathcal\{?O\}?|O)\s*\(\s*(?:\\?\|){0,2}\s*W\s*(?:\\?\|){0,2}\s*\^?\{?\s*([0-9]+|[⁰¹²³⁴-⁹]+)\s*\}?\s*\)\s*$"
)
_LEFT = re.compile(r"\s*(?:d\s*(W_m|Wₘ|W|P)\s*/\s*dt|\\dot\s*\{?\s*(W_m|W|P)\s*\}?)\s*&?=\s*(.*)", re.DOTALL)
_SMALL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NAMES = {"Wₘ": "M", "W_m": "M", "W_{m}": "M", "A0": "A", "A_0": "A", "Sigma": "S", r"\Sigma": "S", "Σ": "S"}


_Terms = defaultdict[Product, sympy.Expr]
_RULE = "what stands before a product is a number or a formula in the parameters"


class Flow(NamedTuple):
    """What is printed of one weight.

    Attributes:
        terms: coefficients by product.
        beyond: the power in O(W^…); None where nothing is left out.

    """

    terms: Mapping[Product, sympy.Expr]
    beyond: int | None


def read_flow(text: str, symbols: Mapping[str, sympy.Expr]) -> dict[str, Flow]:
    r"""The lines of a printed field, by "W", "P" and "W_m".

    Args:
        text: lines such as ``dW/dt = P^T W A0 - P^T P W Sigma + O(W^3)``, or in LaTeX with a dot and ``\Sigma``.
        symbols: parameters by name, as scalars may have them.

    Raises:
        InputError: a line that is none of these, or a term whose product is no matrix of the weight's shape.

    >>> flow = read_flow("dW/dt = P^T W A0 - 1/2 P^T P W Sigma", {})["W"]
    >>> {word: value for (_, word), value in flow.terms.items()}
    {'pWA': 1, 'pPWS': -1/2}

    """
    found: dict[str, Flow] = {}
    whole = text.replace(r"\begin{aligned}", "").replace(r"\end{aligned}", "").replace("\\\\", "\n")
    for line in filter(str.strip, whole.splitlines()):
        match = _LEFT.fullmatch(line)
        if match is None:
            raise InputError(f"{quoted(line.strip())} is no line of a field; write dW/dt = …, a line for each weight")
        name = {"Wₘ": "W_m"}.get(match[1] or match[2], match[1] or match[2])
        if name in found:
            raise InputError(f"d{name}/dt is printed twice")
        found[name] = _flow(match[3].strip().rstrip(",."), symbols)
    if "W" not in found:
        raise InputError("a printed field says what W does: dW/dt = …")
    return found


def _flow(right: str, symbols: Mapping[str, sympy.Expr]) -> Flow:
    rest = _REST.search(right)
    beyond = int(rest[1].translate(_SMALL)) if rest else None
    body = right[: rest.start()] if rest else right
    terms = _Terms(lambda: sympy.S.Zero)
    for sign, term in _terms(body):
        if term == "0":
            continue
        product, scalar = _product(term)
        value = Meaning(scalar).scalar(Formula(scalar, dict(symbols)).whole(), _RULE) if scalar else sympy.S.One
        terms[product] += sign * value
    return Flow({product: value for product, value in terms.items() if normal_form(value) != 0}, beyond)


def _terms(body: str) -> Iterator[tuple[int, str]]:
    """The terms of a sum, with their signs; what stands in brackets is one."""
    depth, begun, sign = 0, 0, 1
    for at, one in enumerate(f"{body}+"):
        depth += (one in "([{") - (one in ")]}")
        before = body[begun:at].strip()
        if one in "+-−" and depth == 0 and not before.endswith(("^", "*", "/")):
            if before:
                yield sign, before
                sign = 1
            elif at > len(body):
                break
            sign = -sign if one in "-−" and not before else (-1 if one in "-−" else 1)
            begun = at + 1


def _product(term: str) -> tuple[Product, str]:
    """Traces and open word of a term, and its scalar as text."""
    traces = [_word(one[1], term) for one in _TRACE.finditer(term)]
    left = _TRACE.sub("", term)
    match = re.search(rf"(?<![A-Za-z0-9_\\])((?:{_MATRIX}{_TURN}(?![A-Za-z0-9_])\s*\*?\s*)+)$", left)
    if match is None:
        raise InputError(f"{quoted(term)} ends in no product of W, P, W_m, A0 and Sigma")
    return (closed(traces), _word(match[1], term)), left[: match.start()].strip().rstrip("*").strip()


def _word(text: str, term: str) -> str:
    """A product of matrices by the characters of words."""
    word, at = "", 0
    for one in _FACTOR.finditer(text):
        if text[at : one.start()].strip():
            break
        name = _NAMES.get(one[1], one[1])
        word += name.lower() if one[2].strip() and name not in "AS" else name
        at = one.end()
    if not word or text[at:].strip():
        raise InputError(f"{quoted(text.strip() or term)} is no product of W, P, W_m, A0 and Sigma")
    return word


def highest(flow: Flow) -> int:
    """The highest power of W through which a flow is printed."""
    return flow.beyond - 1 if flow.beyond is not None else max(map(power, flow.terms), default=1)
