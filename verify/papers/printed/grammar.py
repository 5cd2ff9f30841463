r"""The grammar of printed formulas: sums of coefficient × traces, and matrices like β A0 + (β − 1) C.

    sum      a + b − c, an O(W⁶) at its end
    term     factors side by side, * and /; a division is by the next factor alone
    factor   a base with ^ or superscripts, a transpose W^T, W', Wᵀ, W.T, or coordinates (W A0 Wᵀ)_ij
    base     3/4, 0.75, ¾; a parameter; exp, log, sqrt; W, A0, Sigma, C, I, G = WᵀW, b; Tr[…]; |b|², ‖W‖_F²;
             Σ_ij …; brackets; of two kinds of views V, A, A2, Sigma2

It is read by descent into the tree of `verify.papers.printed.tree`: nothing is computed here, and no text is evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive.definition.cursor import Cursor
from verify.papers.printed import names
from verify.papers.printed.behind import behind
from verify.papers.printed.calls import call, is_call
from verify.papers.printed.endings import constant, ending
from verify.papers.printed.norms import inner_product, norm
from verify.papers.printed.ranges import over
from verify.papers.printed.tree import Product, Quotient, Scalar, Sum, is_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from derive.definition.tokens import Token
    from verify.papers.printed.tree import Node

CLOSING = {"(": ")", "[": "]", "{": "}"}


class Formula(Cursor):
    """A formula that is being read.

    Args:
        text: of the formula.
        symbols: what names stand for: the loss's parameters, and what else the formula may hold.
        bias: whether b may be the bias of f(x) = W x + b.
        second: what carries views of the second kind, V or W; empty where there is one kind.
        functions: further functions of a scalar by name.
        stops: names that end a term, such as "or" between conditions.
        shorthands: what further names stand for, P = W A0 Wᵀ.
        held: the columns f(x) and g(y) that may stand in it, by what is written, and their letters.
        free: coordinates that no sum runs over.
        part: the tokens that are read, of all of the text.
        ends: whether a remainder, dots or a constant that is not written out may end it.

    Attributes:
        scope: coordinates that a sum around runs over.
        remainder: the order of O(…), where the formula ends in one.
        goes_on: whether it ends in dots, which stand for higher orders.
        constant_open: whether a constant in it is not written out.

    """

    def __init__(
        self,
        text: str,
        symbols: Mapping[str, sympy.Expr],
        *,
        bias: bool = False,
        second: str = "",
        functions: Mapping[str, Callable[[sympy.Expr], sympy.Expr]] | None = None,
        stops: tuple[str, ...] = (),
        shorthands: Mapping[str, Node] | None = None,
        held: Mapping[str, str] | None = None,
        free: Sequence[str] = (),
        part: Sequence[Token] | None = None,
        ends: bool = False,
    ) -> None:
        super().__init__(text, part)
        self.symbols = symbols
        self.bias = bias
        self.second = second
        self.matrices = names.matrices(second)
        self.functions = dict(functions or {})
        self.stops = stops
        self.shorthands = dict(shorthands or {})
        self.ends = ends
        self.held = dict(held or {})
        self.scope: list[str] = list(free)
        # Where round brackets of a trace end, and what is in them: Tr(X)^2 can be read in two ways.
        self.round: tuple[int, str] | None = None
        self.remainder: int | None = None
        self.goes_on = False
        self.constant_open = False

    def whole(self) -> Node:
        """A sum, after which nothing may stand."""
        found = self.sum()
        self.expect_end()
        return found

    def sum(self) -> Node:
        """Terms with signs between."""
        start, total, first = self.next, [], True
        with self.deeper():
            minus = self.signs()
            while not ending(self, first=first, minus=minus):
                first = False
                if not constant(self):
                    term = self.term()
                    total.append(Product((Scalar(sympy.S.NegativeOne), term), term.at) if minus else term)
                if not self.sign("+", "-"):
                    break
                minus = self.signs()
        return total[0] if len(total) == 1 else Sum(tuple(total), start.start)

    def term(self) -> Node:
        """Factors side by side, * and /."""
        start = self.next
        factors = [self.factor(())]
        while True:
            slash = self.next
            if self.taken("/"):
                below = self.factor(())
                self._one_divisor(slash)
                factors = [Quotient(Product(tuple(factors), start.start), below, slash.start)]
            elif self.taken("*") or self.begins():
                self.one_number(slash)
                beside, behind = self.next, self.round is not None and self.round[0] == self.at
                factors.append(self.factor(factors))
                if behind and is_matrix(factors[-1]):
                    said = "Tr(…) before a further matrix can be read in two ways; put the whole into Tr[…]"
                    raise self.refuse(said, beside)
            else:
                return factors[0] if len(factors) == 1 else Product(tuple(factors), start.start)

    def begins(self) -> bool:
        """Whether a factor begins here."""
        if self.next.kind == "name" and self.next.value in self.stops:
            return False
        return self.next.kind in ("number", "name", "sum") or self.sign(*CLOSING, *({"|", "‖", "⟨"} - {self.bar}))

    def _one_divisor(self, slash: Token) -> None:
        """1/2N and 1/N(N − 1) are printed for both readings; 3/4Tr[…] and 1/(2N)Tr[…] are not.

        A space decides in plain text. LaTeX sets none.
        """
        last = self.tokens[self.at - 1]
        beside = last.end == self.next.start or "\\" in self.text
        if beside and self.begins() and not self.holds_matrices() and last.value not in CLOSING.values():
            shown = self.text[slash.start : self.next.end]
            space = "" if "\\" in self.text else ", or a space behind it"
            remedy = f"put brackets around what is divided by{space}"
            raise self.refuse(f"{shown} can be read in two ways; {remedy}", slash)

    def holds_matrices(self) -> bool:
        """Whether what comes next cannot be divided by."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += (token.value in CLOSING) - (token.value in CLOSING.values())
            if token.kind == "sum" or token.value in ("Tr", "‖", "⟨", *self.matrices, *("b" * self.bias)):
                return True
            if depth <= 0:
                break
        return False

    def factor(self, before: Sequence[Node]) -> Node:
        """A base with its powers and transposes; what stands before it distinguishes the bias b from a parameter b."""
        start = self.next
        return behind(self, self.base(before), start)

    def base(self, before: Sequence[Node]) -> Node:
        """A number, a name, a function, a trace, a norm, a sum over coordinates or brackets."""
        start = self.next
        if start.kind == "end":
            raise self.refuse("the formula ends where a term is needed")
        if start.kind == "sign" and (start.value not in (*CLOSING, "|", "‖", "⟨") or start.value == self.bar):
            raise self.refuse(names.SAID.get(start.value, f"{start.value!r} stands where a term is needed"))
        self.at += 1
        match start.kind:
            case "number":
                return Scalar(self.number(start), start.start)
            case "sum":
                return over(self, start)
            case "name" if self.held and start.value in ("f", "g") and self.sign("("):
                return names.held(self, start)
            case "name" if is_call(self, start):
                return call(self, start)
            case "name":
                return names.named(self, start, before)
        if start.value in ("|", "‖"):
            return norm(self, start)
        if start.value == "⟨":
            return inner_product(self, start)
        return self.inside(CLOSING[start.value])

    def inside(self, closing: str) -> Node:
        """The content of brackets, the first of which has been read."""
        with self.until(""):
            inside = self.sum()
        self.close(closing)
        return inside

    def bracketed(self, name: str) -> Node:
        """The content of the brackets that must follow."""
        if not self.sign(*CLOSING):
            raise self.refuse(f"after {name} brackets are needed, {name}[…]")
        self.at += 1
        return self.inside(CLOSING[self.tokens[self.at - 1].value])
