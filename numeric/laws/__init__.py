"""Laws in numbers, one per file. `in_numbers` turns a law of `derive.expansion.laws` into views that can be drawn."""

from __future__ import annotations

from numeric.laws import classes, elliptical, gaussian, heteroscedastic, mean, unequal
from numeric.laws.views import Views, in_numbers, random_in_numbers

__all__ = [
    "Views",
    "classes",
    "elliptical",
    "gaussian",
    "heteroscedastic",
    "in_numbers",
    "mean",
    "random_in_numbers",
    "unequal",
]
