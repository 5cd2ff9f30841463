"""Parts of losses, in the language that is examined, each with its truth through order 4 and beyond, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy

from derive import Mean, SecondMoment, diagonal_sum, exp, half_sq, inner, log, off_diagonal_sum, views
from statements.functions import Exponential, InverseRoot, LogDet, Resolvent, Squared
from statements.moments import Quadratic, letter, mean, mean_of_product, product_of_means
from statements.polynomials import Form, Polynomial, linear, quadratic

x, x_pos, chi, chi_pos, psi = views("x, x_pos, chi, chi_pos, psi")
X, X_POS, CHI, CHI_POS, PSI = (0, 0), (0, 1), (1, 0), (1, 1), (2, 0)
S: Form = {"S": 1}
A: Form = {"A": 1}
C: Form = {"S": 1, "A": -1}
d1 = sympy.Symbol("d1")
HALF = sympy.Rational(1, 2)


@dataclass(frozen=True)
class Part:
    """A part of a loss.

    Attributes:
        node: in the language.
        through4: its truth through order 4, less the constant.
        exact: the polynomial in what it is to all orders; `through4` unless given.
        beyond: the rest of it, functions.
        known: whether `exact` and `beyond` are the whole of it, and not its growth alone.

    """

    node: Any
    through4: Polynomial
    exact: Polynomial | None = None
    beyond: tuple[Any, ...] = ()
    known: bool = True

    def weighted(self, weight: sympy.Expr) -> Part:
        """The part times a number."""
        beyond = tuple(_weighted(one, weight) for one in self.beyond)
        exact = None if self.exact is None else weight * self.exact
        return Part(weight * self.node, weight * self.through4, exact, beyond, self.known)

    @property
    def whole(self) -> Polynomial:
        """The polynomial in it."""
        return self.through4 if self.exact is None else self.exact


def _weighted(one: Any, weight: sympy.Expr) -> Any:
    return type(one)(**{**vars(one), "weight": weight * sympy.sympify(one.weight)})


def _half_square(u: tuple[int, int], v: tuple[int, int], times: object = 1) -> list[tuple[Any, Any]]:
    times = sympy.sympify(times)
    return [(times * HALF, (u, u)), (times * HALF, (v, v)), (-times, (u, v))]


def _inner(u: tuple[int, int], v: tuple[int, int], times: object = 1) -> list[tuple[Any, Any]]:
    return [(sympy.sympify(times), (u, v))]


# Polynomials. Each takes whether there is a bias.

LINEAR: dict[str, Callable[[bool], Part]] = {
    "alignment": lambda bias: Part(inner(x, x_pos), mean(_inner(X, X_POS), bias=bias)),
    "distance": lambda bias: Part(half_sq(x, x_pos), mean(_half_square(X, X_POS), bias=bias)),
    "power": lambda bias: Part(Mean(inner(x, x), over=x), mean(_inner(X, X), bias=bias)),
    "spread": lambda bias: Part(Mean(half_sq(x, chi), over=chi), mean(_half_square(X, CHI), bias=bias)),
}


def _squared(node: Any, form: Quadratic) -> Callable[[bool], Part]:
    return lambda bias: Part(node**2, mean_of_product(form, form, bias=bias))


def _of_two(node: Any, one: Quadratic, other: Quadratic) -> Callable[[bool], Part]:
    return lambda bias: Part(node, mean_of_product(one, other, bias=bias))


def _means(node: Any, one: Quadratic, other: Quadratic) -> Callable[[bool], Part]:
    return lambda bias: Part(node, product_of_means(one, other, bias=bias))


def _mean_inner(u: Any, v: Any) -> Any:
    return Mean(inner(u, v), over=(u, v))


QUARTIC: dict[str, Callable[[bool], Part]] = {
    "spectral": _of_two(Mean(inner(x, chi) ** 2, over=chi), _inner(X, CHI), _inner(X, CHI)),
    "positives": _squared(inner(x, x_pos), _inner(X, X_POS)),
    "norms": _squared(inner(x, x), _inner(X, X)),
    "distances": _squared(half_sq(x, x_pos), _half_square(X, X_POS)),
    "spreads": lambda bias: Part(
        Mean(half_sq(x, chi) ** 2, over=chi), mean_of_product(_half_square(X, CHI), _half_square(X, CHI), bias=bias)
    ),
    "crossed": _of_two(
        Mean(inner(x, chi) * inner(x_pos, chi), over=chi), _inner(X, CHI), _inner(X_POS, CHI)
    ),
    "paired": _of_two(
        Mean(inner(x, chi) * inner(x_pos, chi_pos), over=(chi, chi_pos)), _inner(X, CHI), _inner(X_POS, CHI_POS)
    ),
    "norm squared": _means(Mean(inner(x, x), over=x) ** 2, _inner(X, X), _inner(X, X)),
    "alignment squared": _means(_mean_inner(x, x_pos) ** 2, _inner(X, X_POS), _inner(X, X_POS)),
    "alignment by norm": _means(_mean_inner(x, x_pos) * Mean(inner(x, x), over=x), _inner(X, X_POS), _inner(X, X)),
    "distance squared": _means(
        Mean(half_sq(x, x_pos), over=(x, x_pos)) ** 2, _half_square(X, X_POS), _half_square(X, X_POS)
    ),
}  # fmt: skip


def penalty(kappa: sympy.Expr, c: sympy.Expr, *, bias: bool) -> Polynomial:
    """κ (E|f|² − c)², less the constant."""
    own = letter(X, X, bias=bias)
    return kappa * (quadratic("product", own, own) - 2 * c * linear(own))


def decay(gamma: sympy.Expr) -> Polynomial:
    """γ ‖W‖²."""
    return gamma * linear({"I": 1})


# Sums over coordinates.


def _second_moment(kind: str, *, bias: bool, centred: bool) -> tuple[Any, Form]:
    one, other = (x, x) if kind == "S" else (x, x_pos)
    form = letter(X, X if kind == "S" else X_POS, bias=bias and not centred)
    return SecondMoment(one, other, centred=centred), form


def _diagonal(kind: str, *, centred: bool = False, target: int = 0) -> Callable[[bool], Part]:
    def made(bias: bool) -> Part:
        M, form = _second_moment(kind, bias=bias, centred=centred)
        node = diagonal_sum(lambda i: (target - M[i, i]) ** 2)
        return Part(node, quadratic("diagonal", form, form) - 2 * target * linear(form))

    return made


def _off_diagonal(kind: str, *, centred: bool = False) -> Callable[[bool], Part]:
    def made(bias: bool) -> Part:
        M, form = _second_moment(kind, bias=bias, centred=centred)
        node = off_diagonal_sum(lambda i, j: M[i, j] ** 2)
        return Part(node, quadratic("single", form, form) - quadratic("diagonal", form, form))

    return made


def _all_entries(kind: str) -> Callable[[bool], Part]:
    def made(bias: bool) -> Part:
        M, form = _second_moment(kind, bias=bias, centred=False)
        node = off_diagonal_sum(lambda i, j: M[i, j] ** 2) + diagonal_sum(lambda i: M[i, i] ** 2)
        return Part(node, quadratic("single", form, form))

    return made


N = sympy.Symbol("N")


def _of_a_batch(*, diagonal: bool) -> Callable[[bool], Part]:
    """Sums over the entries of the second moment M of N pairs of views: (z_i z′_j)² has the mean 2 A_ij² + S_ii S_jj.

    So E M_ij² = A_ij² + (A_ij² + S_ii S_jj)/N.
    """

    def made(bias: bool) -> Part:
        M = SecondMoment(x, x_pos, count=N)
        own = quadratic("diagonal", A, A)
        on_diagonal = own + 1 / N * (own + quadratic("diagonal", S, S))
        everything = (1 + 1 / N) * quadratic("single", A, A) + 1 / N * quadratic("product", S, S)
        if bias:
            message = "fourth moments about a mean are not written out here"
            raise ValueError(message)
        if diagonal:
            return Part(diagonal_sum(lambda i: (1 - M[i, i]) ** 2), on_diagonal - 2 * linear(A))
        return Part(off_diagonal_sum(lambda i, j: M[i, j] ** 2), everything - on_diagonal)

    return made


COORDINATES: dict[str, Callable[[bool], Part]] = {
    "invariance": _diagonal("A", target=1),
    "variance": _diagonal("S", target=1),
    "diagonal of A": _diagonal("A"),
    "diagonal of S": _diagonal("S", centred=True),
    "redundancy": _off_diagonal("A"),
    "decorrelation": _off_diagonal("S", centred=True),
    "off-diagonal of S": _off_diagonal("S"),
    "entries of A": _all_entries("A"),
    "entries of S": _all_entries("S"),
    "invariance of a batch": _of_a_batch(diagonal=True),
    "redundancy of a batch": _of_a_batch(diagonal=False),
    "invariance over width": lambda bias: _diagonal("A", target=1)(bias).weighted(1 / d1),
    "decorrelation over width": lambda bias: _off_diagonal("S", centred=True)(bias).weighted(1 / d1),
}


# Logarithms and exponentials, of which the Gaussian mean closes. t > 0.


def _tr(k: int) -> Polynomial:
    """Tr S or Tr S²."""
    return linear(S) if k == 1 else quadratic("single", S, S)


def uniformity(t: sympy.Expr) -> Part:
    """log E_χ exp(−t ½|f(x) − f(χ)|²): −½ log det(I + tS) − ½ t zᵀ(I + tS)⁻¹z, averaged over z."""
    node = log(Mean(exp(-t * half_sq(x, chi)), over=chi))
    return Part(
        node,
        -t * _tr(1) + sympy.Rational(3, 4) * t**2 * _tr(2),
        Polynomial(),
        (LogDet(-HALF, S, t), Resolvent(-t / 2, S, t)),
    )


def uniformity_of_pairs(t: sympy.Expr) -> Part:
    """log E exp(−t ½|f(χ) − f(ψ)|²): the difference has covariance 2S."""
    node = log(Mean(exp(-t * half_sq(chi, psi)), over=(chi, psi)))
    return Part(node, -t * _tr(1) + t**2 * _tr(2), Polynomial(), (LogDet(-HALF, S, 2 * t),))


def repulsion(t: sympy.Expr) -> Part:
    """log E_χ exp(+t ½|f(x) − f(χ)|²), which diverges where tS reaches 1."""
    node = log(Mean(exp(t * half_sq(x, chi)), over=chi))
    return Part(
        node,
        t * _tr(1) + sympy.Rational(3, 4) * t**2 * _tr(2),
        Polynomial(),
        (LogDet(-HALF, S, -t), Resolvent(t / 2, S, -t)),
    )


def dot_products(t: sympy.Expr) -> Part:
    """log E_χ exp(t⟨f(x), f(χ)⟩) = ½t² zᵀS z."""
    node = log(Mean(exp(t * inner(x, chi)), over=chi))
    return Part(node, t**2 / 2 * _tr(2))


def two_dot_products(t: sympy.Expr) -> Part:
    """log E_χ exp(t⟨f(x) + f(x′), f(χ)⟩) = ½t² (z + z′)ᵀS(z + z′)."""
    node = log(Mean(exp(t * inner(x, chi) + t * inner(x_pos, chi)), over=chi))
    return Part(node, t**2 * (_tr(2) + quadratic("single", A, S)))


def donsker_varadhan(t: sympy.Expr) -> Part:
    """log E exp(t⟨f(χ), f(ψ)⟩) = −½ log det(I − t²S²)."""
    node = log(Mean(exp(t * inner(chi, psi)), over=(chi, psi)))
    return Part(node, t**2 / 2 * _tr(2), Polynomial(), (LogDet(-HALF, S, t), LogDet(-HALF, S, -t)))


def powers(t: sympy.Expr) -> Part:
    """log E exp(−t|f(χ)|²) = −½ log det(I + 2tS)."""
    node = log(Mean(exp(-t * inner(chi, chi)), over=chi))
    return Part(node, -t * _tr(1) + t**2 * _tr(2), Polynomial(), (LogDet(-HALF, S, 2 * t),))


def mixed_form(t: sympy.Expr) -> Part:
    """log E_χ exp(t⟨f(x), f(χ)⟩ − t|f(χ)|²) = −½ log det(I + 2tS) + ½t² zᵀS(I + 2tS)⁻¹z."""
    node = log(Mean(exp(t * inner(x, chi) - t * inner(chi, chi)), over=chi))
    return Part(
        node,
        -t * _tr(1) + sympy.Rational(3, 2) * t**2 * _tr(2),
        Polynomial(),
        (LogDet(-HALF, S, 2 * t), Squared(t**2 / 2, S, 2 * t, S)),
    )


def two_anchors(t: sympy.Expr) -> Part:
    """log E_χ exp(t⟨f(x) + f(x′), f(χ)⟩ − t|f(χ)|²)."""
    node = log(Mean(exp(t * inner(x, chi) + t * inner(x_pos, chi) - t * inner(chi, chi)), over=chi))
    return Part(
        node,
        -t * _tr(1) + 2 * t**2 * _tr(2) + t**2 * quadratic("single", A, S),
        Polynomial(),
        (LogDet(-HALF, S, 2 * t), Squared(t**2, S, 2 * t, {"S": 1, "A": 1})),
    )


def kernel_of_pairs(t: sympy.Expr) -> Part:
    """E_χ exp(−t ½|f(x) − f(χ)|²) = det(I + 2tS)^(−½), no logarithm."""
    node = Mean(exp(-t * half_sq(x, chi)), over=chi)
    through4 = -t * _tr(1) + t**2 * _tr(2) + t**2 / 2 * quadratic("product", S, S)
    return Part(node, through4, Polynomial(), (InverseRoot(1, S, 2 * t),))


def kernel_of_views(t: sympy.Expr) -> Part:
    """E exp(−t ½|f(x) − f(x′)|²) = det(I + 2tC)^(−½)."""
    node = exp(-t * half_sq(x, x_pos))
    through4 = -t * linear(C) + t**2 * quadratic("single", C, C) + t**2 / 2 * quadratic("product", C, C)
    return Part(node, through4, Polynomial(), (InverseRoot(1, C, 2 * t),))


def exponential_of_mean(t: sympy.Expr) -> Part:
    """exp(t E⟨f(x), f(x′)⟩)."""
    node = exp(t * _mean_inner(x, x_pos))
    return Part(node, t * linear(A) + t**2 / 2 * quadratic("product", A, A), Polynomial(), (Exponential(1, A, t),))


CLOSED: dict[str, Callable[[sympy.Expr], Part]] = {
    "uniformity": uniformity,
    "uniformity of pairs": uniformity_of_pairs,
    "repulsion": repulsion,
    "dot products": dot_products,
    "two dot products": two_dot_products,
    "Donsker-Varadhan": donsker_varadhan,
    "powers": powers,
    "mixed form": mixed_form,
    "two anchors": two_anchors,
    "kernel of pairs": kernel_of_pairs,
    "kernel of views": kernel_of_views,
    "exponential of a mean": exponential_of_mean,
}
# Of differences of views alone, which do not see a bias.
WITHOUT_BIAS = ("uniformity", "uniformity of pairs", "repulsion", "kernel of pairs", "kernel of views")
