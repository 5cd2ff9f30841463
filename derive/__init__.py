"""From the definition of a self-supervised loss to its exact expansion around W = 0, with SymPy alone."""

from __future__ import annotations

from sympy import Rational, Symbol, oo, symbols

from derive.definition.language import (
    Mean,
    cosine,
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
from derive.definition.matrices import SecondMoment, identity, inverse, log_det, trace
from derive.definition.vectors import centroid, embedding
from derive.definition.views import View, stop, views, white_noise
from derive.errors import InputError, NotAnalyticError
from derive.expansion.caches import clear_caches
from derive.expansion.expansion import Expansion, Term
from derive.expansion.laws import (
    Classes,
    Contaminated,
    Elliptical,
    Gaussian,
    Heteroscedastic,
    Laplace,
    Law,
    StudentT,
    Uncentred,
)
from derive.expansion.moment import Moment, moment
from derive.expansion.moments import MomentSeries
from derive.landscape.closed_form import ClosedForm, closed_form
from derive.losses import CATALOGUE, MODIFIERS, catalogue
from derive.losses.loss import Loss

__all__ = [
    "CATALOGUE",
    "MODIFIERS",
    "Classes",
    "ClosedForm",
    "Contaminated",
    "Elliptical",
    "Expansion",
    "Gaussian",
    "Heteroscedastic",
    "InputError",
    "Laplace",
    "Law",
    "Loss",
    "Mean",
    "Moment",
    "MomentSeries",
    "NotAnalyticError",
    "Rational",
    "SecondMoment",
    "StudentT",
    "Symbol",
    "Term",
    "Uncentred",
    "View",
    "catalogue",
    "catalogue_names",
    "centroid",
    "clear_caches",
    "closed_form",
    "cosine",
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
    "moment",
    "off_diagonal_sum",
    "oo",
    "sqrt",
    "stop",
    "symbols",
    "trace",
    "variance",
    "views",
    "white_noise",
]


def catalogue_names() -> tuple[str, ...]:
    """The names of the catalogue's losses."""
    return tuple(CATALOGUE)
