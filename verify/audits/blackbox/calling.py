"""How a shipped loss is called: by the convention its signature shows, at its width, afresh where it keeps state."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
import torch

from derive import InputError
from verify.audits.blackbox.adapters import (
    ADAPTERS,
    ARGUMENTS,
    SENTENCES,
    callable_loss,
    find_adapter,
    parameters_of,
    settable,
    with_values,
)
from verify.truths.function import Adapter, BlackBox

AUTO = "auto"
# Names of what is no embedding but says which data belong together, and of a sequence of views.
LABELS = frozenset(("labels", "label"))
SEQUENCES = frozenset(("views", "z_views", "view_list", "views_list", "z_list", "features_list", "crops"))
# What the name of a third argument begins with that is an embedding, too.
NEGATIVE = "neg"
# A batch on which conventions are tried: its size is not its width.
TRIED = (8, 5)


def conventions(loss: Callable[..., Any]) -> tuple[str, ...]:
    """The adapters that the signature of a loss allows, the likeliest first.

    >>> def of_labels(embeddings, labels): ...
    >>> def of_views(z_views): ...
    >>> def of_pairs(features, labels=None): ...
    >>> conventions(of_labels), conventions(of_views), conventions(of_pairs)
    (('labels',), ('list',), ('labels', 'pairs', 'reference'))
    >>> conventions(torch.nn.TripletMarginLoss().forward)
    ('triplets',)

    """
    parameters = parameters_of(loss)
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = [one for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if not positional:
        return ("keywords", "keyword-stacks") if len(named) == 2 else ("two-views",)
    if positional[0].name == SENTENCES:
        return ("sentences", "sentence-classes", "scored-sentences")
    sequences = [_is_sequence(one) for one in positional]
    if len(positional) > 1 and positional[1].name in LABELS:
        return ("labels",) if positional[1].default is positional[1].empty else ("labels", "pairs", "reference")
    third = positional[2] if len(positional) > 2 else None
    if third is not None and third.name.startswith(NEGATIVE) and third.default is third.empty:
        return ("triplets",)
    if sequences[0]:
        return ("lists",) if sequences[1:2] == [True] and positional[1].default is positional[1].empty else ("list",)
    return ("two-views",)


def _is_sequence(parameter: Any) -> bool:
    annotation = str(parameter.annotation).lower()
    return parameter.name in SEQUENCES or "list" in annotation or "sequence" in annotation


def runs(box: BlackBox) -> bool:
    """Whether a loss gives a finite number for a batch, and one that depends on it."""
    rng, size = np.random.default_rng(0), max(TRIED[0], box.least)
    try:
        values = [box(rng.standard_normal((2, size, TRIED[1]))) for _ in range(2)]
    except InputError:
        return False
    return bool(np.isfinite(values).all()) and values[0] != values[1]


@dataclass(frozen=True)
class Padded:
    """An adapter of a loss that is tied to a width: embeddings are padded with zeros to that many coordinates.

    Attributes:
        adapter: how the loss takes them.
        width: the number of coordinates.

    """

    adapter: Adapter
    width: int

    def __call__(self, loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
        """The loss of padded embeddings."""
        z1, z2 = (torch.nn.functional.pad(z, (0, self.width - z.shape[1])) for z in (z1, z2))
        return self.adapter(loss, z1, z2)


class Fresh:
    """A loss that keeps state, called as it is before its first step: each call is made on a copy.

    >>> class Counting:
    ...     calls = 0
    ...     def __call__(self, z1, z2):
    ...         self.calls += 1
    ...         return self.calls * (z1 * z2).sum()
    >>> fresh, one = Fresh(Counting()), torch.ones(1)
    >>> fresh(one, one), fresh(one, one)
    (tensor(1.), tensor(1.))

    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        """Keep the loss as it is now."""
        self.loss = copy.deepcopy(loss)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The loss of a copy."""
        return copy.deepcopy(self.loss)(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class Called:
    """A loss with a convention, a width and a least batch, as `call` finds them.

    Attributes:
        loss: the user's callable, without values of its parameters.
        pristine: for a class, a copy of its instance before the first call; None for an instance, or where it cannot be
            copied.
        name: its name.
        adapter: the name of the convention.
        found: whether the signature told it.
        dim: the one width that it takes.
        least: the fewest data that it is given.
        limit: seconds that one call may take.

    """

    loss: Callable[..., Any]
    pristine: Callable[..., Any] | None
    name: str
    adapter: str
    found: bool
    dim: int | None
    least: int
    limit: float

    def box(self, values: Mapping[str, sympy.Expr], by: str | None = None) -> BlackBox:
        """The loss as a function of numbers, by its own convention or another."""
        adapter = find_adapter(by or self.adapter)
        way = adapter if self.dim is None else Padded(adapter, self.dim)
        return BlackBox(with_values(self.loss, values), self.name, way, None, self.limit, self.least)

    def afresh(self, box: BlackBox, values: Mapping[str, sympy.Expr]) -> BlackBox | None:
        """The same function, each call on a copy of the loss before its first; None where there is none."""
        if self.pristine is None:
            return None
        return replace(box, loss=with_values(Fresh(self.pristine), values) if values else Fresh(self.pristine))

    def notes(self) -> list[str]:
        """How it is called, where that is not plain."""
        said = [f"--adapter {self.adapter}, from its signature"] if self.found and self.adapter != "two-views" else []
        if self.dim is not None:
            padded = f"embeddings are padded with zeros to {self.dim} coordinates"
            said.append(f"{padded}: what is said is said of d1 = {self.dim}")
        return said

    def advice(self, taken: Mapping[str, sympy.Expr]) -> str:
        """What to do about a loss that does not run: adapters with which it does, or arguments that it needs.

        Args:
            taken: what ``--set`` gave it.

        """
        working = [name for name in ADAPTERS if name != self.adapter and runs(self.box(taken, name))]
        # A third argument may be a number as well, with which most losses run on a tensor, too.
        third = "triplets" in working
        working = [name for name in working if name != "triplets"]
        if working:
            return f"it runs with --adapter {' or --adapter '.join(working)}"
        given = ARGUMENTS.get(self.adapter, 2)
        needed = [
            one.name
            for place, one in enumerate(parameters_of(self.loss))
            if one.default is one.empty
            and one.name not in taken
            and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
            and (place >= given or one.kind is one.KEYWORD_ONLY)
        ]
        if needed and "keyword" not in self.adapter:
            said = f"it needs {', '.join(needed)} besides its embeddings: numbers are given with --set {needed[0]}=…"
            return f"{said}, the embedding of another datum with --adapter triplets" if third else said
        return ""


def call(
    loss: Any,
    name: str,
    *,
    adapter: str = AUTO,
    init: Mapping[str, object] | None = None,
    dim: int | None = None,
    least: int = 2,
    limit: float = 60.0,
    given: Mapping[str, sympy.Expr] | None = None,
) -> Called:
    """Find out how a loss is called.

    Args:
        loss: the object that the user named.
        name: its name.
        adapter: a name, or "auto" for the first convention of its signature that gives a number.
        init: arguments of a class.
        dim: the one width that it takes.
        least: the fewest data that it is given.
        limit: seconds that one call may take.
        given: values of its parameters, among others.

    Raises:
        InputError: it cannot be called, or there is no such adapter.

    """
    if (dim is not None and dim < 1) or least < 1:
        raise InputError("a width and a number of data are whole numbers of 1 or more")
    plain = callable_loss(loss, name, init)
    pristine = None
    if isinstance(loss, type) or init:
        # What a class says of its loss is said of a fresh instance; an instance keeps what it has seen.
        with contextlib.suppress(Exception):
            pristine = copy.deepcopy(plain)
    found = Called(plain, pristine, name, adapter, adapter == AUTO, dim, max(least, 2), limit)
    if adapter != AUTO:
        find_adapter(adapter)
        return found
    likely = conventions(plain)

    def values(by: str) -> dict[str, sympy.Expr]:
        return {key: value for key, value in (given or {}).items() if key in settable(plain, by)}

    tried = likely if len(likely) > 1 else ()
    return replace(found, adapter=next((by for by in tried if runs(found.box(values(by), by))), likely[0]))
