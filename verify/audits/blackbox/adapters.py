"""How losses take their embeddings, one adapter per convention, and which objects can be called as losses."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import sympy
import torch
from torch import nn

from derive import InputError
from derive.errors import did_you_mean, nearest, quoted
from verify.running.limits import said_by
from verify.truths.function import Adapter, two_views


def labels(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(embeddings, labels)``: (2N, d), first views first, and (2N,) with one label per datum.

    The convention of pytorch-metric-learning.
    """
    datum = torch.arange(len(z1), device=z1.device)
    return loss(torch.cat([z1, z2]), torch.cat([datum, datum]))


def views(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss([z1, z2])``: a list of views, (N, d) each."""
    return loss([z1, z2])


def stacked(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(embeddings)``: (2N, d), first views first."""
    return loss(torch.cat([z1, z2]))


def pairs(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(embeddings)``: (N, 2, d), the two views of a datum side by side, as SupCon takes them."""
    return loss(torch.stack([z1, z2], 1))


# The names that --adapter takes.
ADAPTERS: Mapping[str, Adapter] = {
    "two-views": two_views,
    "labels": labels,
    "list": views,
    "stacked": stacked,
    "pairs": pairs,
}


def find_adapter(name: str) -> Adapter:
    """The adapter of a name.

    Raises:
        InputError: there is none of that name.

    >>> find_adapter("label")
    Traceback (most recent call last):
        ...
    derive.errors.InputError: there is no adapter 'label'; did you mean labels? There are two-views, labels, list, \
stacked, pairs

    """
    if name not in ADAPTERS:
        listed = f"there are {', '.join(ADAPTERS)}"
        raise InputError(did_you_mean(f"there is no adapter {quoted(name)}", nearest(name, ADAPTERS), listed))
    return ADAPTERS[name]


# How many batches of embeddings an adapter gives the loss.
_GIVEN = {"two-views": 2, "labels": 2}


def settable(loss: Callable[..., Any], adapter: str = "two-views") -> tuple[str, ...]:
    """The names that a loss takes in addition to its embeddings, and that ``--set`` can give.

    >>> settable(lambda z1, z2, tau=0.5, *, keepdim=False: z1)
    ('tau', 'keepdim')
    """
    parameters = _parameters(loss)
    given = _GIVEN.get(adapter, 1)
    return tuple(
        one.name
        for place, one in enumerate(parameters)
        if one.kind is one.KEYWORD_ONLY or (one.kind is one.POSITIONAL_OR_KEYWORD and place >= given)
    )


def _parameters(loss: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters in the signature of a loss, or of a module's ``forward``."""
    try:
        called = loss.forward if isinstance(loss, nn.Module) else loss
        return list(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        return []


def with_values(loss: Callable[..., Any], values: Mapping[str, sympy.Expr]) -> Callable[..., Any]:
    """The loss with numbers for parameters of its signature: whole numbers as int, or as bool where the default is one.

    >>> with_values(lambda z1, z2, tau=0.5: tau * z1, {"tau": sympy.Rational(1, 4)})(8.0, 0.0)
    2.0
    """
    if not values:
        return loss
    defaults = {one.name: one.default for one in _parameters(loss)}
    numbers: dict[str, Any] = {}
    for name, value in values.items():
        if not value.is_Rational:
            message = f"--set {name}={value}: the loss takes a number there"
            raise InputError(message)
        default = defaults.get(name)
        whole = value.is_Integer and not isinstance(default, float)
        numbers[name] = bool(value) if isinstance(default, bool) else int(value) if whole else float(value)
    bound = functools.partial(loss, **numbers)
    functools.update_wrapper(bound, loss) if hasattr(loss, "__name__") else None
    return bound


def callable_loss(loss: Any, name: str = "loss") -> Callable[..., Any]:
    """The loss as a callable that takes embeddings in double precision.

    A function is returned unchanged. So is an instance of ``torch.nn.Module``, unless it holds numbers in single
    precision: then a copy in double precision is returned, since layers refuse to mix the two. A class stands for its
    instance made without arguments.

    Args:
        loss: the object that the user named.
        name: its name in messages.

    Raises:
        InputError: it cannot be called, or is a class that needs arguments.

    >>> callable_loss(nn.MSELoss)
    MSELoss()

    """
    if isinstance(loss, type):
        loss = _made(loss, name)
    if not callable(loss):
        message = (
            f"{name} is of type {type(loss).__name__} and cannot be called; a loss takes embeddings: {name}(z1, z2)"
        )
        raise InputError(message)
    if isinstance(loss, nn.Module):
        numbers = chain(loss.parameters(), loss.buffers())
        if any(one.is_floating_point() and one.dtype != torch.float64 for one in numbers):
            loss = copy.deepcopy(loss).double()
    found: Callable[..., Any] = loss
    return found


def _made(kind: type, name: str) -> Any:
    """An instance of a class that needs no arguments."""
    try:
        needed = [
            one.name
            for one in inspect.signature(kind).parameters.values()
            if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):
        # A class written in C may have no signature.
        needed = ["…"]
    hint = f"make an instance, loss = {kind.__name__}(…), and name that"
    if needed:
        message = f"{name} is a class that needs {', '.join(needed)}; {hint}"
        raise InputError(message)
    if "__call__" not in dir(kind):
        message = f"{name} is a class whose instances cannot be called; a loss takes embeddings: {name}(z1, z2)"
        raise InputError(message)
    try:
        return kind()
    except (Exception, SystemExit) as error:
        message = f"{name} is a class, and {name}() raised {type(error).__name__}: {said_by(error)}; {hint}"
        raise InputError(message) from error
