r"""A printed formula cut into tokens, in plain text or LaTeX.

Both spell the same things: ``Tr[(W Sigma W^T)^2]``, ``Tr[(W Σ Wᵀ)²]``, ``\operatorname{Tr}[(W \Sigma W^{\top})^{2}]``.
Text is cut, never evaluated. Every error points at its place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from derive.definition.notation import GREEK
from derive.errors import InputError

Kind = Literal["number", "name", "sign", "sum", "end"]

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LETTERS = {letter: name for name, letter in GREEK.items()} | {"ϵ": "epsilon", "Σ": "Sigma", "Λ": "Lambda"}
_LETTERS |= {"𝒪": "O", "ℒ": "L", "𝓛": "L", "ℓ": "ell"}
_SPELLED = {"varepsilon": "epsilon", "ln": "log"}
_SPELLED |= dict.fromkeys(("tr", "trace", "Trace"), "Tr")
_SPELLED |= dict.fromkeys(("tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"), "frac")
# A constant that is not written out.
CONSTANT = "const"
# Dots, for what is left out of a formula.
ELLIPSIS = "…"
# Signs that LaTeX has names for.
_NAMED_SIGNS = {"prime": "'", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]"}
_NAMED_SIGNS |= dict.fromkeys(("cdot", "times", "ast"), "*")
_NAMED_SIGNS |= dict.fromkeys(("le", "leq", "leqslant"), "<=") | dict.fromkeys(("ge", "geq", "geqslant"), ">=")
_NAMED_SIGNS |= dict.fromkeys(("approx", "simeq", "approxeq"), "≈") | {"propto": "∝", "sim": "∼"}
_NAMED_SIGNS |= dict.fromkeys(("equiv", "coloneqq", "triangleq", "doteq", "eqqcolon"), "=")
_NAMED_SIGNS |= {"langle": "⟨", "rangle": "⟩"}
_NAMED_SIGNS |= dict.fromkeys(("ne", "neq"), "≠") | {"mid": "|", "parallel": "‖"}
_NAMED_SIGNS |= dict.fromkeys(("cdots", "ldots", "dots", "dotsb", "dotsc", "dotsi", "dotsm", "dotso"), ELLIPSIS)
_NAMED_SIGNS |= dict.fromkeys(("lVert", "rVert", "Vert"), "‖") | dict.fromkeys(("lvert", "rvert", "vert"), "|")
_SIGNS = {
    "−": "-",
    "–": "-",
    "·": "*",
    "⋅": "*",
    "×": "*",
    "||": "‖",
    r"\|": "‖",
    "≤": "<=",
    "≥": ">=",
    "′": "'",
    "**": "^",
    "⊤": "T",
    "≃": "≈",
    "≡": "=",
    ":=": "=",
    "!=": "≠",
    "⋯": ELLIPSIS,
    "...": ELLIPSIS,
}
# Coordinates as they stand below a letter in plain text.
_BELOW = str.maketrans("ᵢⱼₖₗₘₙₚ", "ijklmnp")

# How much of a formula is shown around an error.
_BEFORE, _AFTER = 60, 30

# In order: the first that fits is taken.
_TOKENS = re.compile(
    r"""
    (?P<space>(?:\s|\\[,;:!>\ ]|~|&|\{\s*\}|\\\\(?:\*|\s*\[-?[\d.]+\s*[a-z]{2}\])?
        |\\(?:q?quad|(?:neg)?(?:thin|med|thick)space|enspace|m?left|m?right|middle|allowbreak)(?![A-Za-z])
        |\\mkern-?[\d.]+mu|\\[hv]space\*?\{[^{}]*\}|\\[bB]igg?[lrm]?(?![a-z]))+)
  | (?P<sum>(?:(?:\\sum(?![A-Za-z])|∑)(?:\s*ABOVE)?(?=\s*[_ᵢⱼₖₗₘₙₚ])
            |Σ(?=\s*_\s*(?:[i-p]+(?![A-Za-z0-9])|\{\s*[i-p][^A-Za-z0-9}]|\{[i-p]+\})|[ᵢⱼₖₗₘₙₚ])|sum(?=_[i-p]+\b|_\{))
        \s*(?:_\s*(?:\{(?P<braced>(?:[^{}]|\{[^{}]*\})*)\}|(?P<bare>[i-p]+(?![A-Za-z])|[a-z]))|(?P<lowered>[ᵢⱼₖₗₘₙₚ]+))
        (?:\s*ABOVE)?)
  | (?P<rest>\\(?:text(?:rm|normal)?|mathrm|mbox)\s*\{\s*\+?\s*\(?\s*(?:h\.?\s*o\.?\s*t\.?s?
        |higher[-\ ]orders?(?:\ terms)?|terms\ of\ higher\ order)\s*\)?\s*\.?\s*\}
        |h\.\s?o\.\s?t\.?|higher[-\ ]order\ terms)
  | (?P<constant>\\(?:text(?:rm|normal)?|mathrm|mbox)\s*\{\s*const(?:ant|s?t?\.)?\s*\}|const(?:ant)?(?![A-Za-z0-9_]))
  | (?P<expectation>\\mathbb\s*(?:\{\s*E\s*\}|E(?![A-Za-z]))|𝔼|\\(?:E|EE)(?![A-Za-z]))
  | \\[td]?frac\s*(?P<top>\d)\s*(?P<bottom>\d)
  | (?P<decimal>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<fraction>[½⅓⅔¼¾⅛⅜⅝⅞⅙⅚⅕⅖⅗⅘])
  | (?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)
  | (?P<op>\\mathop\s*\{\s*)?\\(?:operatorname\*?|math(?:rm|sf|it|bf|cal|scr|bb|tt|normal)
        |text(?:rm|sf|it|bf|up|normal)?|boldsymbol|bm|pmb|mbox)
        (?:\s*\{\s*(?P<set>\\?[A-Za-z]+(?:_(?:\{[02]\}|[02]))?)\s*\}
        |(?:\s+|(?=\\))(?P<bare_set>\\[A-Za-z]+|[A-Za-z](?![A-Za-z])))
        (?P<of_set>_\{(?:[012]|[xy]{1,2}|[XY]{1,2})\}|_[012](?!\d)|_[xyXY](?![A-Za-z0-9]))?(?(op)\s*\})
  | \{\s*\\(?:rm|sf|bf|it)\s+(?P<old>[A-Za-z]+)\s*\}
  | (?P<style>\\(?:math(?:rm|it|bf|normal)|boldsymbol|bm|pmb|ensuremath)(?=\s*\{)|\{\s*\})
  | (?P<transpose>ᵀ|\.T\b)
  | (?P<turn>\\(?:top|intercal|transpose)(?![A-Za-z]))
  | \\(?P<command>NAMED_SIGNS)(?![A-Za-z])
  | (?P<zero>[Aad]_(?:\{[01]\}|[01])(?![A-Za-z0-9])|[Aad][₀₁])
  | (?P<mode>(?:[acqsb]|\\?lambda|λ)_(?:\{[ij]\}|[ij])(?![A-Za-z0-9]))
  | (?P<name>(?:\\[A-Za-z]+|[A-Za-z][A-Za-z0-9₀₁₂]*|[α-ωϵΣΛ𝒪ℒ𝓛ℓ][₁₂]?)
        (?:_[A-Za-z0-9]+|_\{(?:\\(?:math|text)(?:rm|sf|it)?\s*\{[A-Za-z0-9-]+\}|[A-Za-z0-9]+(?:_\{?[A-Za-z0-9]+\}?)?)\})*)
  | (?P<below>[ᵢⱼₖₗₘₙₚ]+)
  | (?P<sign>\*\*|<=|>=|==|:=|!=|\.\.\.|\|\||\\[|{}]|[-+*/^_()\[\]{}|<>=,;.'−–·⋅×‖≤≥′⊤≈≃≡∝∼≠…⋯⟨⟩])
    """.replace("NAMED_SIGNS", "|".join(_NAMED_SIGNS)).replace(
        "ABOVE", r"\^\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[A-Za-z](?:_(?:\{[^{}]*\}|[A-Za-z0-9]))?|\d+)"
    ),
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A piece of a formula.

    Attributes:
        kind: "number", "name", "sign", "sum" (over coordinates, see `verify.papers.printed.ranges`) or "end".
        value: in one spelling.
        start: where it begins in the text.
        end: where it ends.

    """

    kind: Kind
    value: str
    start: int
    end: int


class PlaceError(InputError):
    """A formula that cannot be read: what is wrong, and the place under the text.

    Attributes:
        start: the place, in characters from the beginning of the text.

    """

    def __init__(self, said: str, text: str, start: int) -> None:
        self.start = start
        # As wide as a terminal, in one line.
        low, high = max(0, start - _BEFORE), start + _AFTER
        left, right = "… " if low else "", " …" if high < len(text) else ""
        line = "".join(" " if one.isspace() else one for one in text[low:high])
        super().__init__(f"{said}\n  {left}{line}{right}\n  {' ' * (len(left) + start - low)}^")


def tokens(text: str, shown: str | None = None) -> list[Token]:
    r"""The tokens of a formula, the end being one.

    Args:
        text: of the formula.
        shown: the text that an error shows, where it is another of the same length.

    Raises:
        PlaceError: a character that means nothing here.

    >>> [token.value for token in tokens(r"-\tfrac34 \operatorname{Tr}[W A_0 W^{\top}]")]
    ['-', '3/4', 'Tr', '[', 'W', 'A0', 'W', '^', '{', 'T', '}', ']', '']
    >>> tokens("3 $ 4")
    Traceback (most recent call last):
    derive.definition.tokens.PlaceError: '$' means nothing in a formula; leave it out
      3 $ 4
        ^

    """
    found, at = [], 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            raise PlaceError(f"{text[at]!r} means nothing in a formula; leave it out", shown or text, at)
        found += [Token(kind, value, match.start(), match.end()) for kind, value in _meaning(match)]
        at = match.end()
    return [*found, Token("end", "", at, at)]


def _meaning(match: re.Match[str]) -> list[tuple[Kind, str]]:
    kind, said = match.lastgroup, match[0]
    if match["space"]:
        return []
    if match["sum"]:
        names = match["braced"] or match["bare"] or (match["lowered"] or "").translate(_BELOW)
        return [("sum", re.sub(r"[\s,]", "", names))]
    if match["rest"]:
        return [("sign", ELLIPSIS)]
    if match["constant"]:
        return [("name", CONSTANT)]
    if match["expectation"]:
        return [("sign", "𝔼")]
    if match["style"]:
        return []
    if match["below"]:
        return [("sign", "_"), ("name", said.translate(_BELOW))]
    if match["top"]:
        return [("number", f"{match['top']}/{match['bottom']}")]
    if kind == "decimal":
        return [("number", said)]
    if kind == "fraction":
        return [("number", str(Fraction(unicodedata.numeric(said)).limit_denominator(10)))]
    if kind == "raised":
        return [("sign", "^"), ("number", said.translate(_SUPERSCRIPTS))]
    if kind == "turn":
        return [("name", "T")]
    if kind == "transpose":
        return [("sign", "'")]
    if kind == "zero":
        return [("name", said[0] + ("0" if "₀" in said or "0" in said else "1"))]
    if kind == "mode":
        name, _, index = re.sub(r"[\\{}]", "", said).partition("_")
        return [("name", f"{_LETTERS.get(name, name)}_{index}")]
    if kind == "command":
        return [("sign", _NAMED_SIGNS[match["command"]])]
    written = next((match[one] for one in ("set", "bare_set", "old", "name") if match[one]), None)
    if written is not None:
        name = re.sub(
            r"\\(?:math|text)(?:rm|sf|it)?\s*(?=\{)|[{}]", "", written + (match["of_set"] or "")
        ).removeprefix("\\")
        name = _LETTERS.get(name[0], name[0]) + name[1:]
        return [("name", "A0" if name == "A_0" else _SPELLED.get(name, name))]
    return [("name", "T") if said == "⊤" else ("sign", _SIGNS.get(said, said.removeprefix("\\")))]
