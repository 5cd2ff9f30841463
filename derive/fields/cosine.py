r"""SimSiam and BYOL as published, −cos(P f(x), sg f(x′)) and 2 − 2 cos: scale invariance, and what a lost mode does.

A cosine does not see lengths. With U = P W before the live views, V for the stopped ones and G = −∂L/∂U:

- Tr[Uᵀ G] = 0, so that |W|² and |P|² do not move but for their decay, |W|² ∝ e^(−2ηt), and W Wᵀ − PᵀP neither (ρ = 1);
- G is homogeneous of degree −1 in U, and of degree 0 in V: a decay η only changes the clock, dt/|W|² for |W| = |P|, and
  no threshold depends on it. (Steps of finite size ε lengthen W by ε²|dW/dt|²; only that balances a decay.)

Of modes that are lost, or small, with weights w and p beside the kept ones, `derive.sphere.transverse` of the loss in
(U, V) gives g = α a w − β s p w exactly, with means over the kept block (`lost_mode`), and

    dw/dt = p g − η w,   dp/dt = ρ (g w − η p).

Where w = p = u that is du/dt = α a u² − β s u³: for every λ > 0 the mode comes back, though from small u only in a time
of 1/(α a u); no mode is lost. It is lost where p² − w², which does not move, is kept too large, p² − w² ≥ (λα/β)², or
p ≤ −|w|. For many kept modes lengths do not vary, α/β → Q/C with Q = Σ p²w²s and C = Σ p w² a, and g = 0 leaves

    p_i = λ_i Q/C,   w_i² s_i = s_i (p_i² + const_i):   without a difference w² − p², powers ∝ s_i λ_i².
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from derive.algebra.graphs import ENCODER, STOPPED
from derive.algebra.words import trace
from derive.definition.expression import Expression, as_expression, labels, walk
from derive.definition.rewriting import relabelled
from derive.definition.views import View
from derive.errors import InputError
from derive.sphere.transverse import ZERO, transverse

if TYPE_CHECKING:
    from derive.losses.loss import Loss


class LostMode(NamedTuple):
    """g = α a v − β s u of a mode that is lost: u its weight before live views, v before stopped ones.

    Attributes:
        alpha: α, a mean over the kept block; stopped views are seen through g.
        beta: β.

    """

    alpha: Expression
    beta: Expression


def lost_mode(loss: Loss) -> LostMode:
    """What acts on the weights of a lost mode, from the definition of a loss of cosines with stopped views.

    Raises:
        InputError: no view is stopped.

    >>> from derive import Loss, cosine, stop, views
    >>> from derive.sphere.transverse import written
    >>> x, x_pos = views("x, x_pos")
    >>> found = lost_mode(Loss(-cosine(x, stop(x_pos))))
    >>> print(written(found.alpha), written(found.beta), sep=",  ")
    E_x,x′[|f(x)|⁻¹ |g(x′)|⁻¹],  E_x,x′[cos(f(x), g(x′)) |f(x)|⁻²]

    """
    if not loss.stopped:
        raise InputError(f"{loss.name} stops no view: write stop(x_pos) for the views that are held")
    named = {view for node in walk(loss.expression) for view in labels(node) if isinstance(view, View)}
    second = {view: view._replace(role=ENCODER) for view in named if view.role == STOPPED}
    # What is multiplied by Tr[V Σ Vᵀ] is the part of the gradient that the stop takes away.
    found = transverse(replace(loss, expression=relabelled(loss.expression, second))).slopes
    across = [slope for word, slope in found.items() if word in ((trace("X"),), (trace("Y"),), (trace("A"),))]
    own = found.get((trace("S"),), ZERO)
    return LostMode(sum((-one for one in across), ZERO), as_expression(2) * own)
