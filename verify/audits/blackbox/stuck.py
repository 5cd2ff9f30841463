"""Which batch size, and which temperature, gives a torch loss a given value when its embeddings have collapsed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from derive import InputError
from verify.audits.blackbox.adapters import settable
from verify.audits.blackbox.batch_sizes import smallest_batch, too_large
from verify.audits.blackbox.calling import AUTO, call
from verify.audits.blackbox.collapsed import CollapsedValue, collapsed_values
from verify.audits.stuck import RARER, Candidate, Stuck, stuck_at
from verify.audits.stuck_losses import USUAL
from verify.running.threads import one_thread
from verify.truths.function import BlackBox

# Names of a temperature in the signature of a loss.
TEMPERATURES = ("temperature", "tau", "temp", "t", "T")
# Batch sizes at which a loss is called whose value no formula in N gives.
SIZES = tuple(2**k for k in range(1, 10))


@one_thread()
def function_stuck(
    loss: Callable[..., Any],
    text: str,
    *,
    name: str = "",
    adapter: str = AUTO,
    init: Mapping[str, object] | None = None,
    dim: int | None = None,
    least: int = 2,
    given: Mapping[str, sympy.Expr] | None = None,
    limit: float = 60.0,
    within: float | None = None,
) -> Stuck:
    """The settings at which a torch loss has a value at collapse.

    Where its signature has a temperature that is not set, usual ones are tried; other arguments keep their defaults.

    Args:
        loss: takes two views of a batch, or what the adapter makes of them.
        text: the value, as it is logged.
        name: of the loss.
        adapter: how it takes its embeddings.
        init: arguments of a class.
        dim: the one width that it takes.
        least: the fewest data that it is given.
        given: values of parameters of its signature; N is the one batch size to try.
        limit: seconds that a call may take.
        within: how far off a fit may be; half of the last digit unless given.

    Raises:
        InputError: an unusable loss or value, or a loss that has no number at collapse.

    >>> import torch
    >>> def loss(z1, z2):
    ...     return torch.nn.functional.cross_entropy(z1 @ z2.T, torch.arange(len(z1)))
    >>> function_stuck(loss, "5.545").answer
    '5.545 is the loss of loss at N = 256 with all outputs equal.'

    """
    given = dict(given or {})
    name = name or getattr(loss, "__name__", type(loss).__name__)
    way = call(loss, name, adapter=adapter, init=init, dim=dim, least=least, limit=limit, given=given)
    takes = settable(way.loss, way.adapter)
    unknown = sorted(set(given) - {*takes, "N"})
    if unknown:
        message = f"--set {unknown[0]}: {name} takes no {unknown[0]!r}; what can be set: {', '.join([*takes, 'N'])}"
        raise InputError(message)
    size = given.get("N")
    of_code = {key: value for key, value in given.items() if key != "N"}
    boxes = [(said, way.box(of_code | more)) for said, more in _temperatures(takes, of_code)]
    smallest = smallest_batch(boxes[0][1], 4, 0) if size is None else int(size)
    candidates: list[Candidate] = []
    for said, box in boxes:
        found = collapsed_values(box, smallest=smallest, only=None if size is None else int(size))
        candidates += [each for one in found for each in _candidates(f"{name}{said}", one, box)]
    if not candidates:
        raise InputError(f"{name} has no finite value where all of its embeddings are equal: it is stuck at none")
    # What does not depend on the temperature is told once.
    seen: dict[tuple[str, str], Candidate] = {}
    for one in candidates:
        seen.setdefault((one.state, str(sympy.N(one.formula, 9))), one)
    return stuck_at(text, seen.values(), {} if size is None else {"N": size}, within=within)


def _temperatures(
    takes: tuple[str, ...], given: Mapping[str, sympy.Expr]
) -> Iterator[tuple[str, dict[str, sympy.Expr]]]:
    """The loss as it is, and at usual temperatures where it takes one that is not set."""
    yield "", {}
    for name in TEMPERATURES:
        if name in takes and name not in given:
            for tau, rank in USUAL["tau"].items():
                if rank == 0:
                    yield f"({name}={float(tau):g})", {name: sympy.sympify(tau)}
            return


def _candidates(name: str, found: CollapsedValue, box: BlackBox) -> Iterator[Candidate]:
    """The formula of a value; where there is none, its numbers at powers of two."""
    rank = RARER if found.state == "kept rank 1" else 0.0
    if found.formula is not None:
        yield Candidate((name,), found.state, found.formula, rank=rank)
        return
    numbers = dict(found.numbers)
    for smaller, size in itertools.pairwise(SIZES):
        per_call = box.seen.seconds / max(box.seen.calls, 1)
        if found.state == "all outputs equal" and size > max(numbers) and not too_large(size, smaller, per_call):
            z = np.zeros((2, size, 4))
            z[..., 0] = 1.0
            numbers[size] = box(z)
    for size, value in numbers.items():
        yield Candidate((f"{name} at N = {size}",), found.state, sympy.Float(value, 17), rank=rank)
