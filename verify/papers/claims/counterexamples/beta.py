"""Against claims about β-InfoNCE, in one dimension."""

from __future__ import annotations


def curvature_at_the_origin() -> dict[str, object]:
    """β = ½, a = 1, c = 3: the coefficient of w² of ½E(x − x′)²w² + β E log E_χ exp(−w²(x − χ)²/2)."""
    import mpmath
    import numpy as np

    a, c, beta = 1.0, 3.0, 0.5
    s = a + c
    # For Gaussian x and χ of variance s the logarithm is −½ log(1 + w²s) − w²x²/(2(1 + w²s)), x² having the mean s.
    series = mpmath.taylor(lambda t: c * t - beta * (mpmath.log(1 + t * s) / 2 + t * s / (2 * (1 + t * s))), 0, 1)
    at = {name: np.array([[value]]) for name, value in {"W": 1.0, "A_0": a, "C": c, "Sigma": s}.items()}
    return {"slot": "second", "at": at | {"beta": beta}, "printed": -(a - (1 - beta) * c), "true": float(series[1])}


def threshold() -> dict[str, object]:
    """β = ⅕, a = 1: the c at which that coefficient vanishes, found by mpmath."""
    import mpmath

    a, beta = 1.0, 0.2

    def second(c):
        s = a + c
        return mpmath.diff(lambda t: c * t - beta * (mpmath.log(1 + t * s) / 2 + t * s / (2 * (1 + t * s))), 0)

    return {
        "slot": "critical",
        "at": {"a_i": a, "beta": beta},
        "printed": a,
        "true": float(mpmath.findroot(second, 0.5)),
    }


def threshold_at_one_half() -> dict[str, object]:
    """β = ½, a = 1: the c at which that coefficient vanishes, by mpmath; the printed B has it at a/(1 − β)."""
    import mpmath

    a, beta = 1.0, 0.5

    def second(c):
        s = a + c
        return mpmath.diff(lambda t: c * t - beta * (mpmath.log(1 + t * s) / 2 + t * s / (2 * (1 + t * s))), 0)

    return {
        "slot": "limit",
        "at": {"beta": beta, "T": a / (1 - beta)},
        "printed": a / (1 - beta),
        "true": float(mpmath.findroot(second, 0.5)),
    }
