"""A reader of the formulas that are printed, in plain text or in SymPy's: read into a tree, never evaluated as code.

Products may be written without a sign, fractions as ½, and powers with ^ or **; a relation, `or` and `and` join them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

FRACTIONS = dict(
    zip(
        "½⅓⅔¼¾⅛⅜⅝⅞⅙⅚⅕⅖⅗⅘",
        (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1 / 6, 5 / 6, 1 / 5, 2 / 5, 3 / 5, 4 / 5),
        strict=True,
    )
)
_TOKEN = re.compile(
    r"\s*(?:(?P<fraction>[½⅓⅔¼¾⅛⅜⅝⅞⅙⅚⅕⅖⅗⅘])|(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|<=|>=|==|≠|[-−+*/^()<>≤≥,]))"
)
_NAMES = "alpha beta gamma delta epsilon eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega"
GREEK = dict(zip(_NAMES.split(), "αβγδεηθκλμνξρστφχψω", strict=True))
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": lambda z: np.sqrt(np.asarray(z, dtype=complex)) if np.any(np.asarray(z) < 0) else np.sqrt(z),
    "log": np.log,
    "exp": np.exp,
    "cos": np.cos,
    "Abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "Min": np.minimum,
    "Max": np.maximum,
}
# Two sides of a strict inequality are apart by more than this.
_ROUNDING = 1e-12
Tree = tuple[Any, ...]


class UnreadError(ValueError):
    """A text that the bench does not know: it has to learn it, lest a statement goes unchecked."""


def read(text: str) -> Tree:
    """The tree of a formula or a condition.

    >>> float(value(read("-2(a_i + 1)/3 b^2"), {"a_i": 2.0, "b": 3.0}))
    -18.0
    """
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnreadError(f"{text[at:]!r} in {text!r}")
        at = match.end()
        tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
    reader = _Reader(tokens, text)
    tree = reader.either()
    if reader.tokens:
        raise UnreadError(f"{reader.tokens[0][1]!r} in {text!r}")
    return tree


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self.tokens, self.text = tokens, text

    def take(self, *signs: str) -> str | None:
        if self.tokens and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return None

    def either(self) -> Tree:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else ("or", *parts)

    def both(self) -> Tree:
        parts = [self.relation()]
        while self.take("and"):
            parts.append(self.relation())
        return parts[0] if len(parts) == 1 else ("and", *parts)

    def relation(self) -> Tree:
        left = self.sum()
        sign = self.take("<=", ">=", "==", "≠", "<", ">", "≤", "≥")
        if sign is None:
            return left
        return ({"≤": "<=", "≥": ">="}.get(sign, sign), left, self.sum())

    def sum(self) -> Tree:
        sign = self.take("-", "−", "+")
        found = self.product()
        if sign in ("-", "−"):
            found = ("neg", found)
        while (sign := self.take("-", "−", "+")) is not None:
            found = ("+" if sign == "+" else "-", found, self.product())
        return found

    def product(self) -> Tree:
        found = self.power()
        while self.tokens:
            kind, word = self.tokens[0]
            if word in ("*", "/"):
                self.tokens.pop(0)
                negative = self.take("-", "−")
                other = self.power()
                found = (word, found, ("neg", other) if negative else other)
            elif kind in ("fraction", "number") or word == "(" or (kind == "name" and word not in ("or", "and")):
                found = ("*", found, self.power())
            else:
                break
        return found

    def power(self) -> Tree:
        base = self.atom()
        if self.take("^", "**"):
            negative = self.take("-", "−")
            exponent = self.power()
            return ("^", base, ("neg", exponent) if negative else exponent)
        return base

    def atom(self) -> Tree:
        if not self.tokens:
            raise UnreadError(f"the end of {self.text!r}")
        kind, word = self.tokens.pop(0)
        if kind == "fraction":
            return ("number", FRACTIONS[word])
        if kind == "number":
            return ("number", float(word))
        if kind == "name":
            if word in (*FUNCTIONS, "sum_j", "m", "M") and self.tokens and self.tokens[0][1] == "(":
                if word == "m" and not self._has_one_argument_of_a_function():
                    return ("name", word)
                self.take("(")
                arguments = [self.either()]
                while self.take(","):
                    arguments.append(self.either())
                self._close()
                return ("call", word, *arguments)
            return ("name", word)
        if word == "(":
            inside = self.either()
            self._close()
            return inside
        if word in ("-", "−"):
            return ("neg", self.power())
        raise UnreadError(f"{word!r} in {self.text!r}")

    def _has_one_argument_of_a_function(self) -> bool:
        """m(N − 1) is a constant of samples, m(m − 1) a product."""
        return (
            "T₁" not in self.text
            and "T₂" not in self.text
            and "m −" not in self.text
            and "m -" not in self.text
            and any(w == "N" or k == "number" for k, w in self.tokens[:3])
        )

    def _close(self) -> None:
        if not self.take(")"):
            raise UnreadError(f"a bracket is not closed in {self.text!r}")


def value(tree: Tree, env: Mapping[str, Any]) -> Any:
    """Its value, a number or an array over the modes i; conditions are Booleans.

    >>> bool(value(read("4 a_i - 12 a_i/N < 0"), {"a_i": 2.17 / 2.42, "N": 3.0}))
    False
    """
    head, *parts = tree
    if head == "number":
        return parts[0]
    if head == "name":
        if parts[0] not in env:
            raise UnreadError(f"no value for {parts[0]!r}")
        return env[parts[0]]
    if head == "call":
        return _called(parts[0], parts[1:], env)
    found = [value(part, env) for part in parts]
    match head:
        case "neg":
            return -found[0]
        case "+":
            return found[0] + found[1]
        case "-":
            return found[0] - found[1]
        case "*":
            return found[0] * found[1]
        case "/":
            return np.divide(found[0], found[1])
        case "^":
            return np.power(found[0], found[1])
        case "or":
            return np.logical_or.reduce(np.broadcast_arrays(*found))
        case "and":
            return np.logical_and.reduce(np.broadcast_arrays(*found))
    if head == "≠":
        return np.not_equal(*found)
    left, right = found
    if head in ("<", ">"):
        # What is 0 but for rounding, as 1 − 3/N is at N = 3, lies on neither side.
        return (right - left if head == "<" else left - right) > _ROUNDING
    return {"==": np.equal, "<=": np.less_equal, ">=": np.greater_equal}[head](left, right)


def holds(text: str, env: Mapping[str, Any]) -> bool:
    """Whether a condition in words holds: alternatives, each of them for some mode or for all where that is said.

    >>> holds("a_i < 1 for some i or d1 >= 3", {"a_i": np.array([0.5, 2.0]), "d1": 2.0})
    True
    """
    return any(all(_holds(part, env) for part in _split(either, " and ")) for either in _split(text, " or "))


def _split(text: str, word: str) -> list[str]:
    """At a word that stands in no brackets."""
    parts, depth, start = [], 0, 0
    for k, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text.startswith(word, k):
            parts.append(text[start:k])
            start = k + len(word)
    return [*parts, text[start:]]


def _holds(text: str, env: Mapping[str, Any]) -> bool:
    match = re.fullmatch(r"(?P<formula>.+?)(?: for (?P<quantifier>some|all) i)?", text.strip())
    assert match is not None
    found = np.asarray(value(read(match["formula"]), env))
    return bool(found.all() if match["quantifier"] == "all" else found.any())


def _called(name: str, arguments: list[Tree], env: Mapping[str, Any]) -> Any:
    if name == "sum_j":
        inside = value(arguments[0], env)
        return np.sum(inside) if np.ndim(inside) else inside * env["d0"]
    found = [value(one, env) for one in arguments]
    if name == "m":
        return nearest_square(round(float(found[0])))
    if name == "M":
        return largest_normal(round(float(found[0])), round(float(found[1])), found[2])
    return FUNCTIONS[name](*found)


def nearest_square(n: int, draws: int = 400_000) -> float:
    """m(n) = E min over n of (ξ0 − ξk)², by a plain mean of draws."""
    xi = np.random.default_rng(n).standard_normal((draws, n + 1))
    return float(((xi[:, :1] - xi[:, 1:]) ** 2).min(1).mean())


def largest_normal(n: int, views: int, correlation: Any) -> Any:
    """M(n, V, ρ), the mean of the largest of n groups of V normals of correlation ρ."""
    if np.ndim(correlation):
        return np.array([largest_normal(n, views, one) for one in correlation])
    rng = np.random.default_rng(n)
    shared, own = rng.standard_normal((200_000, n, 1)), rng.standard_normal((200_000, n, views))
    mixed = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    return float(mixed.max((1, 2)).mean())


def of_modes(a: Any, c: Any) -> dict[str, Any]:
    """The letters of the modes: eigenvalues of A0 and C, and the view correlations, under all their names."""
    lam = a / (a + c)
    own = {f"{name}_{index}": one for name, one in (("a", a), ("c", c)) for index in "ij"}
    return own | {f"{name}_{index}": lam for name in ("λ", "lambda") for index in "ij"}


def environment(values: Mapping[str, float]) -> dict[str, Any]:
    """Values of parameters under the names that they are printed with."""
    found = {**values, "pi": math.pi, "E": math.e}
    for name, number in values.items():
        head, separator, tail = name.partition("_")
        found[GREEK.get(head, head) + separator + tail] = number
    return found
