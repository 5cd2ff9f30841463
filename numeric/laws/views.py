"""A law in numbers: random draws from it, and the nodes at which averages over it are exact."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any, Protocol, Self

from derive import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from derive import Law
    from numeric.sampling import Covariances, Seen

    Array = NDArray[np.float64]


class Views(Protocol):
    """Views of data that follow a law, with given covariances.

    The Gaussian law's, `numeric.sampling.Covariances`, documents each method; laws that are made from Gaussian views
    extend it.
    """

    @property
    def law(self) -> Law:
        """How views are distributed."""

    @property
    def cubature(self) -> str:
        """A description of the nodes in words."""

    @property
    def A0(self) -> Array:
        """(d0, d0), the covariance between two views of a datum."""

    @property
    def C(self) -> Array:
        """(d0, d0), Σ − A0."""

    @property
    def Sigma(self) -> Array:
        """(d0, d0), the covariance of a view."""

    @property
    def between(self) -> Array:
        """(d0, d0), the second moment of the means, 0 where the data are centred."""

    @property
    def second(self) -> Array:
        """(d0, d0), E x xᵀ of a view."""

    @property
    def beside(self) -> Mapping[str, Array]:
        """What a law has besides A0 and Sigma, or instead of them, by the names of a kernel's arguments."""

    def arguments(self, basis: str) -> tuple[Array, ...]:
        """What a kernel of an expansion takes after W."""

    @property
    def d0(self) -> int:
        """The dimension of the input."""

    @property
    def letters(self) -> Mapping[str, Array]:
        """The matrix X of each letter F X Gᵀ."""

    @property
    def white(self) -> Covariances:
        """White noise in input space, for weight decay."""

    @property
    def core(self) -> Covariances:
        """The covariances of the underlying Gaussian views."""

    @property
    def noise(self) -> Covariances:
        """What the augmentation adds to a datum."""

    def latent(self, views: Seen) -> int:
        """How many standard normal numbers a datum takes in addition to its Gaussian views."""

    def made(self, gaussian: tuple[Any, ...], latent: Any, views: Seen | None = None) -> tuple[Any, ...]:
        """Views made from Gaussian ones and latent numbers, NumPy arrays or torch tensors."""

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x."""

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0)."""

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Views of shape (m, data, d0) and weights (m,) with the moments of the law up to a degree."""

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes there are, counted without building them."""

    def training_set(self, size: int, generator: np.random.Generator) -> Array:
        """A set of that many data, (size, d0), whose covariance is A0; centred, unless the data have a mean."""

    def of_set(self, training_set: Array, views: Seen) -> tuple[Array, ...]:
        """What of the data of a training set each view shows, without noise."""


@singledispatch
def in_numbers(law: Law, covariances: Covariances) -> Views:  # noqa: ARG001 (the interface of every law)
    """Views of a law with given covariances.

    Args:
        law: of the data; each law's file registers how it is drawn.
        covariances: A0 and C, of the data themselves.

    Raises:
        InputError: the law cannot be drawn, or not with these covariances.

    >>> import numpy as np
    >>> from derive import Elliptical, Laplace
    >>> from numeric.laws import in_numbers
    >>> from numeric.sampling import Covariances
    >>> data = in_numbers(Elliptical(scale=Laplace()), Covariances(np.eye(2), np.eye(2)))
    >>> x, x_pos = data.draw(np.random.default_rng(0), (1000,))
    >>> x.shape, data.law.text
    ((1000, 2), 'laplace')

    """
    message = f"no way is known to draw data of the law {law.text}; register one with numeric.laws.in_numbers"
    raise InputError(message)


@singledispatch
def random_in_numbers(law: Law, core: Covariances, generator: np.random.Generator) -> Views:  # noqa: ARG001
    """Views of a law, made from Gaussian views with any given covariances, and random in all else.

    `in_numbers` takes covariances of the data themselves; where these differ, not every pair is possible.
    """
    return in_numbers(law, core)
