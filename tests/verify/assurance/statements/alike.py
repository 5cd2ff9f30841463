"""Whether two texts say the same: words equal, and formulas equal in value, in whatever order their terms stand.

SymPy prints terms in the order of their names and takes a sign out of a sum by that order, so a parameter of another
name is written elsewhere in a formula. What is equal is read, not compared as text: a text is taken apart into words
and formulas, and a formula is a function of its names, compared where these have random values.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from statements.formulas import FRACTIONS, FUNCTIONS, GREEK, Tree, UnreadError, read, value

_PIECE = re.compile(
    rf"(?P<name>[^\W\d]\w*)|(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?|[{''.join(FRACTIONS)}])"
    r"|(?P<sign>\*\*|<=|>=|==|[-−+*/^()<>≤≥≠,])|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r" for (?:some|all) i\b")
_DANGLING = re.compile(r"\s*[-−+]\s*$")
DRAWS = 4
Piece = tuple[str, str]


def renamed_back(text: str, old: Mapping[str, str]) -> str:
    """A text with parameters under their old names, and letters that had yielded to the new ones as they were.

    Args:
        text: what is said, in plain text or in JSON.
        old: the old names by the new.

    >>> renamed_back("m_ m + θ, m", {"m": "phi"})
    'm phi + θ, phi'
    """
    put: dict[str, str] = {}
    for new, name in old.items():
        for written in {new, _glyph(new)}:
            put[written] = name
            put |= {f"{written}{'_' * more}": f"{written}{'_' * (more - 1)}" for more in (1, 2)}
            put[f"Σ_{written}_"] = f"Σ_{written}"

    def back(found: re.Match[str]) -> str:
        # A transpose stands behind a mark, and between letters.
        return "ᵀ".join(put.get(name, name) for name in found[0].split("ᵀ"))

    # A view stands in f(x) alone, where no parameter does.
    return re.sub(r"\bf\(\w+|[^\W\d]\w*", lambda found: found[0] if "(" in found[0] else back(found), text)


def alike(one: str, other: str, names: frozenset[str]) -> bool:
    """Whether two texts have the same words and equal formulas.

    Args:
        one: a text.
        other: another.
        names: the parameters in them, which are no words.

    >>> known = frozenset({"alpha", "beta"})
    >>> alike("lost where −(α − β) > 0, else kept", "lost where β − α > 0, else kept", known)
    True
    >>> alike("lost where −(α − β) > 0, else kept", "lost where α − β > 0, else kept", known)
    False
    """
    if one == other:
        return True
    if Counter(_QUANTIFIER.findall(one)) != Counter(_QUANTIFIER.findall(other)):
        return False
    # Alternatives stand in any order, each with its own.
    left, right = (_taken_apart(_QUANTIFIER.sub("", text), names) for text in (one, other))
    if one.endswith("…") and other.endswith("…"):
        # Cut where a length was reached, a name being longer than another: what both have before.
        least = max(min(len(left), len(right)) - 2, 0)
        left, right = left[:least], right[:least]
    if len(left) != len(right):
        return False
    return all(_same(*pair) for pair in zip(left, right, strict=True))


def _same(one: Piece, other: Piece) -> bool:
    if one == other:
        return True
    if one[0] != other[0] or one[0] != "formula":
        return False
    left, right = _values(one[1]), _values(other[1])
    return left is not None and right is not None and _agree(left, right)


def _agree(left: list[Any], right: list[Any]) -> bool:
    for a, b in zip(left, right, strict=True):
        if isinstance(a, tuple) or isinstance(b, tuple):
            if not isinstance(a, tuple) or not isinstance(b, tuple) or not _same_relations(a, b):
                return False
        elif not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
            return False
    return True


def _same_relations(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Alternatives in any order, relations by their two sides' difference, which a positive factor leaves alike."""
    if a[0] != b[0] or len(a) != len(b):
        return False
    if a[0] in ("or", "and"):
        rest = list(b[1:])
        for part in a[1:]:
            place = next((k for k, one in enumerate(rest) if _agree([part], [one])), None)
            if place is None:
                return False
            del rest[place]
        return True
    return bool(np.allclose(a[1], b[1], rtol=1e-9, atol=1e-12, equal_nan=True))


def _taken_apart(text: str, names: frozenset[str]) -> list[Piece]:
    """Words, signs that no formula has, and the formulas between them, in order."""
    found: list[Piece] = []
    inside: list[str] = []
    depth = 0

    def close() -> None:
        nonlocal depth
        if formula := "".join(inside).strip():
            # The sum goes on after it, in what is no formula.
            more = _DANGLING.search(formula)
            found.append(("formula", formula[: more.start()] if more else formula))
            if more:
                found.append(("word", more[0].strip()))
        inside.clear()
        depth = 0

    for match in _PIECE.finditer(text):
        kind, written = match.lastgroup, match[0]
        opened = (written == "(") - (written == ")")
        ends = kind == "other" or (kind == "name" and _is_word(written, names)) or (written == "," and depth == 0)
        if ends or depth + opened < 0:
            close()
            found.append(("word", written))
            continue
        depth += opened
        inside.append(written)
    close()
    return found


def _is_word(name: str, names: frozenset[str]) -> bool:
    """Whether it is a word of English, or a product of matrices, rather than a number's name."""
    if name in names or name in FUNCTIONS or name in ("sum_j", "or", "and"):
        return False
    return "ᵀ" in name or (len(name) > 1 and name.isascii() and name.isalpha() and name not in GREEK)


@lru_cache(maxsize=4096)
def _values(formula: str) -> list[Any] | None:
    """A formula at some values of its names; None for what is no formula."""
    try:
        tree = read(formula)
        return [_value(tree, _env(tree, draw)) for draw in range(DRAWS)]
    except (UnreadError, AssertionError, ValueError):
        return None


def _value(tree: Tree, env: Mapping[str, Any]) -> Any:
    """A number; for a relation its sign and the difference of its sides; for alternatives theirs."""
    head, *parts = tree
    if head in ("or", "and"):
        return (head, *(_value(part, env) for part in parts))
    if head in ("<", "<=", ">", ">=", "==", "≠"):
        difference = value(parts[0], env) - value(parts[1], env)
        if head in (">", ">="):
            return head.replace(">", "<"), -difference
        return (head, np.abs(difference) if head in ("==", "≠") else difference)
    return value(tree, env)


def _env(tree: Tree, draw: int) -> dict[str, Any]:
    """A number between ½ and 2 for each name of a formula, an array over three modes for one with an index i or j."""
    names: Counter[str] = Counter()

    def walk(node: Any) -> None:
        if isinstance(node, tuple):
            if node[0] == "name":
                names[node[1]] += 1
            for part in node[1:]:
                walk(part)

    walk(tree)
    return {**{name: _number(name, draw) for name in names}, "d0": 3.0}


def _number(name: str, draw: int) -> Any:
    if name.endswith(("_i", "_j", "ᵢ")):
        return np.array([_number(f"{name}{mode} ", draw) for mode in range(3)])
    if name == "N":
        return 3.0 + draw
    digest = hashlib.sha256(f"{_glyph(name)} {draw}".encode()).digest()
    return 0.5 + 1.5 * int.from_bytes(digest[:4], "big") / 2**32


def _glyph(name: str) -> str:
    """As it is printed: α for alpha."""
    return re.sub(r"[A-Za-z]+(?=_|\b)", lambda part: GREEK.get(part[0], part[0]), name)
