r"""Does a lost mode come back at the W found? α, β and λ_c of a loss of unit vectors on features, and what is measured.

Along a further coordinate s·y of f, for which E y² = 1 and E y y′ = λ,

    L = L(W) + (β − α λ) s² + O(s⁴)     if y is independent of f   (`derive.sphere.transverse`),

and this holds for features too, whatever their law: α and β are means over batches of f. They are found in two ways
that share no code: from the definition, and by values of the loss with y drawn (λ = 0 gives β, λ = 1 gives β − α). For
a torch function there is the second alone. The same with f normal, at the shares and correlations of these features,
says what is due to their law.

Modes of features that W has lost are not correlated with f and not independent of it either. So the coefficient of s²
along each is measured too, beside β − α λ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from derive import InputError
from derive.sphere.transverse import transverse
from numeric.sphere.batches import BatchLandscape, drawn
from numeric.sphere.equal_means import Value
from numeric.sphere.lost_modes import check_rank
from verify.evidence.agreement import SEEDS, SEEN, sign
from verify.networks.last_layer.second_order import check_rotations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from derive import Loss
    from verify.networks.last_layer.objective import Objective

Array = NDArray[np.float64]

# The step of s, for E|f|² = 1, and how often y is drawn for each batch.
STEP, DRAWS = 0.01, 8
# Batches without which a spread is no standard error.
FEWEST = 4
# The number of kept modes up to which the variance of 1/|f|² is infinite.
HEAVY = 4


@dataclass(frozen=True, eq=False)
class Slopes:
    """α and β on batches, (m, 2), for E|f|² = 1."""

    table: Array

    @property
    def alpha(self) -> Value:
        """α with its standard error."""
        return self._mean(0)

    @property
    def beta(self) -> Value:
        """β with its standard error."""
        return self._mean(1)

    @property
    def threshold(self) -> Value | None:
        """λ_c = β/α; None where α is not positive beyond its error.

        >>> found = Slopes(np.array([[2.0, 1.0], [2.2, 1.1], [1.8, 0.9], [2.0, 1.0]])).threshold
        >>> found.value, found.error < 1e-12  # their errors cancel
        (0.5, True)
        """
        alpha, beta = self.table.mean(0)
        if sign(self.alpha.value, self.alpha.error, SEEN) <= 0:
            return None
        level = beta / alpha
        spread = self.table[:, 1] - level * self.table[:, 0]
        return Value(float(level), _error(spread) / float(alpha))

    def _mean(self, k: int) -> Value:
        return Value(float(self.table[:, k].mean()), _error(self.table[:, k]))


@dataclass(frozen=True)
class Lost:
    """A mode of the features that W has lost.

    Attributes:
        correlation: λ of its two views.
        predicted: β − α λ, the coefficient of s² if the mode were independent of f.
        measured: the coefficient.
        error: its standard error.

    """

    correlation: float
    predicted: float
    measured: float
    error: float

    @property
    def state(self) -> str:
        """Whether it comes back, as measured: where the loss falls along it."""
        seen = sign(self.measured, self.error, SEEN)
        return {1: "stays lost", -1: "comes back", 0: "undecided"}[seen]


@dataclass(frozen=True, eq=False)
class Reopening:
    """What decides whether lost modes come back at one W.

    Attributes:
        by_definition: α and β from the definition; None for a torch function.
        by_values: from values of the loss.
        gaussian: from the definition, f normal with the same shares and correlations; None for a torch function.
        agree: whether α and β are the same both ways; None where that is not decided.
        lost: the modes that W has lost, those of the highest correlations.

    """

    by_definition: Slopes | None
    by_values: Slopes
    gaussian: Slopes | None
    agree: tuple[bool | None, bool | None]
    lost: tuple[Lost, ...]

    @property
    def best(self) -> Slopes:
        """By the definition where there is one: y need not be drawn."""
        return self.by_values if self.by_definition is None else self.by_definition


def reopening(
    objective: Objective,
    f: Array,
    rank: int,
    kept: tuple[Array, Array],
    lost: Sequence[tuple[float, Array]] = (),
    *,
    seed: int = 0,
    slopes: Callable[[Loss, Array, Array], Array] | None = None,
) -> Reopening:
    """α, β and λ_c on features, and the coefficient along each lost mode.

    Args:
        objective: a loss of unit vectors.
        f: (2, N, r), embeddings of two views, E|f|² = 1.
        rank: the number of kept modes.
        kept: their correlations and shares.
        lost: λ and values (2, N), of variance 1, of each lost mode to look at.
        seed: of what is drawn.
        slopes: α and β by batch of a definition, `of_batches`; tests put wrong ones in its place.

    Raises:
        InputError: a loss that sees coordinates of f, or so few kept modes that the means have no error.

    """
    if objective.definition is not None:
        along = transverse(objective.definition)
        check_rank(objective.name, (along.alpha, along.beta), rank, random=True)
    else:
        check_rotations(objective.function, objective.batch, objective.name, "it has no α and β")
        if rank <= HEAVY:
            message = (
                f"{objective.name} at {rank} kept modes: the mean of 1/|f|² over features has no error; α and β need"
                f" more than {HEAVY}"
            )
            raise InputError(message)
    z1, z2 = (one.numpy() for one in objective.batches(f))
    by_values = _by_values(objective, z1, z2, seed)
    by_definition = gaussian = None
    agree: tuple[bool | None, bool | None] = (None, None)
    if objective.definition is not None:
        of = slopes or of_batches
        by_definition = Slopes(of(objective.definition, z1, z2))
        # A batch that stands for a population does so in two ways here, whose biases differ.
        if not objective.population:
            agree = _compared(by_definition.table, by_values.table)
        lam, shares = kept
        normal = drawn(objective.definition, lam, objective.batch, batches=len(z1), seed=seed)
        root = np.sqrt(shares)
        gaussian = Slopes(of(objective.definition, normal.first * root, normal.second * root))
    found = by_values if by_definition is None else by_definition
    alpha, beta = found.table.mean(0)
    seen = []
    for correlation, y in lost:
        y1, y2 = (one.numpy()[..., 0] for one in objective.batches(y[..., None]))
        along_y = _coefficients(objective, z1, z2, y1[None], y2[None])[0]
        seen.append(Lost(correlation, float(beta - alpha * correlation), float(along_y.mean()), _error(along_y)))
    return Reopening(by_definition, by_values, gaussian, agree, tuple(seen))


def of_batches(loss: Loss, first: Array, second: Array) -> Array:
    """α and β of a definition on each batch (m, n, r) of two views, (m, 2).

    For a loss of a population the other data of the batch stand for it, and the bias of first order is taken out.
    """

    def at(part: slice) -> Array:
        one = BatchLandscape(loss, first[:, part], second[:, part])
        return one.of_lost(np.ones(first.shape[2]))

    if loss.batch_size is not None:
        return at(slice(None))
    half = first.shape[1] // 2
    return 2 * at(slice(None)) - (at(slice(0, half)) + at(slice(half, None))) / 2


def _by_values(objective: Objective, z1: Array, z2: Array, seed: int) -> Slopes:
    """The coefficients of s² for y without, and with full, correlation of views."""
    y, other = np.random.default_rng(seed).standard_normal((2, DRAWS, *z1.shape[:2]))
    apart, same = (_coefficients(objective, z1, z2, y, one).mean(0) for one in (other, y))
    return Slopes(np.stack([apart - same, apart], -1))


def _coefficients(objective: Objective, z1: Array, z2: Array, y1: Array, y2: Array) -> Array:
    """The coefficient of s² for f with the further coordinate s·y, y (k, m, n): (k, m)."""

    def at(s: float) -> Array:
        wide = []
        for z, y in ((z1, y1), (z2, y2)):
            repeated = np.broadcast_to(z, (len(y), *z.shape))
            whole = np.concatenate([repeated, s * y[..., None]], -1)
            wide.append(torch.from_numpy(whole.reshape(-1, *whole.shape[2:])))
        with torch.no_grad():
            return np.asarray(objective.function(*wide).double().numpy()).reshape(y1.shape[:2])

    # The loss is even in s: two steps remove what is of order 4.
    here, near, far = at(0.0), at(STEP), at(2 * STEP)
    return (16 * (near - here) - (far - here)) / (12 * STEP**2)


def _compared(predicted: Array, measured: Array) -> tuple[bool | None, bool | None]:
    """Whether α and β agree, batch by batch."""
    found: list[bool | None] = []
    for k in range(2):
        difference = measured[:, k] - predicted[:, k]
        error = _error(difference)
        sees = SEEN * error < abs(predicted[:, k].mean())
        found.append(SEEDS.decide(float(difference.mean()), error, len(difference), sees=sees))
    return found[0], found[1]


def _error(values: Array) -> float:
    """The standard error of the mean over batches; infinite where they are too few to tell."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) >= FEWEST else np.inf
