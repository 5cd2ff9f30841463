"""From the definition of a self-supervised loss to its exact expansion around W = 0, with SymPy alone."""

from __future__ import annotations

from sympy import Rational, Symbol, oo, symbols

from derive.errors import InputError, NotAnalyticError
from derive.exact import ClosedForm, closed_form
from derive.expansion import Expansion, Term
from derive.language import (
    Mean,
    diagonal_sum,
    distinct,
    exp,
    half_sq,
    inner,
    log,
    off_diagonal_sum,
    sqrt,
    variance,
)
from derive.laws import Contaminated, Elliptical, Gaussian, Laplace, Law, StudentT
from derive.loss import Loss
from derive.losses import CATALOGUE, MODIFIERS, catalogue
from derive.matrices import SecondMoment, identity, inverse, log_det, trace
from derive.memory import clear_caches
from derive.moments import MomentSeries
from derive.vectors import centroid, embedding
from derive.views import View, views, white_noise

__all__ = [
    "CATALOGUE",
    "MODIFIERS",
    "ClosedForm",
    "Contaminated",
    "Elliptical",
    "Expansion",
    "Gaussian",
    "InputError",
    "Laplace",
    "Law",
    "Loss",
    "Mean",
    "MomentSeries",
    "NotAnalyticError",
    "Rational",
    "SecondMoment",
    "StudentT",
    "Symbol",
    "Term",
    "View",
    "catalogue",
    "catalogue_names",
    "centroid",
    "clear_caches",
    "closed_form",
    "diagonal_sum",
    "distinct",
    "embedding",
    "exp",
    "half_sq",
    "identity",
    "inner",
    "inverse",
    "log",
    "log_det",
    "off_diagonal_sum",
    "oo",
    "sqrt",
    "symbols",
    "trace",
    "variance",
    "views",
    "white_noise",
]


def catalogue_names() -> tuple[str, ...]:
    """The names of the catalogue's losses."""
    return tuple(CATALOGUE)
