"""Gaussian views are their covariances."""

from __future__ import annotations

from derive import Gaussian
from numeric.laws.views import in_numbers
from numeric.sampling import Covariances


@in_numbers.register
def _(law: Gaussian, covariances: Covariances) -> Covariances:  # noqa: ARG001 (the interface of every law)
    return covariances
