"""The routes by which an audit holds the expansion of a definition against the definition itself.

A new one is a file with a `verify.route.Route` and an entry here. Mutants and tests take the same ones.
"""

from __future__ import annotations

from typing import Any

from verify import autodiff, closed, minima, monte_carlo, parity, remainder, symmetry, trained
from verify.route import Route

# In the order in which a reader wants them.
ROUTES: tuple[Route[Any, Any, Any], ...] = (
    parity.ROUTE,
    closed.ROUTE,
    symmetry.ROUTE,
    remainder.ROUTE,
    autodiff.ROUTE,
    monte_carlo.ROUTE,
    minima.ROUTE,
    trained.ROUTE,
)
