"""Signs are proved: held against values at random points of the ranges, where a wrong sign shows."""

from __future__ import annotations

import random

import mpmath
import pytest
import sympy

from derive.algebra.polynomial_signs import of_polynomial
from derive.algebra.ranges import Range, Ranges
from derive.algebra.signs import signs

x, y, u, v, N, M = sympy.symbols("x y u v N M")
r, n = sympy.Symbol("r", real=True), sympy.Symbol("n", negative=True)
k, e = sympy.Symbol("k", integer=True), sympy.Symbol("e", even=True)
oo, Q = sympy.oo, sympy.Rational
RANGES = Ranges.collect(
    {
        u: Range(Q(0), Q(1)),
        v: Range(Q(-1), Q(2)),
        N: Range(Q(2), oo, whole=True),
        M: Range(Q(1), oo, whole=True),
    }
)


def value_of(symbol: sympy.Symbol, draw: random.Random) -> sympy.Rational:
    """A value in the range of a symbol, near its ends now and then."""
    size = Q(draw.choice([1, 2, 3, 5, 7, 30]), draw.choice([1, 2, 3, 4, 7, 30]))
    whole = draw.choice([0, 0, 1, 2, 3, 8])
    return {
        x: size,
        y: size,
        u: size / (1 + size),
        v: (2 * size - 1) / (1 + size),
        N: Q(2 + whole),
        M: Q(1 + whole),
        r: draw.choice([size, -size, Q(0)]),
        n: -size,
        k: Q(draw.choice([whole, -whole])),
        e: Q(2 * draw.choice([whole, -whole])),
    }[symbol]


def expression(draw: random.Random, depth: int) -> sympy.Expr:
    """A random expression, such as coefficients of losses are made of, and some that are odder."""
    if depth == 0:
        leaf = draw.choice([x, y, u, v, N, M, r, n, k, e, "number", "number"])
        numbers = [1, 2, 3, -1, -2, Q(1, 2), sympy.sqrt(2), sympy.pi, sympy.exp(1), sympy.log(2), sympy.cos(2)]
        return sympy.sympify(draw.choice(numbers)) if leaf == "number" else leaf
    one, other = expression(draw, depth - 1), expression(draw, draw.randrange(depth))
    makes = [
        lambda: one + other,
        lambda: one + other,
        lambda: one - other,
        lambda: one * other,
        lambda: one / other,
        lambda: one**2,
        lambda: one**-1,
        lambda: (one - other) ** 2,
        lambda: sympy.exp(one),
        lambda: sympy.log(one),
        lambda: sympy.sqrt(one),
        lambda: sympy.Abs(one),
        lambda: sympy.cos(one),
        lambda: sympy.tanh(one),
        lambda: one ** Q(3, 2),
        lambda: 2**one if depth == 1 else one,
        lambda: x ** draw.choice([k, e, u]),
    ]
    return draw.choice(makes)()


def logarithm(number: mpmath.mpf) -> mpmath.mpf:
    if not number > 0:
        raise ZeroDivisionError
    return mpmath.log(number)


def root(number: mpmath.mpf) -> mpmath.mpf:
    if not number >= 0:
        raise ZeroDivisionError
    return mpmath.sqrt(number)


def computed(value: sympy.Expr, at: dict[sympy.Symbol, sympy.Rational]) -> mpmath.mpf | None:
    """A value to forty digits, None where it is not real, not defined or beyond what is computed."""
    with mpmath.workdps(40):
        try:
            numbers = [mpmath.mpf(int(one.p)) / int(one.q) for one in at.values()]
            found = mpmath.mpc(sympy.lambdify(list(at), value, [{"log": logarithm, "sqrt": root}, "mpmath"])(*numbers))
        except (ZeroDivisionError, ValueError, OverflowError, TypeError):
            return None
        return found.real if mpmath.isfinite(found) and found.imag == 0 and abs(found) < 1e200 else None


def contradictions(decide, seed: int, number: int) -> tuple[list[str], int]:
    """Signs that a value contradicts, and how many expressions with symbols had a sign."""
    draw, wrong, decided = random.Random(seed), [], 0
    while number:
        value = expression(draw, draw.choice([1, 2, 2, 3]))
        if value.has(sympy.zoo, sympy.nan, oo, sympy.I) or value.count_ops() > 40:
            continue
        number -= 1
        said = decide(value)
        decided += len(said) == 1 and bool(value.free_symbols)
        for _ in range(6 if len(said) < 3 else 0):
            at = {symbol: value_of(symbol, draw) for symbol in value.free_symbols}
            size = computed(value, at)
            if size is None:
                continue
            # A value of 0 is one where it is so exactly.
            exact = value.xreplace(at) == 0 if abs(size) < 1e-20 else False
            found = 0 if exact else 1 if size > 1e-20 else -1 if size < -1e-20 else None
            if found is not None and found not in said:
                wrong.append(f"{value} at {at}: {size}, said {sorted(said)}")
    return wrong, decided


@pytest.mark.parametrize("seed", range(3))
def test_no_value_contradicts_a_sign(seed: int) -> None:
    wrong, decided = contradictions(lambda value: signs(value, ranges=RANGES), seed, 150)
    assert wrong == []
    assert decided > 30


def test_a_sign_that_takes_every_symbol_for_positive_is_contradicted() -> None:
    def naive(value: sympy.Expr) -> frozenset[int]:
        plain = {symbol: sympy.Dummy(positive=True) for symbol in value.free_symbols}
        return signs(value.xreplace(plain))

    wrong, _ = contradictions(naive, 0, 150)
    assert len(wrong) > 5


def test_a_polynomial_that_is_seen_to_have_both_signs_is_not_factored(monkeypatch):
    p, q, r = (sympy.Dummy(name, positive=True) for name in "pqr")
    monkeypatch.setattr(sympy.Poly, "factor_list", lambda _: pytest.fail("factored"))
    assert of_polynomial(p**3 - 5 * q * r + r) == {-1, 0, 1}
