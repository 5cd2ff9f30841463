"""The loss under study: its definition, for predictions, and a function of features in batches, to be measured.

The two share no code for a catalogue loss: the function is the hand-written one of `verify.truths.batched`. A mean
over a population is a mean over the data of a batch, its bias of first order taken out (`verify.truths.jackknife`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy
import torch
from torch import Tensor

from derive import CATALOGUE, InputError, Loss, catalogue
from derive.fields import FIELDS
from derive.fields.training import Dynamics
from verify.audits.target import as_field, no_loss
from verify.truths.batched import batched
from verify.truths.fast_losses import Gridded, on_grid
from verify.truths.function import BlackBox
from verify.truths.jackknife import both_ways, jackknife
from verify.truths.torch_losses import TORCH_LOSSES, norm_penalty
from verify.truths.two_views import SMALLEST_POPULATION, temperature_of, unit

TwoViews = Callable[[Tensor, Tensor], Tensor]
Values = Mapping[str, object]

# The core of a loss is studied, beside the loss itself on the sphere.
NORMALISED = "exactly normalised, constant along W → aW: first on the sphere, then the loss without its normalisation"


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss of features in batches.

    Attributes:
        name: in reports.
        function: two views (m, n, d1) of m batches → (m,); the last layer's weights are not in it.
        definition: with every parameter set but d1; None where it is not known.
        batch: n, the number of data in a batch.
        decay: γ of a weight decay γ‖W‖², which is added.
        values: of its parameters, exact.
        rotates: whether the loss is known to be the same for all rotations of the embedding.
        even: whether it is known to be the same for −f, as every loss of inner products is.
        on_grid: the loss at all points of a grid of scales, where there is a fast way (`verify.truths.fast_losses`).
        population: whether a batch stands for a population, rather than being what the loss is defined on.
        note: what was done to the loss, such as that a normalisation was taken out.
        family: the definition before its parameters were set, N among them; None where it is not known.
        code: the torch function, called with care; None for a definition.
    """

    name: str
    function: TwoViews
    definition: Loss | None
    batch: int
    decay: float = 0.0
    values: Mapping[str, sympy.Expr] = field(default_factory=dict)
    rotates: bool = True
    even: bool = True
    on_grid: Gridded | None = None
    population: bool = False
    note: str = ""
    family: Loss | None = None
    code: BlackBox | None = None

    def batches(self, f: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor]:
        """The first two views of (V, N, d1) in whole batches, (m, n, d1) each.

        Raises:
            InputError: fewer data than a batch has.
        """
        count = f.shape[1] // self.batch
        if not count:
            raise InputError(
                f"{f.shape[1]} data are fewer than a batch of {self.batch}; give more data or a smaller --batch"
            )
        shape = (count, self.batch, f.shape[2])
        used = np.ascontiguousarray(f[:2, : count * self.batch])
        first, second = (torch.from_numpy(one).reshape(shape) for one in used)
        return first, second


def objective(target: str | Loss | Callable[..., Any], values: Values | None = None, *, batch: int) -> Objective:
    """The loss to study.

    Args:
        target: a catalogue name with modifiers (``infonce-batch+weight-decay``); a `derive.Loss`; or a torch function
            ``loss(z1, z2)`` of one batch, (n, d1) each.
        values: exact values of its parameters but N, which is the batch's size.
        batch: the number of data in a batch.

    Raises:
        InputError: an unknown loss, a parameter without a value, a batch that is too small.

    >>> one = objective("weighted-infonce+weight-decay", {"alpha": 1, "gamma": sympy.Rational(1, 1000)}, batch=8)
    >>> one.decay, one.function(torch.zeros(3, 8, 2), torch.zeros(3, 8, 2)).shape
    (0.001, torch.Size([3]))

    """
    given = {name: sympy.sympify(value, strict=True) for name, value in (values or {}).items()}
    if batch < 2:
        raise InputError(f"a batch of {batch} has no other data to contrast with; give 2 or more")
    named = FIELDS.get(target) if isinstance(target, str) else as_field(target)
    if isinstance(named, Dynamics):
        raise InputError(no_loss(named))
    if isinstance(target, Loss):
        from verify.networks.last_layer.own_loss import own_loss

        return own_loss(target, given, batch)
    if callable(target):
        if given:
            raise InputError(f"--set {next(iter(given))} does not go with a torch function; set it in the function")
        return _function(target, batch)
    return _catalogue(target, given, batch)


def core(one: Objective) -> Objective:
    """A normalised loss without its normalisation.

    Raises:
        InputError: it is not known how to take the normalisation out.
    """
    if one.definition is not None:
        if one.name.partition("+")[0] not in TORCH_LOSSES:
            raise InputError(f"{one.name} is constant along W → aW; give the loss without its normalisation")
        plain = one.name.replace("+normalised", "")
        known = catalogue(plain).parameters
        found = _catalogue(plain, {k: value for k, value in one.values.items() if k in known and k != "N"}, one.batch)
    else:
        from verify.audits.blackbox.core import core as without

        inside = without(one.function)
        z = torch.eye(one.batch, 3, dtype=torch.float64)[None]
        inside(z, z)
        if not inside.replaced:
            raise InputError(f"{one.name} is constant along W → aW, and calls no normalisation that could be taken out")
        found = replace(one, function=inside)
    return replace(found, note=NORMALISED)


def is_normalised(one: Objective, z1: Tensor, z2: Tensor) -> bool:
    """Whether the loss is the same at a = ½, 1 and 2, to rounding, at embeddings (m, n, d1)."""
    with torch.no_grad():
        at = [one.function(a * z1, a * z2) for a in (0.5, 1.0, 2.0)]
    largest = max(float(value.abs().max()) for value in at)
    return all(float((value - at[1]).abs().max()) <= 1e-9 * max(largest, 1.0) for value in at)


def _catalogue(target: str, given: dict[str, sympy.Expr], batch: int) -> Objective:
    base, *modifiers = target.split("+")
    loss = catalogue(target)
    if "bias" in modifiers:
        raise InputError("the bias is the last layer's own here: leave +bias out")
    known = loss.parameters
    if "N" in given:
        raise InputError("N is the number of data in a batch; give it with --batch")
    if "N" in known:
        given = {**given, "N": sympy.Integer(batch)}
    given = dict(loss.defaults) | given
    unset = [name for name in known if name not in given and name != "d1"]
    if unset:
        raise InputError(f"{target} has the parameter {unset[0]}; give it a value with --set {unset[0]}=VALUE")
    parameters = {name: float(value) for name, value in given.items()}
    definition = loss.set(given)
    own = {name: value for name, value in parameters.items() if name in CATALOGUE[base].parameters and name != "N"}
    of, population = batched(base), definition.batch_size is None
    if population and batch < SMALLEST_POPULATION:
        message = f"a batch of {batch} stands for no population; give {SMALLEST_POPULATION} data or more"
        raise InputError(message)

    def plain(z1: Tensor, z2: Tensor) -> Tensor:
        return of((z1, z2), own)

    def averaged(z1: Tensor, z2: Tensor) -> Tensor:
        def split(anchors: slice, others: slice) -> Tensor:
            chi = torch.cat([z1[..., others, :], z2[..., others, :]], -2)
            return of((z1[..., anchors, :], z2[..., anchors, :], chi), own)

        return both_ways(split, z1.shape[-2])

    function: TwoViews = averaged if population else plain
    if "normalised" in modifiers:
        function = unit(function, temperature_of(base, parameters))
    if "norm-penalty" in modifiers:
        function = _penalised(function, parameters["kappa"], parameters["c"])
    fast = on_grid(base, own) if set(modifiers) <= {"weight-decay"} else None
    decay = parameters["gamma"] if "weight-decay" in modifiers else 0.0
    rotates, even = definition.rotation_invariant, definition.even
    return Objective(target, function, definition, batch, decay, given, rotates, even, fast, population, family=loss)


def _penalised(function: TwoViews, kappa: float, c: float) -> TwoViews:
    def loss(z1: Tensor, z2: Tensor) -> Tensor:
        penalty = jackknife(lambda rows: norm_penalty(z1[..., rows, :], None, kappa, c), z1.shape[-2])
        return function(z1, z2) + penalty

    return loss


def _function(target: Callable[..., Any], batch: int) -> Objective:
    name = str(getattr(target, "__name__", type(target).__name__))
    box = BlackBox(target, name)

    def scalar(a: Tensor, b: Tensor) -> Tensor:
        found = target(a.clone(), b.clone())
        return torch.as_tensor(found[0] if isinstance(found, tuple | list) else found).reshape(())

    mapped = batched(scalar).function
    seen: list[bool] = []

    def loss(z1: Tensor, z2: Tensor) -> Tensor:
        if not seen:
            # Called with care once, which says in a sentence what is wrong with it.
            box.tensor(torch.stack([z1[0], z2[0]]))
            seen.append(True)
        return mapped(z1.to(box.dtype), z2.to(box.dtype))

    return Objective(name, loss, None, batch, rotates=False, even=False, code=box)
