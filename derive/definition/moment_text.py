r"""The text of a moment, such as ``E(Var(|f(x) - f(chi)|^2 | x))``: read by its grammar, never evaluated.

    sum      a + b − c
    term     factors side by side, * and /; a division is by numbers and parameters
    factor   a base with ^ or superscripts, a transpose, a coordinate f(x)_i
    base     E(…), Var(…), Cov(…, …), Cum(…, k) or Cum(…, …, …), each with `| x` before the closing bracket;
             <f(x), f(chi)>, |f(x) - f(chi)|^2, f(x), sum_i …, Tr[…]; numbers, parameters, brackets;
             g(x_text) for the view x_text of the datum of x through the second encoder;
             Mean(…, u, n), the mean over n independent draws of u, of a number, a vector or a matrix f(u) f(u)^T

LaTeX is read as well, by the tokens that printed formulas have: \mathbb{E}[\|f(x) - f(\chi)\|^2 \mid x].
"""

from __future__ import annotations

import re
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import sympy

from derive.definition.cursor import Cursor
from derive.definition.expression import Coordinate, CoordinateSum, Expression, Scalar, free_views
from derive.definition.language import Mean, half_sq, inner
from derive.definition.matrices import Matrix, averaged, trace
from derive.definition.statistics import HIGHEST_CUMULANT, Kind, statistic
from derive.definition.vectors import Vector, embedding, inner_of
from derive.definition.views import Index, View, views
from derive.errors import InputError

if TYPE_CHECKING:
    from derive.definition.tokens import Token

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BARS = ("|", "‖")
_ANGLES = {"<": ">", "⟨": "⟩"}
_KINDS = get_args(Kind)
# Names that are no parameters.
_MATRICES = ("W", "A0", "Sigma", "C", "G", "V")
_FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "tanh")
_HIGHEST_POWER = 20
_EVEN = [str(2 * k) for k in range(1, _HIGHEST_POWER + 1)]
_NO_PARAMETERS = (*_KINDS, "f", "g", "Mean", "Tr")


class _Turned(NamedTuple):
    """f(x)ᵀ."""

    vector: Vector


_Value = Expression | Vector | Matrix | _Turned


def read_moment(text: str) -> Expression:
    r"""The definition of a moment that a text stands for.

    Views that are given at the outermost level stay free, and so do coordinates that no sum runs over.

    Raises:
        PlaceError: it cannot be read; the message shows the place.

    >>> from derive.definition.notation import TEXT
    >>> from derive.definition.written import definition
    >>> definition(read_moment(r"\mathbb{E}[\operatorname{Var}(\|f(x) - f(\chi)\|^2 \mid x)]"), TEXT)
    'E[Var[|f(x)−f(χ)|² | x]]'
    >>> read_moment("Var(|f(x) - f(chi)| | x)")
    Traceback (most recent call last):
    derive.definition.tokens.PlaceError: a norm has an even power, as in |f(x)|^2
      Var(|f(x) - f(chi)| | x)
                          ^

    """
    return _Reader(text).whole()


class _Reader(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.views: dict[str, Token] = {}
        self.encoders: dict[str, str] = {}
        # Within how many statistics the place is, and the views that stand outside of all.
        self.within = 0
        self.outside: dict[View, Token] = {}
        self.held: set[View] = set()
        self.random = False

    def whole(self) -> Expression:
        if self.next.kind == "end":
            message = "the text of a moment is empty; write for instance Var(|f(x) - f(chi)|^2)"
            raise InputError(message)
        start = self.next
        found = self.number_(self.sum(), start)
        self.expect_end()
        for view, token in self.outside.items():
            if view not in self.held:
                said = f"f({view.name}) stands outside of E(…), Var(…), Cov(…) and Cum(…), and is not given in one"
                raise self.refuse(said, token)
        if not self.random:
            raise self.refuse("nothing is averaged here; write E(…), Var(…), Cov(…, …) or Cum(…, k)", start)
        try:
            views(", ".join(self.views))
        except InputError as error:
            raise self.refuse(str(error).partition(": ")[2], start) from None
        return found

    # Sums and products.

    def sum(self) -> _Value:
        with self.deeper():
            minus = self.signs()
            total = self.term()
            total = self.times(Scalar(sympy.S.NegativeOne), total, self.next) if minus else total
            while self.sign("+", "-"):
                sign = self.next
                minus = self.signs()
                term = self.term()
                total = self.plus(total, self.times(Scalar(sympy.S.NegativeOne), term, sign) if minus else term, sign)
        return total

    def plus(self, one: _Value, other: _Value, sign: Token) -> _Value:
        for kind in (Expression, Vector, Matrix):
            if isinstance(one, kind) and isinstance(other, kind):
                return one + other
        raise self.refuse("on the two sides of this sign stand things of two kinds: numbers, vectors, matrices", sign)

    def term(self) -> _Value:
        value = self.factor()
        while True:
            sign = self.next
            if self.taken("/"):
                value = self.times(value, Scalar(1 / self.divisor(sign)), sign)
            elif self.taken("*") or self.begins():
                self.one_number(sign)
                value = self.times(value, self.factor(), sign)
            else:
                return value

    def divisor(self, slash: Token) -> sympy.Expr:
        value = self.factor()
        if not isinstance(value, Scalar):
            raise self.refuse("a moment is divided by numbers and parameters alone", slash)
        if value.value == 0:
            raise self.refuse("this divides by zero", slash)
        last = self.tokens[self.at - 1]
        beside = last.end == self.next.start or "\\" in self.text
        scalar = self.next.kind == "number" or (self.next.kind == "name" and self.next.value not in _NO_PARAMETERS)
        if beside and scalar and last.value not in _CLOSING.values():
            shown = self.text[slash.start : self.next.end]
            raise self.refuse(f"{shown} can be read in two ways; put brackets around what is divided by", slash)
        return value.value

    def times(self, one: _Value, other: _Value, sign: Token) -> _Value:
        match one, other:
            case (Expression(), Expression() | Vector() | Matrix()) | (Vector() | Matrix(), Expression()):
                return cast("_Value", one * other)  # type: ignore[operator]
            case Vector(), _Turned(right):
                return _Outer(one, right)
            case _Turned(left), Vector():
                return inner_of(left, other)
            case Matrix(), Matrix():
                return one @ other
        raise self.refuse(
            "these two are not multiplied: an inner product is written <f(x), f(y)>, a matrix f(x) f(y)^T", sign
        )

    def begins(self) -> bool:
        """Whether a factor begins here."""
        if self.next.kind in ("number", "name", "sum"):
            return True
        if self.sign(*_BARS):
            return self.next.value != self.bar and not self.given_follows()
        return self.sign(*_CLOSING, *_ANGLES, "𝔼")

    def given_follows(self) -> bool:
        """Whether the bar that is next stands before views that are given: before names, or alone in its bracket."""
        kinds = [token.value if token.kind == "sign" else token.kind for token in self.tokens[self.at + 1 :]]
        if re.match(r"name (?:' )*(?:, name (?:' )*)*[)\]}]", " ".join([*kinds, ""])):
            return True
        level = 0
        for kind in kinds:
            level += (kind in _CLOSING) - (kind in _CLOSING.values())
            if level < 0 or kind in _BARS:
                return level < 0
        return False

    # Factors.

    def factor(self) -> _Value:
        start = self.next
        value = self.base()
        while self.sign("^", "'", "_"):
            if self.taken("'"):
                value = self.turned(value, start)
            elif self.taken("_"):
                value = self.coordinate(value, start)
            else:
                self.at += 1
                value = self.raised(value, start)
        return value

    def turned(self, value: _Value, start: Token) -> _Value:
        if isinstance(value, Vector):
            return _Turned(value)
        if isinstance(value, Matrix):
            return value.T
        raise self.refuse("a vector f(x) and a matrix f(x) f(x)^T have a transpose, and a number has none", start)

    def coordinate(self, value: _Value, start: Token) -> Expression:
        closing = "}" if self.taken("{") else None
        token = self.next
        if not isinstance(value, Vector):
            raise self.refuse("a vector has coordinates, as in f(x)_i", start)
        if token.kind != "name" or not re.fullmatch("[i-p]", token.value):
            raise self.refuse("a coordinate is a letter from i to p, as in f(x)_i", token)
        self.at += 1
        self.close(closing)
        return _entry(value, Index(token.value))

    def raised(self, value: _Value, start: Token) -> _Value:
        sign = self.tokens[self.at - 1]
        closing = _CLOSING[self.tokens[self.at - 1].value] if self.taken("(", "{") else None
        if self.next.kind == "name" and self.next.value == "T" and isinstance(value, Vector | Matrix):
            self.at += 1
            self.close(closing)
            return self.turned(value, start)
        exponent = self.sum() if closing else self.exponent()
        self.close(closing)
        if isinstance(value, Scalar) and isinstance(exponent, Scalar):
            if value.value == 0 and not exponent.value.is_positive:
                raise self.refuse("this divides by zero", sign)
            if exponent.value.is_number and abs(exponent.value) > _HIGHEST_POWER:
                raise self.refuse(f"powers go to {_HIGHEST_POWER} here", sign)
            return Scalar(value.value**exponent.value)
        number = exponent.value if isinstance(exponent, Scalar) else sympy.S.NaN
        if not (number.is_Integer and 1 <= number <= _HIGHEST_POWER):
            raise self.refuse(f"what depends on f has whole powers from 1 to {_HIGHEST_POWER}", sign)
        if isinstance(value, Matrix):
            return reduce(lambda one, other: one @ other, [value] * int(number))
        if not isinstance(value, Expression):
            raise self.refuse("a vector has no power; write |f(x)|^2 for its squared length", sign)
        return value if number == 1 else value**number

    def exponent(self) -> _Value:
        minus = self.signs()
        if self.next.kind not in ("number", "name"):
            raise self.refuse("after ^ a number is needed, as in ^2")
        found = self.base()
        return self.times(Scalar(sympy.S.NegativeOne), found, self.next) if minus else found

    def base(self) -> _Value:
        start = self.next
        if start.kind == "end":
            raise self.refuse("the text ends where a term is needed")
        if start.kind == "sign" and not (self.begins()):
            raise self.refuse(f"{start.value!r} stands where a term is needed")
        self.at += 1
        if start.kind == "number":
            return Scalar(self.number(start))
        if start.kind == "sum":
            return self.summed(start)
        if start.kind == "name":
            return self.named(start)
        if start.value == "𝔼":
            return self.statistic("E", start)
        if start.value in _BARS:
            return self.norm(start)
        if start.value in _ANGLES:
            return self.product(start)
        return self.inside(_CLOSING[start.value])

    def inside(self, closing: str) -> _Value:
        with self.until(""):
            found = self.sum()
        self.close(closing)
        return found

    def opened(self, name: str) -> str:
        """The bracket that closes what a name takes, the opening one of which is read."""
        if not self.sign(*_CLOSING):
            raise self.refuse(f"after {name} brackets are needed, {name}(…)")
        self.at += 1
        return _CLOSING[self.tokens[self.at - 1].value]

    def named(self, token: Token) -> _Value:
        name = token.value
        if name in _KINDS:
            return self.statistic(name, token)  # type: ignore[arg-type]
        if (below := re.fullmatch("([fg])(?:_([i-p]))?", name)) and self.sign("("):
            vector = embedding(self.view_of(token, below[1]))
            return vector if below[2] is None else _entry(vector, Index(below[2]))
        if name == "Tr":
            closing = self.opened(name)
            inside = self.inside(closing)
            if not isinstance(inside, Matrix):
                raise self.refuse("a trace is of a matrix, as in Tr[Mean(f(u) f(u)^T, u, n)^2]", token)
            return trace(inside)
        if name == "Mean":
            return self.mean(token)
        if name == "frac":
            above = self.inside(self.opened(name))
            slash = self.next
            below_ = self.inside(self.opened(name))
            if not isinstance(below_, Scalar) or below_.value == 0:
                raise self.refuse("a moment is divided by numbers and parameters other than 0 alone", slash)
            return self.times(above, Scalar(1 / below_.value), slash)
        if name in _MATRICES:
            said = f"{name} belongs to the result; what is averaged is written with f: <f(x), f(chi)>, |f(x)|^2, f(x)_i"
            raise self.refuse(said, token)
        if name in _FUNCTIONS:
            raise self.refuse(f"a moment is of polynomials, and {name} is none; a loss may hold it", token)
        if self.sign("(") and self.tokens[self.at + 1].kind == "name":
            raise self.refuse(f"{name} is not known as a function here; f(x) is, and E, Var, Cov, Cum, Mean, Tr", token)
        return Scalar(sympy.Symbol(name))

    def view_of(self, token: Token, encoder: str) -> View:
        self.at += 1
        name = self.view()
        self.close(")")
        if self.encoders.setdefault(name, encoder) != encoder:
            said = f"{name} is seen through f and through g; views of one datum have names of their own, x and x_text"
            raise self.refuse(said, token)
        view = self.seen(name)
        if not self.within:
            self.outside.setdefault(view, token)
        return view

    def seen(self, name: str) -> View:
        """The view of a name, through the encoder that it stands in."""
        (view,) = views(name, encoder=self.encoders.get(name, "f"))
        return view

    def view(self) -> str:
        token = self.next
        if token.kind != "name" or token.value in _KINDS:
            raise self.refuse("the name of a view is needed here, as in f(x), f(x_pos) and E(… | x)")
        self.at += 1
        name = token.value
        while self.taken("'"):
            name += "_pos"
        self.views.setdefault(name, token)
        return name

    # What takes arguments.

    def statistic(self, kind: Kind, token: Token) -> Expression:
        closing = self.opened(kind)
        given: list[str] = []
        self.within += 1
        with self.until(""):
            arguments = [self.argument()]
            while self.taken(","):
                arguments.append(self.argument())
            if self.taken("|"):
                given.append(self.view())
                while self.taken(","):
                    given.append(self.view())
        self.close(closing)
        self.within -= 1
        self.random = True
        held = [self.seen(name) for name in given]
        if not self.within:
            self.held |= {*held}
        if kind == "Cum" and len(arguments) == 2 and isinstance(arguments[1], Scalar):
            number = arguments[1].value
            if not (number.is_Integer and number >= 1):
                raise self.refuse("the order of a cumulant is a whole number from 1 on, as in Cum(|f(x)|^2, 3)", token)
            if number > HIGHEST_CUMULANT:
                raise self.refuse(f"cumulants are of order 1 to {HIGHEST_CUMULANT}, not {number}", token)
            arguments = arguments[:1] * int(number)
        try:
            return statistic(kind, arguments, held)
        except InputError as error:
            raise self.refuse(str(error), token) from None

    def argument(self) -> Expression:
        start = self.next
        return self.number_(self.sum(), start)

    def number_(self, value: _Value, start: Token) -> Expression:
        if not isinstance(value, Expression):
            said = "this is a vector or a matrix, and a number is needed: <f(x), f(y)>, |f(x)|^2, f(x)_i or Tr[…]"
            raise self.refuse(said, start)
        return value

    def mean(self, token: Token) -> _Value:
        if not self.within:
            raise self.refuse("a mean over draws is random; put it into E(…), Var(…), Cov(…, …) or Cum(…, k)", token)
        closing = self.opened("Mean")
        usage = "a mean over draws is written Mean(…, u, n): what is averaged, the view that is drawn, how many draws"
        with self.until(""):
            body = self.sum()
            if not self.taken(","):
                raise self.refuse(usage)
            name = self.view()
            if not self.taken(","):
                raise self.refuse(usage)
            place = self.next
            number = self.sum()
        self.close(closing)
        if not isinstance(number, Scalar):
            raise self.refuse("the number of draws is a number or a parameter", place)
        if number.value.is_number and not (number.value.is_Integer and number.value >= 1):
            raise self.refuse("the number of draws is a whole number from 1 on", place)
        free, view = _free(body), self.seen(name)
        over = tuple(one for one in sorted(free) if one.datum == view.datum)
        if view not in free:
            raise self.refuse(f"{view.name} is drawn and does not occur in what is averaged", token)
        if isinstance(body, Matrix):
            return averaged(body, over=over, count=number.value)
        if isinstance(body, _Turned):
            raise self.refuse(usage, token)
        return Mean(body, over=over, count=number.value)

    def summed(self, token: Token) -> Expression:
        if not re.fullmatch("[i-p]+", token.value) or len({*token.value}) < len(token.value):
            raise self.refuse("a sum runs over coordinates i to p, each once, as in sum_ij", token)
        start = self.next
        body = self.number_(self.term(), start)
        for name in reversed(token.value):
            body = CoordinateSum(body, Index(name))
        return body

    def norm(self, start: Token) -> Expression:
        with self.until(start.value):
            inside = self.sum()
        if not self.taken(start.value):
            raise self.refuse(f"the bar {start.value} that closes the norm is missing here")
        if not isinstance(inside, Vector):
            raise self.refuse("bars stand for the length of a vector, as in |f(x) - f(chi)|^2", start)
        if not self.taken("^"):
            raise self.refuse("a norm has an even power, as in |f(x)|^2")
        closing = "}" if self.taken("{") else None
        token = self.next
        if token.value not in _EVEN:
            raise self.refuse("a norm has an even power, as in |f(x)|^2")
        self.at += 1
        self.close(closing)
        square = _square(inside)
        return square if token.value == "2" else square ** (int(token.value) // 2)

    def product(self, start: Token) -> Expression:
        with self.until(""):
            left = self.sum()
            if not self.taken(","):
                raise self.refuse("an inner product is of two vectors, <f(x), f(chi)>")
            right = self.sum()
        if not self.taken(_ANGLES[start.value]):
            raise self.refuse(f"{_ANGLES[start.value]!r} is missing here")
        if not isinstance(left, Vector) or not isinstance(right, Vector):
            raise self.refuse("an inner product is of two vectors, <f(x), f(chi)>", start)
        return _inner(left, right)


def _single(vector: Vector) -> View | None:
    """The view of a vector that is f at it."""
    if len(vector.terms) == 1 and vector == embedding(vector.terms[0].view):
        return vector.terms[0].view
    return None


def _inner(left: Vector, right: Vector) -> Expression:
    one, other = _single(left), _single(right)
    return inner(one, other) if one and other else inner_of(left, right)


def _square(vector: Vector) -> Expression:
    """The squared length; that of a difference of two views as a distance."""
    found = [term.view for term in vector.terms]
    for one, other in product(found, repeat=2):
        if one != other and vector in (embedding(one) - embedding(other), embedding(other) - embedding(one)):
            return 2 * half_sq(one, other)
    return _inner(vector, vector)


def _entry(vector: Vector, index: Index) -> Expression:
    return reduce(
        lambda one, other: one + other,
        (term.within(term.weight * Coordinate(term.view, index)) for term in vector.terms),
    )


class _Outer(Matrix):
    """The matrix of two vectors, entry by entry."""

    __slots__ = ("left", "right")

    def __init__(self, left: Vector, right: Vector) -> None:
        self.left, self.right = left, right

    def __getitem__(self, at: tuple[Index, Index]) -> Expression:
        return _entry(self.left, at[0]) * _entry(self.right, at[1])


def _free(value: _Value) -> frozenset[View]:
    match value:
        case Expression():
            return free_views(value)
        case Vector():
            return value.free
        case _Turned(vector):
            return vector.free
    return free_views(value[Index("i"), Index("j")])
