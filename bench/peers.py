"""The peers of the derivation: InfoNCE with Gaussian data, worked out without quartic.

L(W) = E_x[½|W(x − x′)|²] + E_x log E_χ exp(−½|W(x − χ)|²). Put Q = ½|W(x − χ)|². The logarithm is the series
of the cumulants of −Q over χ, κ_n = m_n − Σ_j C(n−1, j−1) κ_j m_{n−j} with m_n = E_χ[(−Q)ⁿ], and the order
2n in W is E_x[κ_n]/n!. The two peers in SymPy and the one in FORM use this recursion and differ in what carries the
polynomials; the peer in tensorgrad has κ_2 = m_2 − m_1² written out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial
from pathlib import Path
from typing import Any

import sympy
from sympy.polys.rings import ring

# By components at d = 2, W is any 2×2 matrix; Σ and A0 are diagonal, which a rotation of the data reaches
# whenever they commute. A Gaussian coordinate of variance s has E[xⁿ] = (n−1)!! s^(n/2), n even (Isserlis).
W = sympy.Matrix(2, 2, sympy.symbols("w11 w12 w21 w22"))
SIGMA = sympy.diag(*sympy.symbols("s1 s2"))
A0 = sympy.diag(*sympy.symbols("a1 a2"))


def cumulants(moments: Sequence[Any]) -> list[Any]:
    """The cumulants κ_1, κ_2, … of the moments m_1, m_2, and so on."""
    found: list[Any] = []
    for n, moment in enumerate(moments, start=1):
        total = moment
        for j in range(1, n):
            total = total - comb(n - 1, j - 1) * found[j - 1] * moments[n - j - 1]
        found.append(total)
    return found


def plain_sympy(order: int) -> list[sympy.Expr]:
    """The orders 2, 4, … by components at d = 2, in SymPy's expressions: expand, collect, put moments."""
    x, chi = sympy.Matrix(sympy.symbols("x1 x2")), sympy.Matrix(sympy.symbols("chi1 chi2"))

    def mean(expression: sympy.Expr, over: sympy.Matrix) -> sympy.Expr:
        terms = sympy.Poly(expression, *over).terms()
        return sympy.expand(
            sympy.Add(
                *(
                    coefficient * sympy.prod(_moment(n) * SIGMA[i, i] ** (n // 2) for i, n in enumerate(powers))
                    for powers, coefficient in terms
                )
            )
        )

    difference = W * (x - chi)
    minus_q = sympy.expand(-difference.dot(difference) / 2)
    moments = [mean(sympy.expand(minus_q**n), chi) for n in range(1, order // 2 + 1)]
    orders = [mean(sympy.expand(kappa / factorial(n)), x) for n, kappa in enumerate(cumulants(moments), start=1)]
    orders[0] = sympy.expand(orders[0] + (W * (SIGMA - A0) * W.T).trace())
    return orders


def sympy_ring(order: int, d: int = 2) -> list[sympy.Expr]:
    """The same in a polynomial ring of SymPy's, sparse dictionaries of exponents; any d, Σ and A0 diagonal."""
    coordinates = range(1, d + 1)
    names = [f"{letter}{i}" for letter in ("s", "a", "x", "chi") for i in coordinates]
    polynomials, *letters = ring([*names, *(f"w{i}{j}" for i in coordinates for j in coordinates)], sympy.QQ)
    s, a, x, chi, *rows = (letters[start : start + d] for start in range(0, len(letters), d))

    def mean(polynomial: Any, first: int) -> Any:  # noqa: ANN401 (SymPy's ring elements are made at run time)
        result: dict[tuple[int, ...], Any] = {}
        for exponents, coefficient in polynomial.terms():
            left, weight = list(exponents), coefficient
            for i in range(d):
                n = left[first + i]
                left[first + i] = 0
                left[i] += n // 2
                weight *= _moment(n)
            if weight:
                result[tuple(left)] = result.get(tuple(left), 0) + weight
        return polynomials.from_dict(result)

    minus_q = -sum(sum(w * (x[i] - chi[i]) for i, w in enumerate(row)) ** 2 for row in rows) / 2
    moments = [mean(minus_q**n, 3 * d) for n in range(1, order // 2 + 1)]
    orders = [mean(kappa, 2 * d) / factorial(n) for n, kappa in enumerate(cumulants(moments), start=1)]
    orders[0] += sum(w**2 * (s[i] - a[i]) for row in rows for i, w in enumerate(row))
    return [polynomial.as_expr() for polynomial in orders]


def _moment(n: int) -> int:
    return 0 if n % 2 else int(sympy.factorial2(n - 1))


def form(order: int, rounds: int = 1) -> str:
    """The same in FORM for every dimension, this many times in one process; what it printed.

    Raises:
        FileNotFoundError: FORM is not installed.

    """
    return subprocess.run(form_command(order, rounds), capture_output=True, text=True, check=True).stdout


def form_command(order: int, rounds: int = 1) -> list[str]:
    """How FORM is called for that."""
    program = Path(__file__).with_name("infonce.frm")
    return ["form", "-q", "-D", f"HALF={order // 2}", "-D", f"ROUNDS={rounds}", str(program)]


def form_orders(printed: str) -> list[sympy.Expr]:
    """The orders 2, 4, … as FORM printed them, a and tr(n) standing for Tr[W A0 Wᵀ] and Tr[(W Σ Wᵀ)ⁿ]."""
    sums = re.findall(r"o\d+ =\s*(.*?);", printed, re.DOTALL)
    term = r"([+-]) (?:(\d+(?:/\d+)?)\*)?(a|tr\(\d+\))"
    return [
        sympy.Add(
            *(
                sympy.Rational(f"{sign}{number or 1}") * sympy.Symbol(word)
                for sign, number, word in re.findall(term, one)
            )
        )
        for one in sums
    ]


class TensorgradPeer:
    """InfoNCE through order 4 for every dimension in tensorgrad, its two cumulants written by hand."""

    def __init__(self) -> None:
        """Load tensorgrad; of the peers it alone is optional."""
        import tensorgrad

        self.tg = tensorgrad
        self.k, self.d = sympy.symbols("k d")
        self.W = tensorgrad.Variable("W", self.k, self.d)
        self.Sigma, self.A0 = (
            tensorgrad.Variable(name, self.d, e=self.d).with_symmetries("d e") for name in ("Sigma", "A0")
        )

    def derive(self) -> list[Any]:
        """The orders 2 and 4."""
        # x − x′ is Gaussian of covariance 2(Σ − A0): x and x′ are never needed apart.
        x, chi, difference = (self.tg.Variable(name, self.d) for name in ("x", "chi", "difference"))
        q = self._half_square(x - chi)
        first = self._mean(q, chi, self.Sigma)
        second = self._mean(q @ q, chi, self.Sigma)
        positive = self._mean(self._half_square(difference), difference, 2 * (self.Sigma - self.A0))
        variance = (second - first @ first).full_simplify()
        return [
            (positive - self._mean(first, x, self.Sigma)).full_simplify(),
            (self._mean(variance, x, self.Sigma) * Fraction(1, 2)).full_simplify(),
        ]

    def trace(self, letters: Sequence[str]) -> Any:  # noqa: ANN401 (tensorgrad is optional)
        """Tr[W X₁ Wᵀ W X₂ Wᵀ …] as tensorgrad writes it, to compare with."""
        size = len(letters)
        factors = []
        for i, letter in enumerate(letters):
            of = {"A0": self.A0, "Sigma": self.Sigma}[letter]
            factors += [
                self.W.rename(k=f"k{i}", d=f"l{i}"),
                of.rename(d=f"l{i}", e=f"r{i}"),
                self.W.rename(k=f"k{(i + 1) % size}", d=f"r{i}"),
            ]
        return self.tg.Product(factors)

    def _half_square(self, vector: Any) -> Any:  # noqa: ANN401
        image = self.W @ vector
        return image @ image * Fraction(1, 2)

    def _mean(self, of: Any, over: Any, covariance: Any) -> Any:  # noqa: ANN401
        mean = self.tg.Expectation(of.full_simplify(), over, covar=covariance, covar_names={"d": "e"})
        return mean.full_simplify()
