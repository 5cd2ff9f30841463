"""The routes by which the expansion of a black box is checked against the black box.

Coefficients were measured along rays with one or a few data. Here whole random batches are used: averaged exactly over
cubature nodes with automatic differentiation, averaged over nodes at finite t (the remainder), and averaged over random
draws at a batch size that the interpolation in N has not seen.
"""

from __future__ import annotations

from typing import Any

from verify.audits.blackbox import by_batches, by_derivatives, by_remainder
from verify.audits.blackbox.batches import Subject
from verify.audits.blackbox.expansions import Expanded
from verify.routes.route import Route

# In the order in which a reader wants them.
ROUTES: tuple[Route[Subject, Any, Expanded], ...] = (by_derivatives.ROUTE, by_remainder.ROUTE, by_batches.ROUTE)
