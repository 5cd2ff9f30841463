"""Data of classes: Gaussian views with each class's mean and covariances, drawn at random or as nodes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from derive import Classes, InputError
from derive.algebra.alphabet import BETWEEN
from numeric.invariants import Letters
from numeric.laws.mean import like, some_means, vector
from numeric.laws.views import in_numbers, random_in_numbers
from numeric.sampling import Covariances, Seen, classmates, put_among, random_covariances, root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]
# Numbers in a set of nodes.
MOST = 10**8
# By what fraction the classes' covariances differ from their average, where only that is given.
APART = 0.5


@dataclass(frozen=True, eq=False)
class Mixture(Covariances):
    """Views of data of classes; A0 and C are the averages of the classes' covariances.

    Attributes:
        law: a `Classes`, with the classes' weights.
        means: μ_y, (K, d0).
        each: A0_y and C_y of each class.

    """

    law: Classes = field(kw_only=True)  # type: ignore[misc]
    means: Array = field(kw_only=True)
    each: tuple[Covariances, ...] = field(kw_only=True)

    @classmethod
    def of(cls, law: Classes, means: Any, each: Sequence[Covariances]) -> Mixture:
        """Classes by their means and covariances.

        Raises:
            InputError: as many as the law has classes are needed.

        >>> one = Covariances(np.eye(1), np.eye(1))
        >>> Mixture.of(Classes(weights=(1, 3)), [[2.0], [-2.0]], [one, one]).mean
        array([-1.])

        """
        if not len(means) == len(each) == law.count:
            message = f"{law.count} classes have {len(means)} means and {len(each)} pairs of covariances"
            raise InputError(message)
        chances = _chances(law)
        A0, C = (sum(p * getattr(one, name) for p, one in zip(chances, each, strict=True)) for name in ("A0", "C"))
        rows = np.stack([vector("a class's mean", one, each[0].d0) for one in means])
        return cls(np.asarray(A0), np.asarray(C), law=law, means=rows, each=tuple(each))

    @property
    def chances(self) -> Array:
        """π_y, (K,)."""
        return _chances(self.law)

    @property
    def mean(self) -> Array:
        """E x, (d0,)."""
        return np.asarray(self.chances @ self.means)

    @property
    def beside(self) -> Mapping[str, Array]:
        """The classes' weights, means and covariances."""
        A0, C = (np.stack([getattr(one, name) for one in self.each]) for name in ("A0", "C"))
        return {"weights": self.chances, "means": self.means, "A0": A0, "Sigma": A0 + C, "C": C}

    @property
    def letters(self) -> Letters:
        """The matrices of averages, and those of each class."""
        found = Letters({**super().letters, BETWEEN: self.between})
        found.mean = self.mean
        found.classes = [
            (float(chance), own.letters, mean)
            for chance, own, mean in zip(self.chances, self.each, self.means, strict=True)
        ]
        return found

    @property
    def between(self) -> Array:
        """Σ_y π_y μ_y μ_yᵀ."""
        return np.asarray(np.einsum("k,ki,kj->ij", self.chances, self.means, self.means))

    @property
    def cubature(self) -> str:  # type: ignore[override]
        """A description of the nodes in words."""
        return f"Gaussian cubature for each of {self.law.count} classes"

    @property
    def core(self) -> Covariances:
        """Of views without a class, that each class's are made of."""
        return Covariances(self.A0, self.C)

    @property
    def noise(self) -> Covariances:
        """What the augmentation adds, if it adds the same in all classes.

        Raises:
            InputError: it does not.

        """
        if any(not np.allclose(one.C, self.C) for one in self.each):
            message = (
                f"what the augmentation adds to a datum of the law {self.law.text} depends on its class; means over all"
                " further views of a datum are measured where covariances are shared"
            )
            raise InputError(message)
        return Covariances(np.zeros_like(self.A0), self.C)

    def latent(self, views: Seen) -> int:  # noqa: ARG002 (the interface of a law)
        """A normal number for the class of a datum."""
        return 1

    def made(
        self, gaussian: tuple[Any, ...], latent: Any, views: Seen | None = None, *, datum: bool = False
    ) -> tuple[Any, ...]:
        """Views of each datum's class, which other data of the class share."""
        seen = len(gaussian) - datum if views is None else views
        edges = [-np.inf, *map(NormalDist().inv_cdf, np.cumsum(self.chances)[:-1]), np.inf]
        classes = [self._of_class(y, gaussian, seen, datum=datum) for y in range(self.law.count)]
        # A 1 of the precision of the numbers, in one class.
        inside = [latent**0 * ((latent > low) & (latent <= high)) for low, high in pairwise(edges)]
        every = zip(*classes, strict=True)
        return tuple(sum(mask * one for mask, one in zip(inside, of, strict=True)) for of in every)

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x."""
        each = tuple(one.along(directions) for one in self.each)
        core = self.core.along(directions)
        return replace(self, A0=core.A0, C=core.C, means=self.means @ directions.T, each=each)

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0)."""
        gaussian = self.core.draw(generator, shape, views, datum=datum)
        return self.made(gaussian, generator.standard_normal((*shape, 1)), views, datum=datum)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Nodes for every choice of the data's classes, weighted with its probability.

        Raises:
            InputError: there are too many.

        """
        if self.size(degree, data, views, positive=positive) * data * self.d0 > MOST:
            message = f"data of {self.law.count} classes need too many nodes at degree {degree} for {data} at a time"
            raise InputError(message)
        gaussian, weights = self.core.nodes(degree, data, views, positive=positive, datum=datum)
        of_class = [self._of_class(y, gaussian, views, datum=datum) for y in range(self.law.count)]
        points: list[list[Array]] = [[] for _ in gaussian]
        chances = []
        for classes in product(range(self.law.count), repeat=data):
            for k, found in enumerate(points):
                found.append(np.stack([of_class[y][k][:, place] for place, y in enumerate(classes)], axis=1))
            chances.append(float(np.prod(self.chances[list(classes)])))
        return tuple(np.concatenate(found) for found in points), np.outer(chances, weights).ravel()

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes `nodes` has."""
        return int(self.law.count**data * self.core.size(degree, data, views, positive=positive))

    def training_set(self, size: int, generator: np.random.Generator) -> Array:  # noqa: ARG002
        """None: a set has its own share of each class.

        Raises:
            InputError: always.

        """
        message = "a fixed training set of data of classes is not drawn; take independent draws, --sampling iid"
        raise InputError(message)

    def _of_class(self, y: int, gaussian: tuple[Any, ...], views: Seen, *, datum: bool) -> tuple[Any, ...]:
        """Views of one class from views without one: their mean and what differs from it are given its covariances."""
        if mates := classmates(views):
            others = [self._of_class(y, (gaussian[k],), 1, datum=False)[0] for k in mates]
            left = tuple(one for k, one in enumerate(gaussian) if k not in mates)
            return put_among(self._of_class(y, left, len(left) - datum, datum=datum) if left else (), mates, others)
        own, some = self.each[y], len(gaussian) - datum
        to = self._to(own.C, self.C)
        if datum:
            middle = gaussian[-1]
            around = middle @ like(self._to(own.A0, self.A0), middle)
        else:
            middle = sum(gaussian) / some
            around = middle @ like(self._to(own.C + some * own.A0, self.C + some * self.A0), middle)
        around = around + like(self.means[y], middle)
        views = tuple(around + (one - middle) @ like(to, middle) for one in gaussian[:some])
        return (*views, around) if datum else views

    def _to(self, new: Array, old: Array) -> Array:
        """T, which makes x T, a row, of the new covariance where x has the old one."""
        return np.asarray(np.linalg.pinv(root(old), hermitian=True) @ root(new))


def _chances(law: Classes) -> Array:
    return np.array([float(one) for one in law.chances])


def _means(law: Classes, Sigma: Array, generator: np.random.Generator | None) -> Array:
    shape = (law.count, len(Sigma))
    return np.zeros(shape) if law.means == "zero" else some_means(law, Sigma, shape, generator)


@in_numbers.register
def _(law: Classes, covariances: Covariances) -> Mixture:
    """Classes whose covariances have the given averages: each class has more of some directions and less of others."""
    each = [covariances] * law.count
    if law.covariances == "own" and law.count > 1:
        spread = np.linspace(-1, 1, law.count)
        spread -= _chances(law) @ spread
        each = [
            Covariances(*(_tilted(X, APART * s) for X in (covariances.A0, covariances.C)))
            for s in spread / np.abs(spread).max()
        ]
    return Mixture.of(law, _means(law, covariances.Sigma, None), each)


def _tilted(X: Array, by: float) -> Array:
    """X with eigenvalues larger and smaller by a fraction, in turn."""
    values, vectors = np.linalg.eigh(X)
    return np.asarray(vectors * values * (1 + by * (-1.0) ** np.arange(len(X))) @ vectors.T)


@random_in_numbers.register
def _(law: Classes, core: Covariances, generator: np.random.Generator) -> Mixture:
    own = law.covariances == "own"
    each = [core, *(random_covariances(generator, core.d0) if own else core for _ in range(law.count - 1))]
    return Mixture.of(law, _means(law, core.Sigma, generator), each)
