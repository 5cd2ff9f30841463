"""The routes by which an audit checks the expansion of a definition against the definition itself.

A new one is a file with a `verify.routes.route.Route` and an entry here. Mutants are held against
those of `verify.assurance.mutants.killing`, made of the same parts.
"""

from __future__ import annotations

from typing import Any

from verify.routes import autodiff, minima, monte_carlo, parity, remainder, symmetry, trained
from verify.routes import closed_form as closed
from verify.routes.route import Route

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
