"""Gaussian views with given covariances, as random samples or as cubature nodes; other laws are made from them.

V views of a datum have covariance C + A0 each and A0 between any two. Other data of its class are independent of it,
given the class, and take d0 numbers each. An orthonormal change among
the views makes them independent: their sum over √V has covariance C + V A0, the V − 1 contrasts have covariance C. So
V d0 standard normal numbers make a datum's views, d0 fewer than drawing the datum and then each view's noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import Gaussian, InputError, Law
from derive.algebra.graphs import CLASSMATE, OF_ONE_KIND, PLAIN
from numeric.cubature import cubature_size, gaussian_cubature, tensor_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]
# The views of a datum that are drawn together: a number of plain ones, or the role of each (`derive.algebra.graphs`).
Seen = int | tuple[int, ...]

# How far a matrix may be from symmetric or positive semi-definite, relative to its largest entry or eigenvalue.
ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Covariances:
    """The covariances of two views of a datum, and Gaussian views that have them.

    It implements `numeric.laws.Views`; other laws with an A0 and a C extend it.

    Args:
        A0: (d0, d0), the covariance between two views of one datum; positive semi-definite.
        C: (d0, d0), the covariance that the augmentation adds, Σ − A0; positive semi-definite.

    Raises:
        InputError: for a matrix that is not square, finite, symmetric and positive semi-definite, and for two that do
            not match, naming the matrix.

    >>> import numpy as np
    >>> Covariances(np.eye(2), 2 * np.eye(2)).Sigma.diagonal()
    array([3., 3.])

    """

    A0: Array
    C: Array
    law: ClassVar[Law] = Gaussian()
    cubature: ClassVar[str] = "Gaussian cubature"

    def __post_init__(self) -> None:
        """Check both matrices."""
        object.__setattr__(self, "A0", semidefinite("A0", self.A0))
        object.__setattr__(self, "C", semidefinite("C", self.C))
        if self.A0.shape != self.C.shape:
            message = f"A0 is {_size(self.A0)} and C is {_size(self.C)}; both act on the same inputs and must agree"
            raise InputError(message)

    @property
    def Sigma(self) -> Array:
        """Σ = A0 + C, the covariance of a view."""
        return self.A0 + self.C

    @property
    def letters(self) -> Mapping[str, Array]:
        """The matrix X of each letter F X Gᵀ (see `derive.algebra.alphabet`)."""
        return {"A": self.A0, "S": self.Sigma, "C": self.C, "I": np.eye(self.d0)}

    @property
    def white(self) -> Covariances:
        """White noise in input space: its mean of |f|² is ‖W‖². It is Gaussian whatever the law of the data."""
        return Covariances(np.zeros_like(self.A0), np.eye(self.d0))

    @property
    def d0(self) -> int:
        """The dimension of the input."""
        return int(self.A0.shape[0])

    @property
    def beside(self) -> Mapping[str, Array]:
        """What a law has besides A0 and Sigma, or instead of them, by the names of a kernel's arguments."""
        return {}

    @property
    def between(self) -> Array:
        """The second moment of the means, 0 where the data are centred."""
        return np.zeros_like(self.A0)

    @property
    def second(self) -> Array:
        """E x xᵀ of a view, (d0, d0): Σ where the data are centred."""
        return self.Sigma + self.between

    def arguments(self, basis: str) -> tuple[Array, ...]:
        """What a kernel of an expansion takes after W: the matrices of its basis, and what the law has besides."""
        names = (*basis.split(","), *self.law.arrays)
        return tuple(self.beside[name] if name in self.beside else getattr(self, name) for name in names)

    @property
    def core(self) -> Covariances:
        """The covariances of the Gaussian views that `made` turns into views of the law."""
        return self

    def latent(self, views: Seen) -> int:  # noqa: ARG002 (the interface of a law)
        """How many standard normal numbers a datum takes in addition to its Gaussian views."""
        return 0

    def made(
        self,
        gaussian: tuple[Any, ...],
        latent: Any,  # noqa: ARG002 (the interface of a law)
        views: Seen | None = None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Views of the law from a datum's Gaussian ones, (…, d0) each, and its latent numbers (…, latent).

        They are NumPy arrays or torch tensors, of plain views unless it is said which they are.
        """
        return gaussian

    @property
    def noise(self) -> Covariances:
        """What the augmentation adds to a datum, as views with A0 = 0.

        Raises:
            InputError: it depends on the datum.

        """
        return Covariances(np.zeros_like(self.A0), self.C)

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x, for orthonormal rows (r, d0)."""
        A0, C = (directions @ one @ directions.T for one in (self.A0, self.C))
        return replace(self, A0=A0, C=C)

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes `nodes` has, counted without building them."""
        return (tensor_size if positive else cubature_size)(self.d0 * data * plain(views), degree)

    def views(self, normals: Array, views: Seen, *, datum: bool = False) -> tuple[Array, ...]:
        """Views of a datum, and of others of its class, each (…, d0), from standard normal numbers (…, views · d0).

        With ``datum`` the datum itself comes after them, without noise, and takes d0 numbers more.
        """
        if mates := classmates(views):
            split = len(mates) * self.d0
            own = self.views(normals[..., split:], plain(views) - len(mates), datum=datum)
            others = normals[..., :split].reshape(*normals.shape[:-1], len(mates), self.d0) @ root(self.Sigma)
            return put_among(own, mates, [others[..., k, :] for k in range(len(mates))])
        number = plain(views)
        if not number and not datum:
            return ()
        if datum:
            normals = normals.reshape(*normals.shape[:-1], number + 1, self.d0)
            centre = normals[..., number, :] @ root(self.A0)
            noise = normals[..., :number, :] @ root(self.C)
            return (*(centre + noise[..., k, :] for k in range(number)), centre)
        modes = normals.reshape(*normals.shape[:-1], number, self.d0)
        common = modes[..., :1, :] @ root(self.C + number * self.A0)
        contrasts = modes[..., 1:, :] @ root(self.C)
        mixed = _orthonormal(number).T @ np.concatenate((common, contrasts), axis=-2)
        return tuple(mixed[..., k, :] for k in range(number))

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0), the leading dimensions being independent data; see `views`."""
        numbers = (plain(views) + datum) * self.d0
        return self.views(generator.standard_normal((*shape, numbers)), views, datum=datum)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Views of shape (m, data, d0) and weights (m,) with the joint moments of independent data up to a degree."""
        numbers = (plain(views) + datum) * self.d0
        points, weights = gaussian_cubature(numbers * data, degree, positive=positive)
        return self.views(points.reshape(-1, data, numbers), views, datum=datum), weights

    def training_set(self, size: int, generator: np.random.Generator) -> Array:
        """A centred set of data, (size, d0), whose second moment Σ_i x̂_i x̂_iᵀ/size is exactly A0.

        Raises:
            InputError: fewer than d0 + 1 data cannot be centred and have a full second moment.

        """
        if size < self.d0 + 1:
            message = f"a centred set of {size} data spans {size - 1} dimensions; A0 has {self.d0}: take more data"
            raise InputError(message)
        raw = generator.standard_normal((size, self.d0))
        orthonormal, _ = np.linalg.qr(raw - raw.mean(0))
        # QR of centred columns keeps them centred.
        return np.asarray(np.sqrt(size) * orthonormal @ root(self.A0))

    def of_set(self, training_set: Array, views: Seen) -> tuple[Array, ...]:
        """What of the data of a training set each view shows, without noise: here the data themselves."""
        return (training_set,) * plain(views)


def roles_of(views: Seen) -> tuple[int, ...]:
    """The role of each view that is drawn.

    >>> roles_of(2)
    (0, 0)
    """
    return (PLAIN,) * views if isinstance(views, int) else views


def plain(views: Seen) -> int:
    """The number of views, those of other data of the class among them, none of which is of a second kind.

    Raises:
        InputError: one is.

    """
    if isinstance(views, int):
        return views
    if any(role not in OF_ONE_KIND for role in views):
        message = (
            "the definition has views of two kinds, and these data have one: give the covariances of both,"
            " numeric.kinds.TwoKinds, or of_pairs for two encoders"
        )
        raise InputError(message)
    return len(views)


def classmates(views: Seen) -> tuple[int, ...]:
    """The places of views of other data of the class.

    >>> classmates((0, 3, 0))
    (1,)
    """
    return tuple(k for k, role in enumerate(roles_of(views)) if role == CLASSMATE)


def put_among(own: Sequence[Any], places: Sequence[int], others: Sequence[Any]) -> tuple[Any, ...]:
    """The others at their places among one's own.

    >>> put_among("ac", (1,), "B")
    ('a', 'B', 'c')
    """
    left, more = iter(own), dict(zip(places, others, strict=True))
    return tuple(more[k] if k in more else next(left) for k in range(len(own) + len(others)))


def random_covariances(generator: np.random.Generator, d0: int, *, augmentation: float = 1.0) -> Covariances:
    """Random A0 and C that do not commute, with eigenvalues of order one (those of C times ``augmentation``)."""

    def one() -> Array:
        rotation, _ = np.linalg.qr(generator.standard_normal((d0, d0)))
        return np.asarray(rotation * generator.uniform(0.3, 1.5, d0) @ rotation.T)

    return Covariances(one(), augmentation * one())


def _orthonormal(size: int) -> Array:
    """An orthogonal matrix whose first row is constant."""
    basis = np.eye(size)
    basis[:, 0] = 1.0
    q, r = np.linalg.qr(basis)
    return np.asarray((q * np.sign(np.diag(r))).T)


def semidefinite(name: str, given: ArrayLike) -> Array:
    """A covariance: symmetric and positive semi-definite.

    Raises:
        InputError: naming the matrix, for anything else.

    """
    matrix = symmetric(name, given)
    scale = max(float(np.abs(matrix).max()), np.finfo(float).tiny)
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest < -ROUNDING * scale:
        message = f"{name} is not positive semi-definite: its smallest eigenvalue is {lowest:.6g}; no data have it"
        raise InputError(message)
    return matrix


def symmetric(name: str, given: ArrayLike) -> Array:
    """A symmetric matrix of finite numbers, with rounding errors averaged away.

    Raises:
        InputError: naming the matrix, for anything else.

    """
    matrix = np.asarray(given, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        message = f"{name} has shape {matrix.shape}; a square matrix is needed"
        raise InputError(message)
    if not np.isfinite(matrix).all():
        message = f"{name} has entries that are not finite numbers"
        raise InputError(message)
    scale = max(float(np.abs(matrix).max()), np.finfo(float).tiny)
    if float(np.abs(matrix - matrix.T).max()) > ROUNDING * scale:
        i, j = np.unravel_index(int(np.abs(matrix - matrix.T).argmax()), matrix.shape)
        message = f"{name} is not symmetric: entry ({i}, {j}) is {matrix[i, j]:g}, entry ({j}, {i}) is {matrix[j, i]:g}"
        raise InputError(message)
    return (matrix + matrix.T) / 2


def root(matrix: Array) -> Array:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T)


def _size(matrix: Array) -> str:
    return "×".join(map(str, matrix.shape))
