"""Laws in numbers, a law a file. `in_numbers` leads from a law of `derive.expansion.laws` to views of it."""

from __future__ import annotations

from numeric.laws import elliptical, gaussian
from numeric.laws.views import Views, in_numbers, random_in_numbers

__all__ = ["Views", "elliptical", "gaussian", "in_numbers", "random_in_numbers"]
