r"""The grammar of printed formulas: sums of coefficient × traces, matrices like β A0 + (β − 1) C, and inequalities.

    sum      a + b − c, an O(W⁶) at its end
    term     factors side by side, * and /; a division is by the next factor alone
    factor   a base with ^ or superscripts, or a transpose: W^T, W', Wᵀ, W.T
    base     3/4, 0.75, ¾; a parameter; exp, log, sqrt; W, A0, Sigma, C, I, G = WᵀW, b; Tr[…]; |b|², ‖W‖_F²;
             Σ_ij …; brackets

It is read by descent into `verify.printed.algebra`: exact coefficients, no evaluation of text.
"""

from __future__ import annotations

import difflib
import re
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING

import sympy

from derive import InputError
from verify.printed import algebra
from verify.printed.algebra import Polynomial, Product
from verify.printed.cursor import Cursor
from verify.printed.norms import NO_BIAS, norm
from verify.printed.tokens import PlaceError, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MATRICES = {"W": "W", "A0": "A", "Sigma": "S", "C": "C", "G": "wW"}
_FUNCTIONS: dict[str, Callable[[sympy.Expr], sympy.Expr]] = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}
# Letters of the field that are no parameters.
_WORDS = ("Tr", "W", "A0", "Sigma", "C", "G", "I", "exp", "log", "sqrt")
_CONSTANTS = {"e": sympy.E, "E": sympy.E, "pi": sympy.pi}
# Beyond these a formula is a slip, or meant to keep a processor busy.
_LARGEST_POWER, _LARGEST_LOG, _LARGEST_OF_TRACES, _LONGEST_NUMBER = 100, 500, 20, 40
_DEEPEST = 100


class Formula(Cursor):
    """A formula that is being read.

    Args:
        text: of the formula.
        symbols: what names stand for: the loss's parameters, and what else the formula may hold.
        bias: whether b may be the bias of f(x) = W x + b.
        functions: further functions of a scalar by name.
        stops: names that end a term, such as "or" between conditions.

    """

    def __init__(
        self,
        text: str,
        symbols: Mapping[str, sympy.Expr],
        *,
        bias: bool = False,
        functions: Mapping[str, Callable[[sympy.Expr], sympy.Expr]] | None = None,
        stops: tuple[str, ...] = (),
    ) -> None:
        super().__init__(text)
        self.symbols = symbols
        self.bias = bias
        self.functions = {**_FUNCTIONS, **(functions or {})}
        self.stops = stops
        self.depth = 0
        # The order of O(…), where the formula ends in one.
        self.remainder: int | None = None

    def at_place(self, token: Token, call: Callable[[], Polynomial]) -> Polynomial:
        """What a call gives; what it refuses is refused at the place of a token."""
        try:
            return call()
        except PlaceError:
            raise
        except InputError as error:
            raise self.refuse(str(error), token) from None

    # The grammar.

    def sum(self) -> Polynomial:
        """Terms with signs between."""
        total: list[Polynomial] = []
        with self.deeper():
            sign = -1 if self._signs() else 1
            while not self._remainder(first=not total):
                total.append(algebra.times(algebra.scalar(sympy.Integer(sign)), self.term()))
                if not self.sign("+", "-"):
                    break
                sign = -1 if self._signs() else 1
        return algebra.plus(*total)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One bracket or sum further in; where that is too far, refuse. After a refusal the depth is set anew."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refuse("the formula has too many brackets or sums inside one another")
        yield
        self.depth -= 1

    def _signs(self) -> bool:
        """Read signs; whether they make a minus."""
        minus = False
        while self.sign("+", "-"):
            minus ^= self.next.value == "-"
            self.at += 1
        return minus

    def term(self) -> Polynomial:
        """Factors side by side, * and /."""
        product = self.factor(algebra.scalar(sympy.S.One))
        while True:
            start = self.next
            if self.taken("/"):
                product = algebra.times(product, algebra.scalar(1 / self._divisor(start)))
            elif self.taken("*") or self._begins():
                product = algebra.times(product, self.factor(product))
            else:
                return product

    def _begins(self) -> bool:
        if self.next.kind == "name" and self.next.value in self.stops:
            return False
        return self.next.kind in ("number", "name", "sum") or self.sign(*_CLOSING, *({"|", "‖"} - {self.bar}))

    def _divisor(self, slash: Token) -> sympy.Expr:
        value = self._not_zero(self.factor(algebra.scalar(sympy.S.One)), slash)
        last = self.tokens[self.at - 1]
        # 1/2N and 1/N(N − 1) are printed for both; 3/4Tr[…] and 1/(2N)Tr[…] are not.
        beside = self._begins() and self.next.value != "Tr" and last.end == self.next.start
        if beside and last.value not in _CLOSING.values():
            shown = self.text[slash.start : self.next.end]
            remedy = "put brackets around what is divided by, or a space behind it"
            raise self.refuse(f"{shown} can be read in two ways; {remedy}", slash)
        return value

    def _not_zero(self, divisor: Polynomial, token: Token) -> sympy.Expr:
        value = self.coefficient(divisor, token, "a formula is divided by numbers and parameters alone")
        if value == 0:
            raise self.refuse("this divides by zero", token)
        return value

    def coefficient(self, value: Polynomial, token: Token, rule: str) -> sympy.Expr:
        """A polynomial that holds no matrix, as an expression in the parameters.

        Raises:
            PlaceError: it holds one.

        """
        if set(value) - {Product()}:
            raise self.refuse(f"{rule}, not matrices and traces", token)
        return value.get(Product(), sympy.S.Zero)

    def factor(self, before: Polynomial) -> Polynomial:
        """A base with its powers and transposes; what stands before it tells the bias b from a parameter b."""
        start = self.next
        base = self.base(before)
        while True:
            if self.taken("'"):
                base = algebra.transposed(base)
            elif self.sign("_"):
                base = self._entry(base)
            elif self.taken("^"):
                base = self._raised(base, start)
            else:
                return base

    def _raised(self, base: Polynomial, start: Token) -> Polynomial:
        matrices = any(one.word for one in base)
        closing = _CLOSING[self.tokens[self.at - 1].value] if self.taken("(", "{") else None
        if matrices and (self.sign("'") or (self.next.kind == "name" and self.next.value == "T")):
            self.at += 1
            self._close(closing)
            return algebra.transposed(base)
        if closing is not None:
            exponent = self.coefficient(self._inside(closing), start, "an exponent holds numbers and parameters alone")
        else:
            minus = self._signs()
            if self.next.kind not in ("number", "name"):
                raise self.refuse("after ^ an exponent is needed, such as ^2, ^(-1/2), or ^T of a matrix")
            exponent = self.coefficient(self.base({}), start, "an exponent holds numbers and parameters alone")
            exponent = -exponent if minus else exponent
        if self.sign("^"):
            raise self.refuse("a power of a power can be read in two ways; put brackets")
        if set(base) <= {Product()}:
            value = base.get(Product(), sympy.S.Zero)
            if value == 0 and not exponent.is_positive:
                raise self.refuse("this divides by zero", start)
            large = value.is_number and exponent.is_number and abs(sympy.log(abs(value)) * exponent) > _LARGEST_LOG
            if large or _beyond(exponent):
                raise self.refuse("this power is too large to be meant", start)
            return algebra.scalar(value**exponent)
        if not (exponent.is_Integer and 0 < exponent <= _LARGEST_OF_TRACES):
            said = f"a trace or a matrix has whole powers from 1 to {_LARGEST_OF_TRACES}, not {exponent}"
            raise self.refuse(said, start)
        return algebra.power(base, int(exponent))

    def _close(self, closing: str | None) -> None:
        if closing is not None and not self.taken(closing):
            raise self.refuse(f"{closing!r} is missing here")

    def _entry(self, base: Polynomial) -> Polynomial:
        start = self.next
        self.at += 1
        closing = "}" if self.taken("{") else None
        index = self.next.value if self.next.kind == "name" else ""
        if not re.fullmatch("[i-p][i-p]", index):
            raise self.refuse("an entry has two coordinates, as in (W A0 W^T)_ij")
        self.at += 1
        self._close(closing)
        return self.at_place(start, lambda: algebra.entry(base, index[0], index[1]))

    def base(self, before: Polynomial) -> Polynomial:
        """A number, a name, a function, a trace, a norm, a sum over coordinates or brackets."""
        start = self.next
        if start.kind == "end":
            raise self.refuse("the formula ends where a term is needed")
        if start.kind == "sign" and (start.value not in (*_CLOSING, "|", "‖") or start.value == self.bar):
            raise self.refuse(f"{start.value!r} stands where a term is needed")
        self.at += 1
        match start.kind:
            case "number":
                if len(start.value) > _LONGEST_NUMBER:
                    raise self.refuse(f"numbers have at most {_LONGEST_NUMBER} digits here", start)
                if start.value.endswith("/0"):
                    raise self.refuse("this divides by zero", start)
                if abs(int(start.value.lower().partition("e")[2] or 0)) > _LONGEST_NUMBER:
                    raise self.refuse(f"powers of ten go from -{_LONGEST_NUMBER} to {_LONGEST_NUMBER} here", start)
                return algebra.scalar(sympy.Rational(start.value))
            case "sum":
                name = f"sum_{start.value}"
                if name in self.functions:
                    return self._applied(name, self._bracketed(name), start)
                with self.deeper():
                    inside = self.term()
                return self.at_place(start, lambda: algebra.summed(inside, start.value))
            case "name":
                return self._named(start, before)
        if start.value in ("|", "‖"):
            return norm(self, start)
        return self._inside(_CLOSING[start.value])

    def _inside(self, closing: str) -> Polynomial:
        with self.until(""):
            inside = self.sum()
        self._close(closing)
        return inside

    def _bracketed(self, name: str) -> Polynomial:
        if not self.sign(*_CLOSING):
            raise self.refuse(f"after {name} brackets are needed, {name}[…]")
        self.at += 1
        return self._inside(_CLOSING[self.tokens[self.at - 1].value])

    def _named(self, token: Token, before: Polynomial) -> Polynomial:
        name = token.value
        if name == "b" and self._is_bias(before):
            return algebra.matrix("b")
        if name in self.symbols:
            return algebra.scalar(self.symbols[name])
        if name == "Tr":
            inside = self._bracketed(name)
            return self.at_place(token, lambda: algebra.traced(inside))
        if name in self.functions:
            if name == "sqrt" and self.sign("[") and self.text[token.start] == "\\":
                raise self.refuse("a root other than the square root is written as a power, N^(1/3)")
            return self._applied(name, self._bracketed(name), token)
        if name == "frac":
            above, below = self._group(), self._group()
            return algebra.times(above, algebra.scalar(1 / self._not_zero(below, token)))
        if name in _MATRICES:
            return algebra.matrix(_MATRICES[name])
        if name == "I":
            return algebra.scalar(sympy.S.One)
        if name in _CONSTANTS:
            return algebra.scalar(_CONSTANTS[name])
        raise self.refuse(self._unknown(name), token)

    def _applied(self, name: str, inside: Polynomial, token: Token) -> Polynomial:
        value = self.coefficient(inside, token, f"{name} is taken of numbers and parameters alone")
        if name == "exp" and _beyond(value):
            raise self.refuse(f"e is raised to whole numbers and fractions up to {_LARGEST_POWER} here", token)
        return self.at_place(token, lambda: algebra.scalar(self.functions[name](value)))

    def _group(self) -> Polynomial:
        token = self.next
        if self.sign("{"):
            return self._bracketed("frac")
        # TeX takes one digit or one letter where there are no braces.
        if not (token.kind == "number" and len(token.value) == 1) and token.kind != "name":
            raise self.refuse(r"\frac takes two groups in braces, as in \frac{3}{4}")
        return self.base({})

    def _is_bias(self, before: Polynomial) -> bool:
        """Whether this b is the bias: transposed, before bᵀ, or after a matrix whose columns are its coordinates."""
        if not self.bias:
            return False
        following = [token.value for token in self.tokens[self.at : self.at + 3]]
        transposes = (["'"], ["^", "T"], ["^", "{", "T"])
        if any(following[: len(one)] == one for one in transposes):
            return True
        then = [token.value for token in self.tokens[self.at + 1 : self.at + 4]]
        if following[:1] == ["b"] and any(then[: len(one)] == one for one in transposes):
            return True
        return bool(before) and all(one.word[-1:] in ("w", "d") for one in before)

    def _unknown(self, name: str) -> str:
        if name == "b":
            return NO_BIAS
        if name in ("cdots", "ldots", "dots"):
            return "what is left out of a formula stands at its end as a remainder, … + O(W^6)"
        known = sorted(self.symbols)
        near = difflib.get_close_matches(name, [*known, *_WORDS], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{name} is unknown here; {hint}The parameters are {', '.join(known) or 'none'}"

    def _remainder(self, *, first: bool) -> bool:
        """Read O(W⁶), which ends a formula."""
        start = self.next
        if not (start.kind == "name" and start.value == "O" and "O" not in self.symbols):
            return False
        rest = self.tokens[self.at + 1 : -1]
        values = [token.value for token in rest]
        orders = [token.value for token in rest if token.kind == "number"]
        # One bracket, closed by the last token.
        open_ = list(accumulate((value == "(") - (value == ")") for value in values))
        whole = values[:1] == ["("] and 0 in open_ and open_.index(0) == len(open_) - 1
        if first or self.depth > 1 or not whole or not orders or not orders[-1].isdigit():
            raise self.refuse("a remainder stands at the end of a formula and names an order, as in … + O(W^6)")
        self.at, self.remainder = len(self.tokens) - 1, int(orders[-1])
        return True


def _beyond(exponent: sympy.Expr) -> bool:
    """Whether b^exponent is a power of b, or of b^x as in b^(k x), or a root of them, that is too large."""
    if exponent.is_number and abs(exponent) > _LARGEST_POWER:
        return True
    numbers = (term.as_coeff_Mul()[0] for term in sympy.Add.make_args(sympy.expand(exponent)))
    return any(max(abs(one.p), one.q) > _LARGEST_POWER for one in numbers if one.is_Rational)
