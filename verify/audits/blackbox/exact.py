"""From measured numbers to exact ones: rational numbers, and rational functions of the batch size.

A number with an error e is identified with a rational p/q only if that is no coincidence: a fraction of about q² e of
all numbers has a rational with a denominator up to q within e, so this has to be small. A rational function of N has to
pass through more points than it has coefficients; the points left over are its test. Numbers in single precision are
too coarse for that, and are fitted together.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import isfinite

import numpy as np
import sympy

from derive import InputError
from derive.errors import quoted
from verify.truths.exact_numbers import read_number

# An expression that a coefficient may be a rational multiple of, with its value.
Unit = tuple[sympy.Expr, float]

# The largest probability of a coincidence at which a rational counts as recognised; more is allowed where several
# numbers have to be rational at once and obey one formula.
COINCIDENCE = 1e-4
TOGETHER = 1e-2
# The largest error of a number that can be recognised as rational.
LARGEST_ERROR = 1e-2
# How many points more than its coefficients a rational function has to pass through.
SPARE = 2
# The same for a fitted one, and the highest power of each factor of its denominator.
LEFT_OVER, LARGEST_FACTOR = 5, 2


def rational(value: float, error: float, coincidence: float = COINCIDENCE) -> Fraction | None:
    """The simplest rational within the error, None where it could be a coincidence.

    >>> rational(0.75 + 1e-13, 1e-12), rational(3.141592653589793, 1e-12), rational(1e-14, 1e-12)
    (Fraction(3, 4), None, Fraction(0, 1))
    """
    if not error < LARGEST_ERROR:
        return None
    if abs(value) <= error:
        return Fraction(0)
    found = _simplest(Fraction(value - error), Fraction(value + error))
    return found if found.denominator**2 * 2 * error < coincidence else None


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The rational of the smallest denominator in [low, high], by continued fractions (Stern and Brocot)."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -_simplest(-high, -low)
    whole = low.numerator // low.denominator
    if low == whole:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))


def rational_function(points: Mapping[int, Fraction], symbol: sympy.Symbol) -> sympy.Expr | None:
    """The simplest rational function of N through all points, None where none leaves points for a test.

    >>> N = sympy.Symbol("N")
    >>> rational_function({n: Fraction(n - 1, 2 * n**2) for n in range(2, 9)}, N)
    (N - 1)/(2*N**2)
    >>> rational_function({2: Fraction(1), 3: Fraction(5)}, N) is None
    True

    """
    known = sorted(points.items())
    for unknown in range(1, len(known) - SPARE + 1):
        for below in range(unknown):
            found = _through(known, unknown - 1 - below, below, symbol)
            if found is not None:
                return found
    return None


def _through(points: Sequence[tuple[int, Fraction]], above: int, below: int, symbol: sympy.Symbol) -> sympy.Expr | None:
    """P/Q of the given degrees through all points, Q without zeros there."""
    rows = [
        [sympy.Integer(n) ** k for k in range(above + 1)]
        + [-sympy.Rational(value.numerator, value.denominator) * sympy.Integer(n) ** k for k in range(below + 1)]
        for n, value in points
    ]
    solutions = sympy.Matrix(rows).nullspace()
    if len(solutions) != 1:
        return None
    numbers = list(solutions[0])
    P, Q = (
        sympy.Add(*(number * symbol**k for k, number in enumerate(part)))
        for part in (numbers[: above + 1], numbers[above + 1 :])
    )
    if Q == 0 or any(Q.subs(symbol, n) == 0 for n, _ in points):
        return None
    return sympy.factor(P / Q)


def fitted(points: Mapping[int, tuple[float, float]], symbol: sympy.Symbol) -> sympy.Expr | None:
    """A rational function of N, fitted to numbers that are too coarse to be recognised one by one.

    Its denominator is made of N, N − 1 and 2N − 1, as those of losses over batches are. Its numerator has at least
    `LEFT_OVER` fewer coefficients than there are points, has to have rational ones, and to pass through all points.

    Args:
        points: N → value and error.
        symbol: N.

    Returns:
        The function with the fewest coefficients and factors; None where there is none.

    >>> N = sympy.Symbol("N")
    >>> noise = np.random.default_rng(0).normal(size=8)
    >>> fitted({n: (4 * (n - 1) / (2 * n - 1) ** 2 + 1e-7 * noise[n - 2], 1e-6) for n in range(2, 10)}, N)
    4*(N - 1)/(2*N - 1)**2

    """
    sizes = np.array(sorted(points), dtype=float)
    values, errors = (np.array([points[int(n)][k] for n in sizes]) for k in (0, 1))
    if not (np.isfinite(values).all() and (errors > 0).all()):
        return None
    factors = (sizes, sizes - 1, 2 * sizes - 1)
    powers = sorted(product(range(LARGEST_FACTOR + 1), repeat=len(factors)), key=lambda each: (sum(each), each))
    for degree in range(len(points) - LEFT_OVER):
        for each in powers:
            below = np.prod([factor**power for factor, power in zip(factors, each, strict=True)], axis=0)
            columns = np.vander(sizes, degree + 1, increasing=True) / below[:, None]
            weighted = columns / errors[:, None]
            solution = np.linalg.lstsq(weighted, values / errors, rcond=None)[0]
            if (np.abs(values - columns @ solution) > 3 * errors).any():
                continue
            spread = np.abs(np.linalg.pinv(weighted)).sum(1)
            numbers = [rational(float(v), float(e), TOGETHER) for v, e in zip(solution, spread, strict=True)]
            if any(number is None for number in numbers):
                continue
            # The residuals of the rationals, too.
            if (np.abs(values - columns @ np.array([float(x or 0) for x in numbers])) > 3 * errors).any():
                continue
            top = sympy.Add(
                *(sympy.Rational(x.numerator, x.denominator) * symbol**k for k, x in enumerate(numbers) if x)
            )
            bottom = symbol ** each[0] * (symbol - 1) ** each[1] * (2 * symbol - 1) ** each[2]
            return sympy.factor(top / bottom)
    return None


def constants(texts: Sequence[str], values: Mapping[str, sympy.Expr]) -> list[tuple[sympy.Expr, float]]:
    """Constants that a user names, such as ``exp(1)``, ``sqrt(2)`` or ``1/tau`` with a value for tau.

    The text is parsed, never evaluated: numbers, names, + − * / **, exp, log, sqrt and pi.

    Raises:
        InputError: anything else, or a name without a value.

    >>> constants(["1/tau", "exp(1)"], {"tau": sympy.Rational(1, 2)})
    [(1/tau, 2.0), (E, 2.718281828459045)]

    """
    found = []
    for text in texts:
        try:
            expression = _parsed(ast.parse(text.strip(), mode="eval").body, text.strip())
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            message = (
                f"--constants {quoted(text)} is not a constant; write numbers, names, + - * / **, exp, log, sqrt, pi"
            )
            raise InputError(message) from None
        missing = sorted(symbol.name for symbol in expression.free_symbols if symbol.name not in values)
        if missing:
            message = f"--constants {quoted(text)}: what is {missing[0]}? Give its value with --set {missing[0]}=…"
            raise InputError(message)
        size = _size(expression, values)
        if size is None:
            message = f"--constants {quoted(text)} is not a real number of usual size; give a number other than 0"
            raise InputError(message)
        found.append((expression, size))
    return found


def _size(expression: sympy.Expr, values: Mapping[str, sympy.Expr]) -> float | None:
    """The value in floating point; None where it is 0, not real, or beyond the range of floats.

    SymPy would compute exp(exp(exp(100))) to the last digit.
    """
    symbols = sorted(expression.free_symbols, key=str)
    try:
        size = float(sympy.lambdify(symbols, expression, "math")(*(float(values[one.name]) for one in symbols)))
    except (ValueError, OverflowError, ZeroDivisionError, TypeError, NameError):
        return None
    return size if isfinite(size) and size != 0 else None


_FUNCTIONS = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt}
_LARGEST_POWER = 100


def _parsed(node: ast.expr, text: str) -> sympy.Expr:
    def of(part: ast.expr) -> sympy.Expr:
        return _parsed(part, text)

    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            # As written in the text, before it is rounded to a float.
            return read_number(ast.get_source_segment(text, node) or "", "--constants")
        case ast.Name(id="pi"):
            return sympy.pi
        case ast.Name(id=name) if name not in _FUNCTIONS:
            return sympy.Symbol(name)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=inside):
            return -of(inside) if isinstance(sign, ast.USub) else of(inside)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return of(left) + of(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return of(left) - of(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return of(left) * of(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return of(left) / of(right)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            power = of(right)
            if power.is_Rational and abs(power) <= _LARGEST_POWER:
                return of(left) ** power
        case ast.Call(func=ast.Name(id=name), args=[inside], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](of(inside))
    raise ValueError(ast.dump(node))


def units(named: Sequence[tuple[sympy.Expr, float]], power: int) -> list[tuple[sympy.Expr, float]]:
    """Products of powers of the constants, up to a total power."""
    found: list[tuple[sympy.Expr, float]] = [(sympy.S.One, 1.0)]
    for constant, size in named:
        found = [(unit * constant**k, value * size**k) for unit, value in found for k in range(power + 1)]
    return [(unit, value) for unit, value in found if unit != 1]
