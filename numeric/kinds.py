"""Gaussian views seen in two ways: under two augmentations, or the two halves of pairs, each through its encoder.

Two encoders f(x) = W x and g(y) = V y are one matrix U = (W V) on data of d0 + d0′ dimensions: a view of the first kind
is (x, 0), one of the second (0, y), and U of either is its embedding. So whatever draws, trains or evaluates works with
one matrix and two kinds of views, and `of_pairs` is all that knows of the two blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from derive import InputError
from derive.algebra.graphs import PLAIN
from numeric.cubature import cubature_size, gaussian_cubature, tensor_size
from numeric.sampling import Array, Covariances, Seen, classmates, roles_of, semidefinite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

# Directions of the joint covariance of a datum's views whose variance is below this fraction of the largest are none.
RANK = 1e-12


@dataclass(frozen=True, eq=False)
class TwoKinds(Covariances):
    """The covariances of views of two kinds, and Gaussian views that have them.

    A view of the first kind is x = m₁ + noise, one of the second y = m₂ + noise; m₁ and m₂ belong to the datum, and the
    noise of each view is its own.

    Args:
        A0: (d0, d0), the covariance of two views of the first kind, that of m₁.
        C: (d0, d0), that of the noise of the first kind; Σ = A0 + C.
        A: (d0, d0), Cov(x, y), that of m₁ and m₂; not symmetric in general.
        A2: (d0, d0), the covariance of two views of the second kind, that of m₂.
        C2: (d0, d0), that of the noise of the second kind; Σ₂ = A2 + C2.
        units: the identities of both kinds' input spaces, for weight decay; the identity for both unless given.

    Raises:
        InputError: shapes that differ, or covariances that no m₁ and m₂ have.

    >>> data = TwoKinds(np.eye(2), np.eye(2), A=np.eye(2) / 2, A2=np.eye(2), C2=3 * np.eye(2))
    >>> x, y = data.draw(np.random.default_rng(0), (5,), (PLAIN, PLAIN + 1))
    >>> x.shape, data.Sigma2.diagonal().tolist()
    ((5, 2), [4.0, 4.0])

    """

    A: Array = field(kw_only=True)
    A2: Array = field(kw_only=True)
    C2: Array = field(kw_only=True)
    units: tuple[Array, Array] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Check that such data exist."""
        super().__post_init__()
        object.__setattr__(self, "A", np.asarray(self.A, dtype=np.float64))
        for name in ("A2", "C2"):
            object.__setattr__(self, name, semidefinite(name, getattr(self, name)))
        for name in ("A", "A2", "C2"):
            if getattr(self, name).shape != self.A0.shape:
                shape = "×".join(map(str, getattr(self, name).shape))
                message = f"{name} is {shape} and A0 is {self.d0}×{self.d0}; both kinds are views in one space"
                raise InputError(message)
        try:
            semidefinite("A", np.block([[self.A0, self.A], [self.A.T, self.A2]]))
        except InputError:
            message = "no data have this A beside A0 and A2: the views are less correlated than that; take a smaller A"
            raise InputError(message) from None

    @property
    def Sigma2(self) -> Array:
        """Σ₂ = A2 + C2, the covariance of a view of the second kind."""
        return self.A2 + self.C2

    @property
    def _inputs(self) -> tuple[Array, Array]:
        """The identities of both kinds' input spaces."""
        return self.units or (np.eye(self.d0),) * 2

    @property
    def letters(self) -> Mapping[str, Array]:
        """The matrix of each letter; those of a second encoder are the same ones, since V is a part of U."""
        first, second = self._inputs
        of_second = {"T": self.Sigma2, "X": self.A, "Y": self.A.T, "Z": self.A2}
        under_second = {"U": self.Sigma2, "P": self.A, "Q": self.A.T, "R": self.A2}
        return {**super().letters, "I": first, "J": second, **of_second, **under_second}

    @property
    def white(self) -> TwoKinds:
        """White noise in both input spaces: its mean of |f|² is ‖W‖², or ‖V‖²."""
        zero, (first, second) = np.zeros_like(self.A0), self._inputs
        return TwoKinds(zero, first, A=zero, A2=zero, C2=second)

    @property
    def noise(self) -> TwoKinds:
        """What the augmentations add to a datum, as views with A0 = A = A2 = 0."""
        zero = np.zeros_like(self.A0)
        return TwoKinds(zero, self.C, A=zero, A2=zero, C2=self.C2)

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x, for orthonormal rows (r, d0)."""
        units = self._inputs
        of = {name: directions @ getattr(self, name) @ directions.T for name in ("A0", "C", "A", "A2", "C2")}
        first, second = (directions @ one @ directions.T for one in units)
        return replace(self, **of, units=(first, second))

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes `nodes` has, counted without building them."""
        return (tensor_size if positive else cubature_size)(len(self._root(views)) * data, degree)

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0), the leading dimensions being independent data."""
        root = self._root(views, datum=datum)
        return self._apart(generator.standard_normal((*shape, len(root))) @ root)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Views of shape (m, data, d0) and weights (m,) with the joint moments of independent data up to a degree."""
        root = self._root(views, datum=datum)
        points, weights = gaussian_cubature(len(root) * data, degree, positive=positive)
        return self._apart(points.reshape(-1, data, len(root)) @ root), weights

    def training_set(self, size: int, generator: np.random.Generator) -> Array:
        """A centred set of pairs (m₁, m₂), (size, 2 d0), whose second moments are exactly A0, A and A2.

        Raises:
            InputError: fewer pairs than that takes.

        """
        joint = np.block([[self.A0, self.A], [self.A.T, self.A2]])
        values, vectors = np.linalg.eigh(joint)
        # The halves of a pair, each with zeros in place of the other, span no more than both together.
        kept = vectors[:, values > RANK * values[-1]]
        inside = kept.T @ joint @ kept
        return np.asarray(Covariances(inside, np.zeros_like(inside)).training_set(size, generator) @ kept.T)

    def of_set(self, training_set: Array, views: Seen) -> tuple[Array, ...]:
        """m₁ for views of the first kind, m₂ for those of the second."""
        halves = training_set[..., : self.d0], training_set[..., self.d0 :]
        return tuple(halves[role != PLAIN] for role in roles_of(views))

    def _root(self, views: Seen, *, datum: bool = False) -> Array:
        """R (r, n d0), so that standard normal numbers times R are the n views of a datum; r is their joint rank."""
        if datum:
            message = (
                "a datum without noise differs between the two kinds of views; means over all further views of a datum"
                " are measured with one kind alone"
            )
            raise InputError(message)
        if classmates(views):
            message = "views that share a class are drawn of data with one kind of view"
            raise InputError(message)
        second = [role != PLAIN for role in roles_of(views)]
        between = [[self.A0, self.A], [self.A.T, self.A2]]
        joint = np.block([[between[one][other] for other in second] for one in second])
        for k, one in enumerate(second):
            here = slice(k * self.d0, (k + 1) * self.d0)
            joint[here, here] += self.C2 if one else self.C
        values, vectors = np.linalg.eigh(joint)
        kept = values > RANK * values[-1]
        return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)

    def _apart(self, joined: Array) -> tuple[Array, ...]:
        number = joined.shape[-1] // self.d0
        return tuple(joined[..., k * self.d0 : (k + 1) * self.d0] for k in range(number))


def of_pairs(
    Sigma: ArrayLike, A: ArrayLike, Sigma2: ArrayLike, *, A0: ArrayLike | None = None, A2: ArrayLike | None = None
) -> TwoKinds:
    """Pairs (x, y), seen through two encoders: views (x, 0) and (0, y) of d0 + d0′ dimensions.

    Args:
        Sigma: (d0, d0), Cov(x, x).
        A: (d0, d0′), Cov(x, y).
        Sigma2: (d0′, d0′), Cov(y, y).
        A0: (d0, d0), the covariance of two views of one x; Σ, no augmentation, unless given.
        A2: (d0′, d0′), that of two views of one y; Σ₂ unless given.

    >>> pairs = of_pairs(np.eye(2), np.full((2, 3), 0.2), np.eye(3))
    >>> pairs.d0, pairs.A.round(1).tolist()[0]
    (5, [0.0, 0.0, 0.2, 0.2, 0.2])

    """
    first, cross, second = (np.asarray(one, dtype=np.float64) for one in (Sigma, A, Sigma2))
    if cross.ndim != 2 or first.shape != (len(cross),) * 2 or second.shape != (cross.shape[1],) * 2:
        message = (
            f"Sigma is {first.shape}, A is {cross.shape} and Sigma2 is {second.shape}: Cov(x, x), Cov(x, y) and"
            " Cov(y, y) of d0 and d0′ coordinates are (d0, d0), (d0, d0′) and (d0′, d0′)"
        )
        raise InputError(message)
    shared = first if A0 is None else np.asarray(A0, dtype=np.float64)
    shared2 = second if A2 is None else np.asarray(A2, dtype=np.float64)
    d0, size = len(first), sum(cross.shape)

    def placed(block: Array, row: int, column: int) -> Array:
        whole = np.zeros((size, size))
        whole[row : row + block.shape[0], column : column + block.shape[1]] = block
        return whole

    return TwoKinds(
        placed(shared, 0, 0),
        placed(first - shared, 0, 0),
        A=placed(cross, 0, d0),
        A2=placed(shared2, d0, d0),
        C2=placed(second - shared2, d0, d0),
        units=(placed(np.eye(d0), 0, 0), placed(np.eye(size - d0), d0, d0)),
    )


def random_kinds(generator: np.random.Generator, d0: int, *, encoders: int = 1) -> TwoKinds:
    """Random covariances of two kinds of views, in d0 dimensions, or of pairs in d0 and d0 + 1 dimensions."""
    other = d0 if encoders == 1 else d0 + 1
    root = generator.standard_normal((d0 + other, 2 * (d0 + other)))
    joint = root @ root.T / (2 * (d0 + other))
    A0, A, A2 = joint[:d0, :d0], joint[:d0, d0:], joint[d0:, d0:]
    noises = [one @ one.T / size + 0.2 * np.eye(size) for size in (d0, other) for one in (_square(generator, size),)]
    if encoders == 1:
        return TwoKinds(A0, noises[0], A=A, A2=A2, C2=noises[1])
    return of_pairs(A0 + noises[0], A, A2 + noises[1], A0=A0, A2=A2)


def _square(generator: np.random.Generator, size: int) -> Array:
    return generator.standard_normal((size, size))
