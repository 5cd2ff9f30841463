"""Elliptical views, Gaussian ones times a random scale: drawn at random, or a few nodes with its exact moments."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache, singledispatch
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from derive import Contaminated, Elliptical, InputError, Laplace, StudentT
from numeric.laws.views import in_numbers, random_in_numbers
from numeric.sampling import Covariances, Seen, classmates, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from derive.expansion.laws.scales import Scale

Array = NDArray[np.float64]
# By how much a chosen moment exceeds its least possible value: with less, nodes lie near 0; with more, far out.
ABOVE = 1.05
# Numbers in a set of nodes.
MOST = 10**8
# The most degrees of freedom that are drawn, one normal number each.
LARGEST_NU = 200


@dataclass(frozen=True, eq=False)
class Scaled(Covariances):
    """Elliptical views: A0 and C are covariances of the data themselves, x = s·g.

    Attributes:
        law: an `Elliptical` whose scale has a known law.

    """

    law: Elliptical = field(kw_only=True)  # type: ignore[misc]

    def __post_init__(self) -> None:
        """Check that such data exist."""
        super().__post_init__()
        if self.law.scale is None:
            message = (
                f"data of the law {self.law.text} cannot be drawn: moments of s leave open which scale it is; name one,"
                " student-t:nu=10, laplace or contaminated:share=1/10,factor=3"
            )
            raise InputError(message)
        try:
            _ = self.core
        except InputError:
            message = (
                f"no data of the law {self.law.text} have these covariances: views with scales of their own are less"
                " correlated than that; take a smaller A0"
            )
            raise InputError(message) from None

    @property
    def scale(self) -> Scale:
        """Of the data."""
        assert self.law.scale is not None  # noqa: S101 (checked above)
        return self.law.scale

    @cached_property
    def core(self) -> Covariances:
        """Of g: its views are more correlated than those of x where each has its own scale."""
        between = float(self.law.letter_weight()) * self.A0
        return Covariances(between, self.Sigma - between)

    @property
    def cubature(self) -> str:  # type: ignore[override]
        """A description of the nodes in words."""
        return f"Gaussian cubature times that of the scale, {self.law.text}"

    @property
    def noise(self) -> Covariances:
        """Not known without the scale.

        Raises:
            InputError: always.

        """
        message = (
            f"what the augmentation adds to a datum of the law {self.law.text} depends on its scale; means over all"
            " further views of a datum, and fixed training sets, are measured on Gaussian data alone"
        )
        raise InputError(message)

    def latent(self, views: Seen) -> int:
        """Normal numbers that the scales of a datum are made from."""
        return drawn_from(self.scale).numbers * self._scales(views)

    def made(
        self, gaussian: tuple[Any, ...], latent: Any, views: Seen | None = None, *, datum: bool = False
    ) -> tuple[Any, ...]:
        """x = s·g."""
        seen = len(gaussian) - datum if views is None else views
        of = drawn_from(self.scale)
        parts = [latent[..., k * of.numbers : (k + 1) * of.numbers] for k in range(self._scales(seen))]
        scales = [of.scale(part)[..., None] for part in parts]
        return tuple(scales[k] * one for k, one in zip(self._scale_of(seen, datum=datum), gaussian, strict=True))

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0)."""
        gaussian = self.core.draw(generator, shape, views, datum=self._with(datum=datum))
        latent = generator.standard_normal((*shape, self.latent(views)))
        return self.made(gaussian, latent, views, datum=datum)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Nodes of g times every combination of the scales' nodes, with all finite moments up to the degree.

        Raises:
            InputError: there are too many.

        """
        if self.size(degree, data, views, positive=positive) * data * self.d0 > MOST:
            message = (
                f"data of the law {self.law.text} need too many nodes at degree {degree} for {data} data at a time"
            )
            raise InputError(message)
        gaussian, weights = self.core.nodes(degree, data, views, positive=positive, datum=self._with(datum=datum))
        values, chances = self._rule(degree)
        number = self._scales(views)
        which = np.array(list(product(range(len(values)), repeat=data * number))).reshape(-1, 1, number, data, 1)
        s = values[which]
        made = tuple(
            (s[:, :, k] * one).reshape(-1, data, self.d0)
            for k, one in zip(self._scale_of(views, datum=datum), gaussian, strict=True)
        )
        return made, np.outer(chances[which].prod((1, 2, 3, 4)), weights).ravel()

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes `nodes` has."""
        each = len(self._rule(degree)[0]) ** (data * self._scales(views))
        return int(each * self.core.size(degree, data, views, positive=positive))

    def _scale_of(self, views: Seen, *, datum: bool = False) -> tuple[int, ...]:
        """Which of the scales each view has; each of other data of the class has its own."""
        number, mates = plain(views), classmates(views)
        if self.law.per == "view":
            return tuple(range(number))
        others = {k: place + (len(mates) < number or datum) for place, k in enumerate(mates)}
        return (*(others.get(k, 0) for k in range(number)), *((0,) if datum else ()))

    def _scales(self, views: Seen) -> int:
        """How many scales there are."""
        return 1 + max(self._scale_of(views), default=0)

    def _rule(self, degree: int) -> tuple[Array, Array]:
        # Where a datum has one scale, odd powers of it meet odd moments of g, which are 0.
        power = 2 if self.law.per == "datum" else 1
        return rule(self.scale, int(min(degree, self.law.highest)) // power, power)

    def _with(self, *, datum: bool) -> bool:
        """Whether the datum itself comes with its views."""
        if datum and self.law.per == "view":
            message = "a datum whose views each have their own scale has none itself; no loss can be evaluated at it"
            raise InputError(message)
        return datum


@in_numbers.register
def _(law: Elliptical, covariances: Covariances) -> Scaled:
    return Scaled(covariances.A0, covariances.C, law=law)


@random_in_numbers.register
def _(law: Elliptical, core: Covariances, generator: np.random.Generator) -> Scaled:  # noqa: ARG001
    between = core.A0 / float(law.letter_weight()) if law.scale is not None else core.A0
    return Scaled(between, core.Sigma - between, law=law)


class Drawn(NamedTuple):
    """How a scale is made from normal numbers.

    Attributes:
        numbers: how many.
        scale: (…, numbers) → (…), of NumPy's arrays or torch's.

    """

    numbers: int
    scale: Callable[[Any], Any]


@singledispatch
def drawn_from(scale: Scale) -> Drawn:
    """How a random scale is made from standard normal numbers."""
    message = f"no way is known to draw the scale of {scale.name}; register one with numeric.laws.elliptical.drawn_from"
    raise InputError(message)


@drawn_from.register
def _(scale: StudentT) -> Drawn:
    nu = scale.arguments["nu"]
    if not (nu.is_Integer and nu <= LARGEST_NU):
        message = f"data of Student's t with nu = {nu} are not drawn; take a whole number from 3 to {LARGEST_NU}"
        raise InputError(message)
    return Drawn(int(nu), lambda normals: (int(nu - 2) / (normals**2).sum(-1)) ** 0.5)


@drawn_from.register
def _(scale: Laplace) -> Drawn:  # noqa: ARG001 (it has no parameters)
    return Drawn(2, lambda normals: ((normals**2).sum(-1) / 2) ** 0.5)


@drawn_from.register
def _(scale: Contaminated) -> Drawn:
    (low, _), (high, share) = ((float(value), float(chance)) for value, chance in scale.values)
    threshold = NormalDist().inv_cdf(1 - share)
    # n⁰ is a 1 of the precision of the numbers.
    return Drawn(1, lambda normals: low + (high - low) * normals[..., 0] ** 0 * (normals[..., 0] > threshold))


@lru_cache(maxsize=64)
def rule(scale: Scale, degree: int, power: int) -> tuple[Array, Array]:
    """Few values of s and their chances, with the law's E[s^(power·k)] for all k up to a degree.

    They are the nodes of Gauss' rule for s^power, found from the moments. An even degree needs one more
    moment; where that is infinite, a finite value that some positive random variable has takes its place.

    >>> from derive import Laplace
    >>> values, chances = rule(Laplace(), 3, 2)
    >>> [round(float(chances @ values**k), 9) for k in (0, 2, 4, 6)]
    [1.0, 1.0, 2.0, 6.0]
    """
    import mpmath

    if degree == 0:
        return np.ones(1), np.ones(1)
    if isinstance(scale, Contaminated):
        return tuple(np.array([float(one) for one in column]) for column in zip(*scale.values, strict=True))  # type: ignore[return-value]
    count = degree // 2 + 1
    with mpmath.workdps(60):
        known = range(min(2 * count, int(min(scale.highest, 2 * power * count)) // power + 1))
        moments = [mpmath.mpf(str(scale.moment(power * k).evalf(60))) if k else mpmath.mpf(1) for k in known]
        if len(moments) < 2 * count:
            moments.append(_beyond(moments, count))
        # The generalised eigenvalues of the moments' matrices, one and shifted by one (Golub and Welsch, 1969).
        plain = mpmath.matrix(count, count)
        shifted = mpmath.matrix(count, count)
        for i in range(count):
            for j in range(count):
                plain[i, j], shifted[i, j] = moments[i + j], moments[i + j + 1]
        root = mpmath.inverse(mpmath.cholesky(plain))
        values, vectors = mpmath.eigsy(root * shifted * root.T)
        chances = [vectors[0, k] ** 2 for k in range(count)]
        nodes = [mpmath.root(values[k], power) for k in range(count)]
    return np.array([float(one) for one in nodes]), np.array([float(one) for one in chances])


def _beyond(moments: list[Any], count: int) -> Any:
    """The next moment after those given, somewhat above the least that a positive random variable can have."""
    import mpmath

    if count == 1:
        return ABOVE * moments[-1]
    inner = mpmath.matrix(count - 1, count - 1)
    edge = mpmath.matrix(count - 1, 1)
    for i in range(count - 1):
        edge[i] = moments[i + count]
        for j in range(count - 1):
            inner[i, j] = moments[i + j + 1]
    return ABOVE * (edge.T * mpmath.inverse(inner) * edge)[0]
