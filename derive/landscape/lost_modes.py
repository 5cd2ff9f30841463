r"""Does a mode that W has lost come back? The loss of unit vectors to order 2 in rows on lost modes, with a mean.

A loss of f/|f| is a function of the cosines c_ab of its views; Φ_ab is its derivative with respect to c_ab, each pair
taken once. W keeps z = Wx, R = |z|, and gains a row s vᵀ: with y = vᵀx, independent of z,

    c_ab(s) = (R_a R_b c_ab + s² y_a y_b)/√((R_a² + s² y_a²)(R_b² + s² y_b²)).

It has no order s, so that the order s² of the loss is Σ_ab E[Φ_ab c_ab″(0)/2], and no second derivative of the loss
takes part. Averages over y are those of its covariances and mean. What is kept enters through three numbers: −α and −γ
are the averages of Φ_ab times what stands at y_a y_b, over pairs of one datum and of two; β that of Φ_ab times what
stands at y_a² and y_b², over all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

alpha, beta, gamma = sympy.symbols("alpha beta gamma", real=True)


@dataclass(frozen=True)
class Opened:
    """The loss at order 2 in the rows V on lost modes.

    Tr[V (w_A A0 + w_Σ Σ) Vᵀ] + w_μ |Vμ|², with Σ the covariance of a view about the mean μ and A0 that of two views of
    a datum.

    Attributes:
        A0: w_A.
        Sigma: w_Σ.
        mean: w_μ; a bias b along the new rows stands with Vμ, w_μ |Vμ + b|².
        pair: what stands at y_a y_b in the cosine of two views: −α and −γ are its averages.
        view: what stands at y_a² and y_b² together: β is its average.

    """

    A0: sympy.Expr
    Sigma: sympy.Expr
    mean: sympy.Expr
    pair: sympy.Expr
    view: sympy.Expr


def opened() -> Opened:
    """The weights, from the cosine of two views.

    >>> found = opened()
    >>> found.A0, found.Sigma, found.mean
    (-alpha, beta, -alpha + beta - gamma)
    >>> found.pair
    1/(R_a*R_b)
    """
    c, a, mean, sigma = sympy.symbols("c_ab a mu sigma", real=True)
    y_a, y_b, s = sympy.symbols("y_a y_b s", real=True)
    R_a, R_b = sympy.symbols("R_a R_b", positive=True)
    cosine = (c * R_a * R_b + s**2 * y_a * y_b) / sympy.sqrt((R_a**2 + s**2 * y_a**2) * (R_b**2 + s**2 * y_b**2))
    order = sympy.Poly(sympy.expand(sympy.simplify(cosine.diff(s, 2).subs(s, 0) / 2)), y_a, y_b)
    pair, view = order.coeff_monomial(y_a * y_b), order.coeff_monomial(y_a**2) + order.coeff_monomial(y_b**2)
    # E[y_a y_b] within a datum and between two data, and E[y²], which is that of every view.
    total = -alpha * (a + mean**2) - gamma * mean**2 + beta * (sigma + mean**2)
    weights = sympy.Poly(sympy.expand(total), a, sigma, mean)
    w_a, w_sigma, w_mean = (weights.coeff_monomial(one) for one in (a, sigma, mean**2))
    return Opened(w_a, w_sigma, w_mean, pair, sympy.factor(view))
