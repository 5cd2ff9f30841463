"""Gaussian views with a mean."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from derive import InputError, Uncentred
from numeric.invariants import Letters
from numeric.laws.views import in_numbers, random_in_numbers
from numeric.sampling import Covariances, Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shifted(Covariances):
    """Gaussian views around a mean; A0 and C are covariances.

    Attributes:
        mean: μ, (d0,).
        law: an `Uncentred`.

    >>> data = Shifted(np.eye(2), np.eye(2), mean=np.array([3.0, 0.0]))
    >>> data.second.tolist()  # E x xᵀ
    [[11.0, 0.0], [0.0, 2.0]]

    """

    mean: Array = field(kw_only=True)
    law: Uncentred = field(default=Uncentred(), kw_only=True)  # type: ignore[misc]

    def __post_init__(self) -> None:
        """Check the mean."""
        super().__post_init__()
        object.__setattr__(self, "mean", vector("mean", self.mean, self.d0))

    @property
    def beside(self) -> Mapping[str, Array]:
        """μ."""
        return {"mean": self.mean}

    @property
    def letters(self) -> Letters:
        """The matrices of centred views, and μ."""
        found = Letters(super().letters)
        found.mean = self.mean
        return found

    @property
    def between(self) -> Array:
        """μ μᵀ."""
        return np.outer(self.mean, self.mean)

    @property
    def core(self) -> Covariances:
        """Of x − μ."""
        return Covariances(self.A0, self.C)

    def made(
        self,
        gaussian: tuple[Any, ...],
        latent: Any,  # noqa: ARG002 (the interface)
        views: Seen | None = None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Views with the mean added."""
        return tuple(one + like(self.mean, one) for one in gaussian)

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x."""
        core = self.core.along(directions)
        return replace(self, A0=core.A0, C=core.C, mean=directions @ self.mean)

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0)."""
        return self.made(super().draw(generator, shape, views, datum=datum), None)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Those of centred views, moved: moments up to the degree stay exact."""
        nodes, weights = super().nodes(degree, data, views, positive=positive, datum=datum)
        return self.made(nodes, None), weights

    def training_set(self, size: int, generator: np.random.Generator) -> Array:
        """A set of data, (size, d0), whose mean is μ and whose covariance is A0."""
        return super().training_set(size, generator) + self.mean


def like(array: Array, given: Any) -> Any:
    """An array as what is given: NumPy's, or a torch tensor on the same device."""
    return given.new_tensor(array) if hasattr(given, "new_tensor") else array


def vector(name: str, given: Any, size: int) -> Array:
    """A vector of finite numbers.

    Raises:
        InputError: naming it, for anything else.

    """
    found = np.asarray(given, dtype=np.float64)
    if found.shape != (size,) or not np.isfinite(found).all():
        message = (
            f"{name} has shape {found.shape}; {size} finite numbers are needed, one for each dimension of the data"
        )
        raise InputError(message)
    return found


def some_means(law: Any, Sigma: Array, shape: tuple[int, ...], generator: np.random.Generator | None) -> Array:
    """Means of the size of a law, (…, d0); the same ones each time without a generator."""
    generator = generator or np.random.default_rng(0)
    return np.asarray(float(law.number) * generator.standard_normal(shape) * np.sqrt(np.diag(Sigma)))


@in_numbers.register
def _(law: Uncentred, covariances: Covariances) -> Shifted:
    mean = some_means(law, covariances.Sigma, (covariances.d0,), None)
    return Shifted(covariances.A0, covariances.C, mean=mean, law=law)


@random_in_numbers.register
def _(law: Uncentred, core: Covariances, generator: np.random.Generator) -> Shifted:
    return Shifted(core.A0, core.C, mean=some_means(law, core.Sigma, (core.d0,), generator), law=law)
