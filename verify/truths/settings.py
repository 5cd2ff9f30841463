"""Where the checks evaluate a loss: covariances, W, and numbers for parameters that are left symbolic."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import numpy as np
import sympy

from derive import CATALOGUE, MODIFIERS, Gaussian, InputError, catalogue
from derive.algebra.graphs import OF_ONE_KIND
from derive.definition.expression import Expression
from derive.definition.kinds import in_two_kinds
from derive.losses.limit import counted_symbols
from numeric.kinds import TwoKinds, random_kinds
from numeric.laws import random_in_numbers
from numeric.sampling import random_covariances
from verify.evidence.evidence import Evidence, RouteName
from verify.truths.evaluated_truth import EvaluatedTruth
from verify.truths.truth import Setting, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from derive import Expansion, Law, Loss
    from derive.algebra.ranges import Range
    from numeric.laws import Views

# Values of no special meaning, of order one and exact, so that no coincidence (α = 1, t = ½) hides an error.
GENERIC = tuple(sympy.Rational(p, q) for p, q in ((3, 4), (5, 7), (2, 5), (7, 6), (4, 9), (8, 7), (3, 8), (6, 5)))

GAUSSIAN = Gaussian()

# Singular values of W below this fraction of the largest are rounding.
RANK = 1e-12


@dataclass(frozen=True, eq=False)
class Case:
    """A setting in which a loss is measured.

    Attributes:
        values: exact values of all parameters, to be put into expansions.
        setting: the same as numbers, with the data and W.
        truth: the loss there.
        seed: of the random numbers.

    """

    values: Mapping[str, sympy.Expr]
    setting: Setting
    truth: Truth
    seed: int

    def put_into(self, loss: Loss) -> Loss:
        """The loss at this case's values."""
        return at_values(loss, self.values)

    @property
    def where(self) -> str:
        """The size of the batch, as a remark."""
        return f" (N = {self.setting.batch})" if self.setting.batch else ""

    @property
    def label(self) -> str:
        """The parameters in words."""
        return ", ".join(f"{name} = {value}" for name, value in self.values.items()) or "no parameters"


def case(
    loss: Loss,
    given: Mapping[str, sympy.Expr],
    *,
    seed: int,
    size: int = 2,
    dimension: int = 2,
    sampling: str = "iid",
    covariances: Views | None = None,
    law: Law = GAUSSIAN,
    positive: bool = False,
) -> Case:
    """A case for a loss; ``size`` is the value of a symbol that counts data, ``given`` overrides the chosen values."""
    values = values_for(loss, size, dimension) | dict(given)
    here = setting(
        loss,
        values,
        seed=seed,
        dimension=dimension,
        sampling=sampling,
        covariances=covariances,
        law=law,
        positive=positive,
    )
    return Case(values, here, truth_of(loss, values, here), seed)


def filled_in(expansion: Expansion, at: Case) -> Expansion | None:
    """The expansion at a case's values; None where it has no finite, real value."""
    left = {symbol.name for symbol in {*expansion.symbols, *expansion.constant.free_symbols}}
    try:
        filled = expansion.set({name: value for name, value in at.values.items() if name in left})
    except InputError:
        return None
    return None if any(term.coefficient.is_real is False for term in filled.terms) else filled


def no_value(route: RouteName, at: Case) -> Evidence:
    """The evidence where an expansion has no finite value and the loss has one."""
    return Evidence(route, "value of the expansion", "infinite", "finite", agrees=False, seed=at.seed, note=at.label)


def at_values(loss: Loss, values: Mapping[str, sympy.Expr]) -> Loss:
    """The loss with values put in, except d1, which W determines."""
    return loss.set({name: value for name, value in values.items() if name != "d1"})


def values_for(loss: Loss, size: int, d1: int) -> dict[str, sympy.Expr]:
    """A value for each parameter: ``size`` for one that counts data, d1 for the dimension, else a generic one.

    A generic value lies in the parameter's range.
    """
    counted = counted_symbols(loss)
    generic = iter(GENERIC * (1 + len(loss.parameters) // len(GENERIC)))
    special = {"d1": sympy.Integer(d1)} | {name: sympy.Integer(size) for name in counted}
    return {
        name: special[name] if name in special else in_range(next(generic), loss.domain[symbol])
        for name, symbol in loss.parameters.items()
    }


def in_range(value: sympy.Rational, known: Range) -> sympy.Expr:
    """A positive number mapped into a range; unchanged where the range holds all positive numbers."""
    if known.whole:
        return known.low + 1
    if known.low.is_infinite:
        return value if known.high.is_infinite else known.high - value
    return known.low + value if known.high.is_infinite else (known.low + known.high * value) / (1 + value)


def setting(
    loss: Loss,
    values: Mapping[str, sympy.Expr],
    *,
    seed: int,
    dimension: int,
    sampling: str = "iid",
    covariances: Views | None = None,
    law: Law = GAUSSIAN,
    positive: bool = False,
) -> Setting:
    """Random covariances that do not commute (unless given), and a random W with λ_max(E f(x) f(x)ᵀ) = 1.

    Where the model has a bias, there is a random b. A W of few rows sees few directions of the data: the data are
    restricted to these (see `seen_by`), so that nodes and draws do not grow with the data's dimension.

    Args:
        loss: the loss, its parameters still symbolic.
        values: a value for each parameter.
        seed: of the random numbers.
        dimension: d1, unless the loss's parameters have one; d0 where no covariances are given, and elsewhere the
            largest number of directions of the data that W sees.
        sampling: "iid", or "fixed" for a centred training set.
        covariances: the data, if they are given.
        law: of the data, if no covariances are given.
        positive: take cubature nodes with positive weights.

    """
    generator = np.random.default_rng(seed)
    data = covariances or random_data(loss, law, generator, dimension)
    d1 = int(values.get("d1", dimension))
    raw = generator.standard_normal((min(d1, dimension) if covariances else d1, data.d0))
    if len(raw) < d1:
        raw = generator.standard_normal((d1, len(raw))) @ raw
    largest = np.linalg.eigvalsh(raw @ data.second @ raw.T)[-1]
    # W is not scaled for data that do not vary.
    data, W = seen_by(raw / np.sqrt(largest) if largest > 0 else raw, data)
    here = at_values(loss, values)
    batch = None if here.batch_size is None else int(here.batch_size)
    training_set = data.training_set(batch, generator) if sampling == "fixed" and batch else None
    bias = generator.standard_normal(len(W)) / np.sqrt(len(W)) if loss.bias else None
    numbers = {name: float(value) for name, value in values.items()}
    return Setting(data, W, numbers, batch, training_set, positive, bias)


class _Definition(Protocol):
    @property
    def roles(self) -> frozenset[int]: ...

    @property
    def encoders(self) -> int: ...


def random_data(of: _Definition, law: Law, generator: np.random.Generator, dimension: int) -> Views:
    """Random data of one kind of views, or of two where the definition has two."""
    if of.roles <= OF_ONE_KIND:
        return random_in_numbers(law, random_covariances(generator, dimension), generator)
    if not isinstance(law, Gaussian):
        message = f"views of two kinds are drawn from a Gaussian law, not from {law.text}; leave --law out"
        raise InputError(message)
    return random_kinds(generator, dimension, encoders=of.encoders)


def seen_by(W: NDArray[np.float64], data: Views) -> tuple[Views, NDArray[np.float64]]:
    """The same model on smaller data: W's row space in an orthonormal basis Q, data Q x, and W Qᵀ.

    W Qᵀ Q x = W x, so that no loss of f(x) = W x, nor ‖W‖, can tell the difference. Of two encoders side by side, each
    has a basis of its own, and they stay side by side.

    Args:
        W: (d1, d0).
        data: of d0 dimensions.

    Returns:
        Data of r dimensions, r the rank of W, and (d1, r); both unchanged where r = d0.

    >>> from numeric.sampling import Covariances
    >>> data, W = seen_by(np.array([[3.0, 0.0, 4.0]]), Covariances(np.diag([1.0, 5.0, 2.0]), np.eye(3)))
    >>> data.d0, W.round(6).tolist()
    (1, [[5.0]])
    >>> (W @ data.A0 @ W.T).round(6).tolist()  # 3² · 1 + 4² · 2
    [[41.0]]

    """
    blocks = data.units if isinstance(data, TwoKinds) and data.units else (np.eye(data.d0),)
    bases, parts = zip(*(_basis(W @ block) for block in blocks), strict=True)
    if sum(map(len, bases)) == data.d0:
        return data, W
    return data.along(np.concatenate(bases)), np.concatenate(parts, axis=1)


def _basis(W: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """An orthonormal basis Q of W's row space, (r, d0), and W Qᵀ."""
    left, sizes, Q = np.linalg.svd(W, full_matrices=False)
    rank = max(1, int((sizes > RANK * sizes[0]).sum()))
    Q, sign = Q[:rank], np.sign(left[:1, :rank] + (left[:1, :rank] == 0))
    return Q * sign.T, np.asarray(left[:, :rank] * sizes[:rank] * sign)


def _seen_as(loss: Loss, role: int) -> Expression:
    """The definition of a loss whose second views have a role; classmates have theirs from the catalogue."""
    return loss.expression if role in OF_ONE_KIND else in_two_kinds(loss.expression, role)


def truth_of(loss: Loss, values: Mapping[str, sympy.Expr], setting: Setting) -> Truth:
    """The hand-written torch function of a catalogue loss; for any other loss, its definition."""
    base, *modifiers = loss.name.split("+")
    known = base in CATALOGUE and all(name in MODIFIERS for name in modifiers)
    # Whether a penalty sees normalised features depends on the order of modifiers, unknown to the torch functions.
    known &= "normalised" not in modifiers or set(modifiers) <= {"normalised", "bias"}
    second = max(loss.roles)
    if known and _seen_as(catalogue(loss.name), second) == loss.expression and find_spec("torch"):
        from verify.truths.torch_losses import TORCH_LOSSES
        from verify.truths.torch_truth import TorchTruth

        if base in TORCH_LOSSES:
            return TorchTruth(TORCH_LOSSES[base], tuple(modifiers), setting, second)
    return EvaluatedTruth(at_values(loss, values), setting)
