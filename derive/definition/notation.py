"""How formulas are written, in plain text or in LaTeX: the pieces of a notation, and expansions in it.

Text is for a terminal, LaTeX to be pasted into a paper. Both use the field's letters: x′ for the view ``x_pos``,
χ for ``chi``, Tr[W Σ Wᵀ] for the trace word of Σ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy
from sympy.printing.str import StrPrinter

from derive.algebra.alphabet import ENDS, HELD, LETTERS, NAMES, SLOTS, matrix
from derive.algebra.graphs import ENCODER, STOPPED
from derive.algebra.letters import Letter, told_apart
from derive.algebra.slots import slots
from derive.algebra.words import Invariant, Invariants, is_trace, spelled, transpose
from derive.definition.views import Index, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from derive.algebra.alphabet import Matrix

# Letters of scalars and of views, by their names.
GREEK = {
    "chi": "χ", "alpha": "α", "beta": "β", "tau": "τ", "kappa": "κ", "lambda": "λ", "gamma": "γ", "mu": "μ",
    "nu": "ν", "epsilon": "ε", "xi": "ξ", "eta": "η", "psi": "ψ", "phi": "φ", "sigma": "σ", "theta": "θ",
    "rho": "ρ", "delta": "δ", "omega": "ω",
}  # fmt: skip
_FRACTIONS = {
    (1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾", (1, 8): "⅛", (3, 8): "⅜", (5, 8): "⅝",
    (7, 8): "⅞", (1, 6): "⅙", (5, 6): "⅚", (1, 5): "⅕", (2, 5): "⅖", (3, 5): "⅗", (4, 5): "⅘",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Style:
    """The pieces of a notation."""

    view: Callable[[View], str]
    scalar: Callable[[sympy.Expr], str]
    half: str
    inner: Callable[[str, str], str]
    square: Callable[[str, str], str]
    coordinate: Callable[[str, str], str]
    power: Callable[[str, str], str]
    brackets: Callable[[str], str]
    parentheses: Callable[[str], str]
    exponential: str
    logarithm: str
    cosine: str
    root: Callable[[str], str]
    mean: Callable[[str], str]
    statistic: Callable[[str], str]
    sample_mean: Callable[[str, str, str], str]
    sample_sum: Callable[[str, str], str]
    coordinate_sum: Callable[[str], str]
    different: str
    given: str
    delta: Callable[[str], str]
    transpose: str
    determinant: str
    times: str
    trace: Callable[[str], str]
    matrix: Callable[[Matrix], str]
    norm: Callable[[str, int], str]
    class_sum: Callable[[list[str]], str]
    entry: Callable[[str, str], str]
    remainder: Callable[[str, int], str]
    minus: str
    stopped: str
    live: str = "f"

    def embedded(self, view: View) -> str:
        """f(x), g(y) through the second encoder, or sg f(x) with its gradient stopped."""
        if view.role == STOPPED:
            return f"{self.stopped}({self.view(view)})"
        return f"{'g' if view.role == ENCODER else self.live}({self.view(view)})"

    def letter(self, letter: str) -> str:
        """The matrix X of a letter F X Gᵀ."""
        return self.matrix(LETTERS[letter])

    def sandwich(self, letter: str) -> str:
        """F X Gᵀ."""
        return self.product(spelled(letter))

    def product(self, word: str) -> str:
        """A product of factors and matrices."""
        return " ".join(self.matrix(matrix(one)) for one in word)


def superscript(number: int) -> str:
    """A number as Unicode superscript digits."""
    return str(number).translate(_SUPERSCRIPTS)


def _view_text(view: View) -> str:
    own = _own_suffix(view)
    letter = re.sub(r"^[A-Za-z]+(?=\d*$)", lambda name: GREEK.get(name[0], name[0]), view.datum)
    return letter + "′" * view.name.count("_pos") + (f"_{own}" if own else "")


def _view_latex(view: View) -> str:
    base = rf"\{view.datum}" if view.datum in GREEK else view.datum.replace("_", r"\_")
    if (numbered := re.fullmatch(r"([A-Za-z]+)(\d+)", view.datum)) and numbered[1] in GREEK:
        base = rf"\{numbered[1]}_{{{numbered[2]}}}"
    own = _own_suffix(view).replace("_", r"\_")
    return base + "'" * view.name.count("_pos") + (rf"_{{\mathrm{{{own}}}}}" if own else "")


def _own_suffix(view: View) -> str:
    """The part of a view's name after its datum; empty for x_pos."""
    return view.name.removeprefix(view.datum).replace("_pos", "").strip("_")


class TextPrinter(StrPrinter):  # type: ignore[misc]
    """SymPy's plain text, with Greek letters in names."""

    def _print_Symbol(self, symbol: sympy.Symbol) -> str:
        # No parameter is printed like T₁, whatever its name.
        name = _THEORY.get(symbol.name.rstrip("_"), symbol.name) if isinstance(symbol, Letter) else symbol.name
        return re.sub(r"[A-Za-z]+(?=_|\b)", lambda part: GREEK.get(part[0], part[0]), str(name))


# The sums of b and b² over the kept modes.
_THEORY = {"T_1": "T₁", "T_2": "T₂"}
_PRINTER = TextPrinter()


def _scalar_text(value: sympy.Expr) -> str:
    if value.is_Rational:
        sign, p, q = "-" if value < 0 else "", abs(int(value.p)), int(value.q)
        return sign + (_FRACTIONS.get((p, q)) or (str(p) if q == 1 else f"{p}/{q}"))
    written = _PRINTER.doprint(told_apart(value)).replace("**", "^").replace("*(", "(").replace("*", " ")
    return re.sub(r"(?<![A-Za-z_0-9])gamma(?=\()", "Γ", written)


def _scalar_latex(value: sympy.Expr) -> str:
    return str(sympy.latex(told_apart(value)))


TEXT = Style(
    view=_view_text,
    scalar=_scalar_text,
    half="½",
    inner=lambda u, v: f"⟨{u}, {v}⟩",
    square=lambda u, v: f"|{u}−{v}|²",
    coordinate=lambda u, i: f"{u}_{i}",
    power=lambda base, exponent: (
        base + (superscript(int(exponent)) if exponent.lstrip("-").isdigit() else f"^({exponent})")
    ),
    brackets=lambda inside: f"[{inside}]",
    parentheses=lambda inside: f"({inside})",
    exponential="exp",
    logarithm="log",
    cosine="cos",
    root=lambda inside: f"sqrt({inside})",
    mean=lambda over: f"E_{over}",
    statistic=lambda kind: kind,
    sample_mean=lambda over, terms, count: f"1/({terms}) Σ_{over}^({count}) ",
    sample_sum=lambda over, count: f"Σ_{over}^({count}) ",
    coordinate_sum=lambda index: f"Σ_{index}",
    different="≠",
    given="|",
    delta=lambda indices: f"δ_{indices}",
    transpose="ᵀ",
    determinant="log det",
    times=" ",
    trace=lambda inside: f"Tr[{inside}]",
    matrix=lambda one: one.text,
    norm=lambda inside, power: f"|{inside}|{superscript(power) if power != 1 else ''}",
    class_sum=lambda names: f"Σ_{''.join(names)} {' '.join(f'π_{one}' for one in names)}",
    entry=lambda matrix, indices: f"({matrix})_{indices}",
    remainder=lambda of, order: f"O({of}{superscript(order)})",
    minus="−",
    stopped="sg f",
)

LATEX = Style(
    view=_view_latex,
    scalar=_scalar_latex,
    half=r"\tfrac{1}{2}",
    inner=lambda u, v: rf"\langle {u}, {v}\rangle",
    square=lambda u, v: rf"\|{u} - {v}\|^2",
    coordinate=lambda u, i: f"{u}_{{{i}}}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    # Not \left and \right: a formula may be broken over lines between these.
    brackets=lambda inside: rf"\bigl[{inside}\bigr]",
    parentheses=lambda inside: rf"\bigl({inside}\bigr)",
    exponential=r"\exp",
    logarithm=r"\log",
    cosine=r"\cos",
    root=lambda inside: rf"\sqrt{{{inside}}}",
    mean=lambda over: rf"\mathbb{{E}}_{{{over}}}",
    statistic=lambda kind: r"\mathbb{E}" if kind == "E" else rf"\operatorname{{{kind}}}",
    sample_mean=lambda over, terms, count: rf"\frac{{1}}{{{terms}}}\sum_{{{over}}}^{{{count}}}",
    sample_sum=lambda over, count: rf"\sum_{{{over}}}^{{{count}}}",
    coordinate_sum=lambda index: rf"\sum_{{{index}}}",
    different=r" \neq ",
    given=r" \mid ",
    delta=lambda indices: rf"\delta_{{{indices}}}",
    transpose=r"^{\top}",
    determinant=r"\log\det",
    times=" ",
    trace=lambda inside: rf"\operatorname{{Tr}}[{inside}]",
    matrix=lambda one: one.latex,
    norm=lambda inside, power: rf"\|{inside}\|" + (f"^{{{power}}}" if power != 1 else ""),
    class_sum=lambda names: rf"\sum_{{{','.join(names)}}} " + " ".join(rf"\pi_{one}" for one in names),
    entry=lambda matrix, indices: f"({matrix})_{{{indices}}}",
    remainder=lambda of, order: rf"O(\|{of}\|^{{{order}}})",
    minus="-",
    stopped=r"\operatorname{sg} f",
)


def point(encoders: int, *, bias: bool) -> str:
    """What a loss is expanded in: W, (W, b) or (W, V)."""
    return "(W, V)" if encoders == 2 else "(W, b)" if bias else "W"


def product_of_invariants(invariants: Invariants, style: Style, held: Sequence[View | Index] = ()) -> str:
    """A product of trace words and sums over coordinates, and of words that end in what is held, as f(x).

    It is summed over the classes that it names, or averaged over the data.
    """
    used = slots(invariants)
    names = [NAMES[slot] for slot in used]
    of_data = bool(used) and used[0] >= SLOTS
    pieces = [style.mean(",".join(names)) if of_data else style.class_sum(names)] if used else []
    for one in sorted(set(invariants)):
        written, times = _invariant(one, style, held), invariants.count(one)
        form = _form(one)
        norm = "" if form is None or form[1] or form[0] != form[2] else _end(form[0], style, held)
        if norm:
            pieces.append(style.norm(norm, 2 * times))
        elif times == 1:
            pieces.append(written)
        else:
            # uᵀ P v as a whole is raised; an entry is by itself, and so is ⟨f(x), f(χ)⟩.
            of_word = form is not None and (bool(form[1]) or min(form[0], form[2]) > HELD)
            of_word = of_word and form is not None and bool(_end(form[0], style, held))
            pieces.append(style.power(style.parentheses(written) if of_word else written, str(times)))
    return style.times.join(pieces)


def signed_sum(terms: Iterable[tuple[sympy.Expr, str]], style: Style, tail: str = "") -> str:
    """Σ coefficient × what, with signs pulled out of the coefficients, and a remainder as the tail."""
    written = ""
    for coefficient, what in terms:
        negative = coefficient.could_extract_minus_sign()
        size = -coefficient if negative else coefficient
        sign = style.minus if negative else "+"
        shown = "" if size == 1 else style.scalar(size)
        if size.is_Add:
            shown = style.parentheses(shown)
        term = f"{shown} {what}".strip() if what else shown or "1"
        written += (f" {sign} " if written else style.minus if negative else "") + term
    return f"{written} + {tail}" if written and tail else written or tail or "0"


def _form(one: Invariant) -> tuple[int, str, int] | None:
    """u, P and v of uᵀ P v, by the numbers of their ends; None where it is no form."""
    i, word, j = one[0]
    if is_trace(one):
        for place, letter in enumerate(word):
            if LETTERS[letter].ends:
                # Tr[v uᵀ P] = uᵀ P v
                v, u = LETTERS[letter].ends
                inside = word[place + 1 :] + word[:place]
                # The bias comes first, then the mean.
                return min((u, inside, v), (v, transpose(inside), u), key=lambda form: (-form[0], form[1]))
        return None
    return (i, word, j) if len(one) == 1 and i < 0 and j < 0 else None


def _end(end: int, style: Style, held: Sequence[View | Index]) -> str:
    """The vector that a word ends in; empty for the unit vector of a coordinate, which is held."""
    if end > HELD:
        return style.product(ENDS[end])
    label = held[HELD - end]
    return style.embedded(label) if isinstance(label, View) else ""


def _turned(end: int, style: Style, held: Sequence[View | Index]) -> str:
    """Its transpose."""
    return style.product(transpose(ENDS[end])) if end > HELD else _end(end, style, held) + style.transpose


def _invariant(one: Invariant, style: Style, held: Sequence[View | Index]) -> str:
    form = _form(one)
    if form is not None and (left := _end(form[0], style, held)) and (right := _end(form[2], style, held)):
        inside = _word(form[1], style)
        if not inside and left == right:
            return style.norm(left, 2)
        if not inside and min(form[0], form[2]) <= HELD:
            return style.inner(left, right)
        return " ".join(filter(None, (_turned(form[0], style, held), inside, right)))
    if is_trace(one):
        return style.trace(_word(one[0][1], style))
    free = {HELD - k: label.name for k, label in enumerate(held) if isinstance(label, Index)}
    letters = (name for name in "ijklmnopqrst" if name not in free.values())
    summed = dict(zip(sorted({i for i, _, j in one for i in (i, j) if i >= 0}), letters, strict=False))
    names = free | summed
    entries = []
    for link in sorted(set(one)):
        i, word, j = link
        vectors = [_end(end, style, held) for end in (i, j) if end not in names]
        indices = "".join(names[end] for end in (i, j) if end in names)
        if not word:
            loose = [end for end in (i, j) if end not in names]
            # f(x)_i and b_i, but (W μ)_i.
            long = bool(loose) and len(ENDS.get(loose[0], "")) > 1
            entry = style.delta(indices)
            if vectors:
                entry = (style.entry if long else style.coordinate)(vectors[0], indices)
        else:
            # (uᵀ P)_j is (Pᵀ u)_j.
            after = word if i in names else transpose(word)
            entry = style.entry(" ".join([_word(after, style), *vectors]), indices)
        entries.append(entry if one.count(link) == 1 else style.power(entry, str(one.count(link))))
    before = f"{style.coordinate_sum(''.join(summed.values()))} " if summed else ""
    return before + " ".join(entries)


def _word(word: str, style: Style) -> str:
    if not word:
        return ""
    for length in range(1, len(word)):
        block, times = word[:length], len(word) // length
        if block * times == word:
            inside = f"({_word(block, style)})"
            return style.power(inside, str(times))
    return " ".join(style.sandwich(letter) for letter in word)
