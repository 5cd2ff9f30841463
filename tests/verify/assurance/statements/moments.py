"""Means of products of inner products of Gaussian embeddings, by hand (Isserlis), for two inner products at most.

A view is a pair (datum, view). f(u) = W u + b has E[f(u) f(v)ᵀ] = M_uv: Σ + D for a view with itself, A0 + D for two
views of one datum and D for two data, where D stands for b bᵀ and is nothing without a bias.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from statements.polynomials import Form, Polynomial, linear, quadratic

View = tuple[str, int]
Inner = tuple[View, View]
# A sum of weights times inner products.
Quadratic = Iterable[tuple[object, Inner]]


def letter(u: View, v: View, *, bias: bool) -> Form:
    """M_uv."""
    own: Form = {"S": 1} if u == v else {"A": 1} if u[0] == v[0] else {}
    return {**own, "D": 1} if bias else own


def mean(form: Quadratic, *, bias: bool) -> Polynomial:
    """E q."""
    total = Polynomial()
    for weight, (u, v) in form:
        total += weight * linear(letter(u, v, bias=bias))
    return total


def mean_of_product(one: Quadratic, other: Quadratic, *, bias: bool) -> Polynomial:
    """E q q′: three pairings of second moments, less twice |b|⁴, which each of them holds once and the mean once."""
    total = Polynomial()
    for left, (u, v) in one:
        for right, (w, y) in other:
            uv, wy, uw, vy, uy, vw = (
                letter(*pair, bias=bias) for pair in ((u, v), (w, y), (u, w), (v, y), (u, y), (v, w))
            )
            found = quadratic("product", uv, wy) + quadratic("single", uw, vy) + quadratic("single", uy, vw)
            if bias:
                found -= 2 * quadratic("single", {"D": 1}, {"D": 1})
            total += sympy.sympify(left) * sympy.sympify(right) * found
    return total


def product_of_means(one: Quadratic, other: Quadratic, *, bias: bool) -> Polynomial:
    """E q E q′."""
    total = Polynomial()
    for left, pair in one:
        for right, beside in other:
            found = quadratic("product", letter(*pair, bias=bias), letter(*beside, bias=bias))
            total += sympy.sympify(left) * sympy.sympify(right) * found
    return total
