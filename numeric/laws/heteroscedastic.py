"""Views whose noise depends on the datum: ε = L n + Σ_k n_k T_k z, so that C(z) = L Lᵀ + Σ_k T_k z (T_k z)ᵀ."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derive import Heteroscedastic, InputError
from derive.algebra.graphs import CLASSMATE, PLAIN
from derive.expansion.laws.heteroscedastic import HIGHEST
from numeric.cubature import cubature_size, gaussian_cubature, tensor_size
from numeric.invariants import Letters
from numeric.laws.mean import like
from numeric.laws.views import in_numbers, random_in_numbers
from numeric.sampling import Covariances, Seen, classmates, plain, root, semidefinite

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[np.float64]
# Numbers in a set of nodes.
MOST = 10**8


@dataclass(frozen=True, eq=False)
class Noisy(Covariances):
    """Views x = z + ε, z ~ N(0, A0) and ε ~ N(0, C(z)) given z; C is the average of C(z).

    Attributes:
        fixed: (d0, d0), the part of C(z) that is the same for all data, L Lᵀ.
        maps: (K, d0, d0), T_k of the rest.
        law: a `Heteroscedastic`.

    """

    fixed: Array = field(kw_only=True)
    maps: Array = field(kw_only=True)
    law: Heteroscedastic = field(default=Heteroscedastic(), kw_only=True)  # type: ignore[misc]

    @classmethod
    def of(cls, A0: ArrayLike, fixed: ArrayLike, maps: ArrayLike, law: Heteroscedastic | None = None) -> Noisy:
        """Data by the covariance of z and the parts of C(z).

        Raises:
            InputError: the shapes do not match, or a covariance is none.

        >>> Noisy.of(np.eye(2), np.eye(2), [np.eye(2)]).C.diagonal()  # C(z) = 1 + z zᵀ
        array([2., 2.])

        """
        A0, fixed = semidefinite("A0", A0), semidefinite("fixed", fixed)
        given = np.asarray(maps, dtype=np.float64)
        if given.ndim != 3 or given.shape[1:] != A0.shape or not np.isfinite(given).all():
            message = (
                f"maps has shape {given.shape}; one or more {len(A0)}×{len(A0)} matrices of finite numbers are needed"
            )
            raise InputError(message)
        C = fixed + np.einsum("kij,jl,kml->im", given, A0, given)
        return cls(A0, C, fixed=fixed, maps=given, law=law or Heteroscedastic())

    def at(self, z: Array) -> Array:
        """C(z), (…, d0, d0), of data (…, d0)."""
        moved = np.einsum("kij,...j->...ki", self.maps, z)
        return np.asarray(self.fixed + np.einsum("...ki,...kj->...ij", moved, moved))

    @cached_property
    def beside(self) -> Mapping[str, Array]:
        """Nodes z with which means over the datum are exact through the highest order, and C(z) at each."""
        z, chances = self.core.nodes(HIGHEST, 1, 1)
        points = z[0][:, 0]
        return {"chances": chances, "data": points, "noise": self.at(points)}

    @property
    def letters(self) -> Letters:
        """The matrices of averages, and C(z) at each node z."""
        found = Letters(super().letters)
        found.classes = [
            (float(chance), {"C": noise}, z)
            for chance, z, noise in zip(*(self.beside[name] for name in ("chances", "data", "noise")), strict=True)
        ]
        return found

    @property
    def cubature(self) -> str:  # type: ignore[override]
        """A description of the nodes in words."""
        return "Gaussian cubature of the datum times that of the noise given it"

    @property
    def core(self) -> Covariances:
        """Of the datum: all its views are z."""
        return Covariances(self.A0, np.zeros_like(self.A0))

    @property
    def noise(self) -> Covariances:
        """Not known without the datum.

        Raises:
            InputError: always.

        """
        message = (
            f"what the augmentation adds to a datum of the law {self.law.text} depends on the datum; means over all"
            " further views of a datum, and fixed training sets, are measured on Gaussian data alone"
        )
        raise InputError(message)

    @property
    def _numbers(self) -> int:
        """Normal numbers of the noise of one view."""
        return len(self.maps) + (self.d0 if self.fixed.any() else 0)

    def latent(self, views: Seen) -> int:
        """Normal numbers of the noise of all views."""
        return plain(views) * self._numbers

    def made(
        self, gaussian: tuple[Any, ...], latent: Any, views: Seen | None = None, *, datum: bool = False
    ) -> tuple[Any, ...]:
        """Noise added to data z, one for each view."""
        number = len(gaussian) - datum if views is None else plain(views)
        count, moved = len(self.maps), [like(one.T, gaussian[0]) for one in self.maps]
        fixed = like(root(self.fixed), gaussian[0])
        made = []
        for k, z in enumerate(gaussian[:number]):
            normals = latent[..., k * self._numbers : (k + 1) * self._numbers]
            noisy = z + sum(normals[..., m : m + 1] * (z @ T) for m, T in enumerate(moved))
            made.append(noisy + normals[..., count:] @ fixed if self._numbers > count else noisy)
        return (*made, *gaussian[number:])

    def along(self, directions: Array) -> Self:
        """The same data in the coordinates Q x, where what T_k takes from other coordinates of z is left out.

        Raises:
            InputError: C(z) depends on other coordinates.

        """
        maps = directions @ self.maps @ directions.T
        if not np.allclose(directions @ self.maps, maps @ directions):
            message = f"noise of the law {self.law.text} along some directions depends on the datum along others"
            raise InputError(message)
        A0, fixed = (directions @ one @ directions.T for one in (self.A0, self.fixed))
        C = directions @ self.C @ directions.T
        return replace(self, A0=A0, C=C, fixed=fixed, maps=maps)

    def draw(
        self, generator: np.random.Generator, shape: tuple[int, ...], views: Seen = 2, *, datum: bool = False
    ) -> tuple[Array, ...]:
        """Random views, each of shape (…, d0)."""
        distinct, shown = self._data(views, datum=datum)
        z = self.core.draw(generator, shape, distinct)
        latent = generator.standard_normal((*shape, self.latent(views)))
        return self.made(tuple(z[k] for k in shown), latent, views, datum=datum)

    def nodes(
        self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False, datum: bool = False
    ) -> tuple[tuple[Array, ...], Array]:
        """Nodes of z times those of the noise, C(z)^½ n, of which only C(z), quadratic in z, is seen on average.

        A view is linear in z as in n, so that both are exact through the degree.

        Raises:
            InputError: there are too many.

        """
        if self.size(degree, data, views, positive=positive) * data * self.d0 > MOST:
            message = f"data of the law {self.law.text} need too many nodes at degree {degree} for {data} at a time"
            raise InputError(message)
        distinct, shown = self._data(views, datum=datum)
        z, chances = self.core.nodes(degree, data, distinct, positive=positive)
        number = plain(views)
        normals, weights = np.zeros((1, data, 0)), np.ones(1)
        if number:
            normals, weights = gaussian_cubature(number * data * self._rank, degree, positive=positive)
        of_view = normals.reshape(len(weights), data, number, self._rank)
        roots = [_narrow(self.at(one), self._rank) for one in z]
        made = [
            (z[m][:, None] + np.einsum("zdir,ndr->zndi", roots[m], of_view[:, :, k])).reshape(-1, data, self.d0)
            for k, m in enumerate(shown[:number])
        ]
        made += [np.repeat(z[m], len(weights), 0) for m in shown[number:]]
        return tuple(made), np.outer(chances, weights).ravel()

    def size(self, degree: int, data: int = 1, views: Seen = 2, *, positive: bool = False) -> int:
        """How many nodes `nodes` has."""
        distinct, _ = self._data(views, datum=True)
        numbers = data * plain(views) * self._rank
        of_noise = (tensor_size if positive else cubature_size)(numbers, degree) if numbers else 1
        return int(self.core.size(degree, data, distinct, positive=positive)) * of_noise

    @property
    def _rank(self) -> int:
        """Of C(z), at most."""
        return min(self.d0, self._numbers)

    def _data(self, views: Seen, *, datum: bool) -> tuple[Seen, tuple[int, ...]]:
        """The different data that views show, as views without noise, and which of them each shows."""
        mates = classmates(views)
        own = len(mates) < plain(views) or datum
        place = {k: number + own for number, k in enumerate(mates)}
        shown = tuple(place.get(k, 0) for k in range(plain(views))) + (0,) * datum
        return ((PLAIN,) * own + (CLASSMATE,) * len(mates)), shown


def _narrow(matrices: Array, rank: int) -> Array:
    """R with R Rᵀ the given matrices, (…, d0, rank)."""
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :])[..., -rank:])


@in_numbers.register
def _(law: Heteroscedastic, covariances: Covariances) -> Noisy:
    return _with_share(law, covariances, np.eye(covariances.d0))


@random_in_numbers.register
def _(law: Heteroscedastic, core: Covariances, generator: np.random.Generator) -> Noisy:
    rotation, _ = np.linalg.qr(generator.standard_normal((core.d0, core.d0)))
    return _with_share(law, core, rotation)


def _with_share(law: Heteroscedastic, given: Covariances, rotation: Array) -> Noisy:
    """Data of which a share of the noise is of covariance T z (T z)ᵀ, C on average: T = C^½ Q A0^(−½)."""
    share = float(law.number)
    T = root(given.C) @ rotation @ np.linalg.pinv(root(given.A0), hermitian=True)
    fixed = given.C - share * T @ given.A0 @ T.T
    rounding = 1e-14 * np.abs(given.C).max()
    fixed = np.where(np.abs(fixed) < rounding, 0.0, fixed)
    return replace(Noisy.of(given.A0, fixed, share**0.5 * T[None], law), C=given.C)
