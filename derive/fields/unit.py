"""Training by a loss of cosines with stopped views: no expansion at W = 0, and what it does with a lost mode instead.

Such a loss is homogeneous of degree 0, so that there is nothing to expand at W = 0; beside kept modes the flow of one
that is lost is known from the definition (`derive.fields.cosine`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy

from derive.algebra.graphs import STOPPED
from derive.definition.contents import looks_at_coordinates
from derive.definition.expression import Product, Scalar, Sum, labels, walk
from derive.definition.language import cosine
from derive.definition.notation import TEXT, Style
from derive.definition.regularity import homogeneity
from derive.definition.views import View
from derive.errors import InputError, NotAnalyticError
from derive.expansion.laws import Gaussian
from derive.fields.cosine import lost_mode
from derive.fields.field import field
from derive.fields.mode_flow import a_i, p, s_i, v, w
from derive.fields.training import Linear, OfMoments, Training
from derive.sphere.transverse import written

if TYPE_CHECKING:
    from derive.expansion.laws import Law
    from derive.fields.cosine import LostMode

alpha, beta = sympy.Symbol("alpha"), sympy.Symbol("beta")
# The gradient along the mode; g is f at a stopped view.
h = sympy.Symbol("h")
# What is said of other losses where only those are treated.
ONE_PAIR = "of losses of cosines those of one pair are, -cosine(x, stop(x_pos)) with a linear predictor"


@dataclass(frozen=True)
class OfCosines(Training):
    """A loss that sees directions of f alone, with stopped views."""

    def __post_init__(self) -> None:
        """Refuse what sees more than directions, and a predictor that is set."""
        super().__post_init__()
        if not of_cosines(self):
            raise InputError(f"{self.name} is no loss of cosines: it changes, or sees coordinates, along W → tW")
        if isinstance(self.predictor, OfMoments):
            raise InputError(f"{self.name}: beside a loss of cosines a predictor is trained, or there is none")
        if clash := sorted({"alpha", "beta", "h"} & set(self.loss.parameters)):
            raise InputError(f"{self.name} has a parameter {clash[0]}, which stands for a mean here; rename it")

    @cached_property
    def scale(self) -> sympy.Expr | None:
        """The k of c − k cos(f(x), sg f(x′)), f through the predictor; None for a loss of another form.

        >>> from derive.fields import FIELDS
        >>> [FIELDS[name].scale for name in ("simsiam+normalised", "byol+normalised")]
        [1, 2]
        """
        expression = self.loss.expression
        named = {view for node in walk(expression) for view in labels(node) if isinstance(view, View)}
        live, held = ([view for view in named if (view.role == STOPPED) is stop] for stop in (False, True))
        if len(live) != 1 or len(held) != 1 or live[0].datum != held[0].datum:
            return None
        terms = expression.terms if isinstance(expression, Sum) else (expression,)
        rest = [term for term in terms if not isinstance(term, Scalar)]
        factors = rest[0].factors if len(rest) == 1 and isinstance(rest[0], Product) else ()
        numbers = [one.value for one in factors if isinstance(one, Scalar)]
        pair = Product(tuple(one for one in factors if not isinstance(one, Scalar)))
        alike = pair in (cosine(live[0], held[0]), cosine(held[0], live[0]))
        return -sympy.Mul(*numbers) if alike else None

    @property
    def of_one_pair(self) -> bool:
        """Whether it is c − k cos(f(x), sg f(x′)) with k > 0, f through a linear predictor."""
        return self.scale is not None and bool(self.scale.is_positive) and isinstance(self.predictor, Linear)


def of_cosines(training: Training) -> bool:
    """Whether a loss sees directions of f alone."""
    return homogeneity(training.loss.expression) == 0 and not looks_at_coordinates(training.loss.expression)


def of_its_kind(training: Training) -> Training:
    """A training by a loss of cosines as one; any other as it is."""
    if isinstance(training, OfCosines) or not of_cosines(training):
        return training
    return OfCosines(**{one.name: getattr(training, one.name) for one in fields(Training)})


@dataclass(frozen=True)
class CosineField:
    """What a loss of cosines does with a mode that is lost, w and p its weights beside the kept ones.

    Attributes:
        training: what is trained.
        reason: why there is no expansion.
        mode: the means that act on the mode.

    """

    training: OfCosines
    reason: str
    mode: LostMode

    @property
    def rates(self) -> dict[str, sympy.Expr]:
        """The rates of w, p and v, by name, with h left open."""
        rates, linear = self.training.rates, isinstance(self.training.predictor, Linear)
        decay = rates.get("eta", sympy.S.Zero)
        found = {"w": (p * h if linear else h) - decay * w}
        if linear:
            found["p"] = sympy.expand(rates["rho"] * (h * w - decay * p))
        if self.training.momentum:
            found["v"] = rates["mu"] * (w - v)
        return found

    @property
    def pull(self) -> sympy.Expr:
        """The h in them, in α and β."""
        linear = isinstance(self.training.predictor, Linear)
        return alpha * a_i * (v if self.training.momentum else w) - beta * s_i * (p * w if linear else w)

    def lines(self, style: Style = TEXT) -> dict[str, str]:
        """The right-hand side by what stands on the left, α and β as means over the kept modes last."""
        plain = style is TEXT
        found = {f"d{name}/dt" if plain else rf"\dot {name}": style.scalar(rate) for name, rate in self.rates.items()}
        found["h"] = style.scalar(self.pull)
        means = (("α", r"\alpha", self.mode.alpha), ("β", r"\beta", self.mode.beta))
        return found | {text if plain else latex: written(mean, style) for text, latex, mean in means}

    @property
    def flow(self) -> tuple[str, ...]:
        """The weights that move."""
        return ("W", *(["P"] if self.training.predictor else []), *(["W_m"] if self.training.momentum else []))

    @property
    def stopped(self) -> tuple[str, ...]:
        """What the stop takes away, which is not written."""
        return ()

    def removed(self, _style: Style = TEXT) -> str:
        """What the stop takes away, which is not written."""
        return ""

    @property
    def remark(self) -> str:
        """What stands beside the lines in LaTeX."""
        of = ", ".join(self.rates)
        return (
            rf"There is no expansion at $W = 0$: the loss is constant along $W \to tW$. Here ${of}$ are the weights of"
            r" a mode that is lost, $a_i$ and $s_i$ its eigenvalues of $A_0$ and $\Sigma$, and $\alpha$, $\beta$ means"
            " over the kept modes, in which $f$ is what a live view is seen through and $g$ what a stopped one is."
        )

    def text(self) -> str:
        """Why there is no expansion, and a line for each weight of a lost mode.

        >>> from derive.fields import FIELDS
        >>> print(cosine_field(FIELDS["simsiam+normalised"]).text().partition("; ")[0])
        no expansion: homogeneous of degree 0 in W, constant along W → tW
        """
        head = f"no expansion: homogeneous of degree 0 in W, constant along W → tW; {self.reason}"
        said = (
            "a mode that is lost beside kept ones, over which α and β are means (f at live views, g at stopped ones):"
        )
        return "\n".join([head, said, *(f"  {left} = {right}" for left, right in self.lines().items())])

    def __str__(self) -> str:
        """The same as `text`."""
        return self.text()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "field": self.training.name,
            "terms": None,
            "degree": 0,
            "reason": self.reason,
            "lost_mode": {
                **{name: str(rate) for name, rate in self.rates.items()},
                "h": str(self.pull),
                "alpha": written(self.mode.alpha),
                "beta": written(self.mode.beta),
            },
        }


def cosine_field(training: OfCosines, *, data: Law | None = None) -> CosineField:
    """What there is to say in place of an expansion.

    Raises:
        InputError: data of another law than the Gaussian one of mean zero.

    >>> from derive.fields import FIELDS
    >>> print(cosine_field(FIELDS["byol+normalised"]).lines()["h"])
    a_i α v - β p s_i w

    """
    if data is not None and type(data) is not Gaussian:
        raise InputError(f"{training.name} is derived for Gaussian data of mean zero; leave --law out")
    try:
        field(training, 2)
    except NotAnalyticError as error:
        return CosineField(training, error.reason, lost_mode(training.loss))
    raise InputError(f"{training.name} has an expansion; derive.fields.field.field derives it")
