"""Formulas of claims as plain text and as LaTeX, the way the papers write them: Tr[W A0 Wᵀ]."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from derive.algebra.scalars import normal_form
from derive.definition.notation import GREEK, LATEX, TEXT, Style, signed_sum
from derive.landscape.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A relation in text and in LaTeX.
_RELATIONS = {
    "<": (" < ", " < "), "<=": (" ≤ ", r" \le "), ">": (" > ", " > "), ">=": (" ≥ ", r" \ge "), "==": (" = ", " = "),
    "!=": (" ≠ ", r" \ne "),
}  # fmt: skip
# What the encoder does not know, or writes for running text only.
_SIGNS = {
    sign: rf"\ensuremath{{{command}}}"
    for sign, command in {
        "½": r"\tfrac12", "⅛": r"\tfrac18", "¼": r"\tfrac14", "¾": r"\tfrac34", "⅔": r"\tfrac23", "⅓": r"\tfrac13",
        "⅕": r"\tfrac15", "⅖": r"\tfrac25", "⅙": r"\tfrac16", "→": r"\to", "√": r"\surd", "·": r"\cdot", "−": "-",
        "×": r"\times", "⟨": r"\langle", "⟩": r"\rangle", "∂": r"\partial", "⪰": r"\succeq", "⪯": r"\preceq",
        "‖": r"\|", "…": r"\ldots", "ᵀ": r"{}^{\top}", "′": r"{}^{\prime}", "⁻": "{}^{-}",
        "✓": r"\checkmark", "✗": r"\times", "|": "|",
    }.items()
} | {sign: rf"\ensuremath{{{{}}^{power}}}" for power, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}  # fmt: skip
_ACCENTS = {"\N{COMBINING CIRCUMFLEX ACCENT}": "hat", "\N{COMBINING MACRON}": "bar", "\N{COMBINING TILDE}": "tilde"}
_SIGNS |= dict.fromkeys(_ACCENTS, "")
_LETTERS = GREEK | {"Sigma": "Σ", "Lambda": "Λ"}


def latex(value: Any) -> str:
    r"""LaTeX of a formula, a condition, or a plain word or truth value.

    >>> from verify.papers.claims.formulas import A0, Tr, W
    >>> print(latex(-Tr(W * A0 * W.T) / 8), latex(True))
    -\frac{1}{8} \operatorname{Tr}\left[W A_{0} W^{\top}\right] \text{yes}
    """
    return _written(value, _Latex(), LATEX, lambda word: rf"\text{{{word}}}")


def text(value: Any) -> str:
    """Plain text of the same.

    >>> from verify.papers.claims.formulas import A0, Sigma, Tr, W
    >>> print(text(-Tr(W * A0 * W.T) / 8), "and", text(Sigma ** sympy.Rational(-1, 2) * A0), "and", text(False))
    −⅛ Tr[W A0 Wᵀ] and Σ^(-1/2) A0 and no
    """
    return _written(value, _Text(), TEXT, lambda word: word)


def stated(says: str, statement: Mapping[str, Any], write: Callable[[Any], str] = text) -> str:
    r"""A sentence with its slots filled, in plain text, or in LaTeX (text mode, formulas between dollars).

    >>> from verify.papers.claims.formulas import A0
    >>> print(stated("B = {B} of 100 %", {"B": 2 * A0}), "|", stated("B = {B} of 100 %", {"B": 2 * A0}, latex))
    B = 2 A0 of 100 % | B = $2 A_{0}$ of 100 \%
    """
    in_latex = write is latex
    parts = re.split("|".join(rf"(\{{{slot}\}})" for slot in statement) or "(?!)", says)
    written = ""
    for part in parts:
        slot = (part or "")[1:-1]
        if part and part[0] == "{" and slot in statement:
            written += f"${write(statement[slot])}$" if in_latex else write(statement[slot])
        else:
            written += running(part or "") if in_latex else part or ""
    return written


def running(words: str) -> str:
    r"""Running text as LaTeX: subscripts become formulas, letters and signs of mathematics commands.

    >>> print(running("a_i ≥ 0 & W → aW"))
    $a_{i}$ \ensuremath{\geq} 0 \& W \ensuremath{\to} aW
    >>> print(running("x\N{COMBINING MACRON} Σ^(−½), (W)_ii, s_chi, λ_bar"))
    \ensuremath{\bar{x}} \ensuremath{\Sigma}\ensuremath{{}^{-1/2}}, (W)${}_{ii}$, $s_{\chi}$, $\bar{\lambda}$
    >>> print(running("ΣB_M"))
    $\ensuremath{\Sigma}B_{M}$
    """
    pieces = re.split(r"((?:[A-Za-zα-ωΑ-Ω]+|(?<=\)))_(?:[A-Za-z0-9α-ωΑ-Ω]+|\*|\{[^}]*\}))", words)
    return "".join(
        _subscripted(piece) if k % 2 else _encoder().unicode_to_latex(piece) for k, piece in enumerate(pieces)
    )


def literal(words: str) -> str:
    r"""Running text as LaTeX, names and file names as they stand.

    >>> print(literal("quartic audit my_loss.py:loss"))
    quartic audit my\_loss.py:loss
    """
    return str(_encoder().unicode_to_latex(words))


@lru_cache(maxsize=1)
def _encoder() -> Any:
    from pylatexenc.latexencode import RULE_DICT, RULE_REGEX, UnicodeToLatexConversionRule, UnicodeToLatexEncoder

    accents = [(re.compile(rf"(\w){sign}"), partial(_accented, command)) for sign, command in _ACCENTS.items()]
    halves = (re.compile(r"\^\(?(−?)½\)?"), lambda found: rf"\ensuremath{{{{}}^{{{'-' * bool(found[1])}1/2}}}}")
    hats = UnicodeToLatexConversionRule(RULE_REGEX, [*accents, halves])
    signs = UnicodeToLatexConversionRule(RULE_DICT, {ord(sign): command for sign, command in _SIGNS.items()})
    return UnicodeToLatexEncoder(
        conversion_rules=[hats, signs, "defaults"], unknown_char_policy="keep", unknown_char_warning=False
    )


def _accented(command: str, found: re.Match[str]) -> str:
    return rf"\ensuremath{{\{command}{{{_encoder().unicode_to_latex(found[1])}}}}}"


def _subscripted(piece: str) -> str:
    letter, index = (_letter(part.strip("{}")) for part in piece.split("_", 1))
    return rf"$\bar{{{letter}}}$" if index == "bar" else f"${letter or '{}'}_{{{index}}}$"


def _letter(name: str) -> str:
    """A letter as a command, told by its sign or by its name."""
    written = str(_encoder().unicode_to_latex(_LETTERS.get(name, name)))
    alone = re.fullmatch(r"\\ensuremath\{(\\[A-Za-z]+)\}", written)
    return alone[1] if alone else written


def _written(value: Any, printer: Any, style: Style, word: Any) -> str:
    if isinstance(value, str):
        return str(word(value))
    if isinstance(value, Condition):
        return value.whitened().latex() if style is LATEX else value.said()
    if isinstance(value, bool) or value in (sympy.true, sympy.false):
        return str(word("yes" if value else "no"))
    found = sympy.sympify(value, strict=True)
    if isinstance(found, sympy.core.relational.Relational):
        sides = (_written(side, printer, style, word) for side in (found.lhs, found.rhs))
        return _RELATIONS[found.rel_op][style is LATEX].join(sides)
    if isinstance(found, sympy.Expr) and not isinstance(found, sympy.MatrixExpr) and not found.has(sympy.Trace):
        return style.scalar(found) if style is TEXT and not found.has(sympy.Sum) else str(printer.doprint(found))
    if isinstance(found, sympy.Expr) and not isinstance(found, sympy.MatrixExpr) and found.has(sympy.Trace):
        return _sum_of_traces(found, printer, style)
    return str(printer.doprint(found))


def _sum_of_traces(value: sympy.Expr, printer: Any, style: Style) -> str:
    """Coefficients before traces, the lowest order first."""
    value = value.replace(lambda node: isinstance(node, sympy.Trace), _spread)
    traces = sorted(value.atoms(sympy.Trace), key=str)
    if not value.is_polynomial(*traces):
        return str(printer.doprint(value))
    terms = []
    for powers, factor in sympy.Poly(value, *traces).terms():
        what = [(trace, power) for trace, power in zip(traces, powers, strict=True) if power]
        product = sympy.Mul(*(trace**power for trace, power in what))
        size = sum(power * _letters(trace) for trace, power in what)
        terms.append((size, str(printer.doprint(product)) if what else "", normal_form(factor)))
    terms.sort(key=lambda term: (term[0], term[1]))
    return signed_sum([(factor, what) for _, what, factor in terms], style)


def _spread(trace: sympy.Trace) -> sympy.Expr:
    """A trace of a sum as a sum of traces, factors in front."""
    total = sympy.S.Zero
    for term in sympy.MatAdd.make_args(trace.args[0].expand().doit()):
        factor, matrices = term.as_coeff_matrices() if isinstance(term, sympy.MatMul) else (sympy.S.One, [term])
        total += factor * sympy.Trace(sympy.MatMul(*matrices))
    return total


def _letters(trace: sympy.Trace) -> int:
    """How many matrices stand in a trace."""
    return sum(1 for node in sympy.preorder_traversal(trace) if isinstance(node, sympy.MatrixSymbol))


class _Latex(LatexPrinter):  # type: ignore[misc]
    """SymPy's LaTeX with Tr[…] and Wᵀ as W^⊤."""

    def _print_Trace(self, node: sympy.Trace, exp: str | None = None) -> str:
        inside = rf"\operatorname{{Tr}}\left[{self._print(node.args[0])}\right]"
        return inside if exp is None else f"{inside}^{{{exp}}}"

    def _print_Transpose(self, node: sympy.Transpose) -> str:
        return rf"{self.parenthesize(node.arg, 100, strict=True)}^{{\top}}"

    def _print_Identity(self, _: sympy.Identity) -> str:
        return "I"

    def _print_MatAdd(self, node: sympy.MatAdd) -> str:
        return str(self._print_Add(node)).replace("+ -", "-")

    def _print_Symbol(self, node: sympy.Symbol, **given: Any) -> str:
        letter = node.name.removesuffix("_bar")
        written = str(super()._print_Symbol(sympy.Symbol(letter), **given))
        return written if letter == node.name else rf"\bar{{{written}}}"

    def _print_Sum(self, node: sympy.Sum) -> str:
        return rf"\sum_{{{_indices(node)}}} {self.parenthesize(node.function, 50)}"

    def _print_Indexed(self, node: sympy.Indexed, exp: str | None = None) -> str:
        written = f"{self._print(sympy.Symbol(str(node.base)))}_{{{''.join(map(str, node.indices))}}}"
        return written if exp is None else f"{written}^{{{exp}}}"


class _Text(StrPrinter):  # type: ignore[misc]
    """SymPy's text with the letters of the papers."""

    # SymPy's own classes bring methods of the usual name, which would come before those below.
    printmethod = "_quartic_text"

    def _print_Trace(self, node: sympy.Trace) -> str:
        return f"Tr[{self._print(node.args[0])}]"

    def _print_Transpose(self, node: sympy.Transpose) -> str:
        return f"{self._atom(node.arg)}ᵀ"

    def _print_MatAdd(self, node: sympy.MatAdd) -> str:
        return signed_sum([self._term(one) for one in node.args], TEXT)

    def _print_MatMul(self, node: sympy.MatMul) -> str:
        return signed_sum([self._term(node)], TEXT)

    def _term(self, node: sympy.MatrixExpr) -> tuple[sympy.Expr, str]:
        """A coefficient and what it multiplies; traces in it are written before the matrices."""
        factor, matrices = node.as_coeff_matrices() if isinstance(node, sympy.MatMul) else (sympy.S.One, [node])
        written = " ".join(map(self._factor, matrices))
        if factor.has(sympy.Trace):
            inside = _sum_of_traces(factor, self, TEXT)
            return sympy.S.One, f"({inside}) {written}" if " " in inside else f"{inside} {written}"
        return factor, written

    def _print_MatPow(self, node: sympy.MatPow) -> str:
        return self._power(node.base, node.exp)

    def _print_Inverse(self, node: sympy.Inverse) -> str:
        return self._power(node.arg, sympy.S.NegativeOne)

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:  # noqa: FBT001, FBT002 (SymPy's signature)
        if isinstance(expr.base, sympy.Trace | sympy.Indexed):
            return self._power(expr.base, expr.exp)
        return str(super()._print_Pow(expr, rational))

    def _print_MatrixSymbol(self, node: sympy.MatrixSymbol) -> str:
        return _LETTERS.get(str(node.name), str(node.name).replace("_", ""))

    def _print_Symbol(self, node: sympy.Symbol) -> str:
        return _LETTERS.get(str(node.name), str(node.name))

    def _print_Identity(self, _: sympy.Identity) -> str:
        return "I"

    def _print_Sum(self, node: sympy.Sum) -> str:
        factors = " ".join(self.parenthesize(one, 50) for one in sympy.Mul.make_args(node.function))
        return f"Σ_{_indices(node)} {factors}"

    def _print_Indexed(self, node: sympy.Indexed) -> str:
        return f"{self._print(sympy.Symbol(str(node.base)))}_{''.join(map(str, node.indices))}"

    def _power(self, base: sympy.Expr, exponent: sympy.Expr) -> str:
        raised = {2: "²", 3: "³", 4: "⁴"}.get(exponent) or f"^({self._print(exponent)})"
        return self._atom(base) + raised

    def _atom(self, node: sympy.Expr) -> str:
        written = str(self._print(node))
        return (
            written
            if node.is_Atom or isinstance(node, sympy.MatrixSymbol | sympy.Trace | sympy.Indexed)
            else f"({written})"
        )

    def _factor(self, node: sympy.Expr) -> str:
        written = str(self._print(node))
        return f"({written})" if isinstance(node, sympy.MatAdd) else written


def _indices(node: sympy.Sum) -> str:
    return "".join(str(index) for index, _, _ in node.limits)
