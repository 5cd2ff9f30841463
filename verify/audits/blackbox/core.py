"""The core of a normalised loss: the loss run with its normalisations replaced by the identity.

A normalised loss is constant along z → s z and has no expansion at 0; its core, the function of the embeddings before
they are normalised, often has one. While the loss runs, calls of three functions are replaced, however the loss got
hold of them (an attribute, an imported name, a default argument, a layer, a library):

- ``torch.nn.functional.normalize``, by the identity;
- ``cosine_similarity`` (of torch, its functional form and its layer), by the inner product;
- ``torch.nn.functional.batch_norm`` and all layers that call it, by the identity, where it normalises with the
  statistics of the batch; the weight and bias that follow are applied. With running statistics it is an affine map and
  is left unchanged.

Nothing else is replaced. Layer, instance and group norms normalise inside networks rather than embeddings, and a
division by a norm that is written out looks like any other division. Where the core is still constant along z → s z,
`Core.advice` names which of these were called.

This uses torch's own hook for intercepting calls, so there is nothing to restore: no module is changed, other threads
are not affected, and an exception ends it as well. It does not see inside code compiled with ``torch.jit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from derive import InputError


@dataclass
class Calls:
    """The calls that were seen.

    Attributes:
        replaced: how often each normalisation was replaced.
        left: how often each function was called that may be part of a normalisation but was not replaced.

    """

    replaced: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


def _normalize(
    input: torch.Tensor,  # noqa: A002 (torch's names: they may be given as keywords)
    p: float = 2.0,  # noqa: ARG001
    dim: int = 1,  # noqa: ARG001
    eps: float = 1e-12,  # noqa: ARG001
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    # A copy, as normalize returns one: the loss may go on to change it in place.
    return input.clone() if out is None else out.copy_(input)


def _inner_product(x1: torch.Tensor, x2: torch.Tensor, dim: int = 1, eps: float = 1e-8) -> torch.Tensor:  # noqa: ARG001
    return (x1 * x2).sum(dim)


def _batch_norm(
    input: torch.Tensor,  # noqa: A002
    running_mean: torch.Tensor | None,  # noqa: ARG001
    running_var: torch.Tensor | None,  # noqa: ARG001
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> torch.Tensor:
    shape = (1, -1) + (1,) * (input.dim() - 2)
    scaled = input.clone() if weight is None else input * weight.reshape(shape)
    return scaled if bias is None else scaled + bias.reshape(shape)


# Function → its name, and what it is replaced by. torch.cosine_similarity is F.cosine_similarity.
_REPLACEMENTS: dict[Any, tuple[str, Callable[..., torch.Tensor]]] = {
    F.normalize: ("normalize", _normalize),
    F.cosine_similarity: ("cosine_similarity", _inner_product),
    torch.cosine_similarity: ("cosine_similarity", _inner_product),
    F.batch_norm: ("batch_norm", _batch_norm),
}
REPLACED_BY: Mapping[str, str] = MappingProxyType(
    {"normalize": "the identity", "cosine_similarity": "the inner product", "batch_norm": "the identity"}
)
# The names of functions from which a normalisation that is not replaced may be made.
_MAYBE_NORMALISING = frozenset((
    *("norm", "linalg_norm", "linalg_vector_norm", "renorm", "layer_norm", "instance_norm", "group_norm", "rms_norm"),
    *("std", "std_mean", "var", "var_mean", "sqrt", "rsqrt"),
))  # fmt: skip


class _WithoutNormalisation(TorchFunctionMode):
    """Intercepts every call of a torch function in this thread."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self.calls = calls

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name, replacement = _REPLACEMENTS.get(func, (getattr(func, "__name__", ""), func))
        if func is F.batch_norm and not _of_the_batch(args, kwargs):
            replacement = func
        if replacement is not func:
            self.calls.replaced[name] = self.calls.replaced.get(name, 0) + 1
        elif name in _MAYBE_NORMALISING:
            self.calls.left[name] = self.calls.left.get(name, 0) + 1
        return replacement(*args, **kwargs)


def _of_the_batch(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call of batch_norm takes the statistics of the batch: its argument ``training``, the sixth."""
    return bool(args[5] if len(args) > 5 else kwargs.get("training", False))


@contextmanager
def without_normalisation() -> Iterator[Calls]:
    """Replace normalisations within the context; contexts may be nested.

    >>> z = torch.tensor([[3.0, 4.0]])
    >>> with without_normalisation() as calls:
    ...     F.normalize(z)
    tensor([[3., 4.]])
    >>> F.normalize(z)
    tensor([[0.6000, 0.8000]])
    >>> calls.replaced
    {'normalize': 1}

    """
    calls = Calls()
    with _WithoutNormalisation(calls):
        yield calls


@dataclass
class Core:
    """A loss without its normalisations.

    Args:
        loss: the user's callable.

    Attributes:
        calls: what was called in the latest call of the loss, even if it raised.

    """

    loss: Callable[..., Any]
    calls: Calls = field(default_factory=Calls)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The loss of the same arguments with normalisations replaced."""
        with without_normalisation() as self.calls:
            return self.loss(*args, **kwargs)

    @property
    def __name__(self) -> str:
        """The loss's own name."""
        return str(getattr(self.loss, "__name__", type(self.loss).__name__))

    @property
    def replaced(self) -> Mapping[str, int]:
        """What was replaced in the latest call of the loss, and how often."""
        return self.calls.replaced

    def lines(self) -> list[str]:
        """What was replaced, in words.

        >>> found = core(lambda z1, z2: F.cosine_similarity(z1, z2).mean())
        >>> found(torch.ones(2, 2), torch.ones(2, 2))
        tensor(2.)
        >>> found.lines()
        ['cosine_similarity replaced by the inner product, 1 call']

        """
        if not self.replaced:
            return [f"nothing was replaced: the loss calls none of {', '.join(REPLACED_BY)}"]
        return [
            f"{name} replaced by {REPLACED_BY[name]}, {number} call{'s' if number > 1 else ''}"
            for name, number in self.replaced.items()
        ]

    def lines_at(self, degree: float | None) -> tuple[str, ...]:
        """The same, with advice where the core is still normalised.

        Args:
            degree: of homogeneity of the core at 0, None where it is not homogeneous.

        """
        return (*self.lines(), *filter(None, [self.advice(degree)]))

    def advice(self, degree: float | None) -> str:
        """Advice where the core is still normalised; "" where it is not.

        Args:
            degree: of homogeneity of the core at 0, None where it is not homogeneous.

        """
        if degree != 0:
            return ""
        where = f" (it calls {', '.join(self.calls.left)})" if self.calls.left else ""
        return (
            "the core is still constant along z → s z: a normalisation that is written out or compiled is not "
            f"replaced{where}; call torch.nn.functional.normalize or cosine_similarity there, or give the loss "
            "embeddings that it does not normalise"
        )


def core(loss: Any) -> Core:
    """A loss without its normalisations, with the arguments of the loss itself.

    Raises:
        InputError: the loss cannot be called.

    """
    if not callable(loss):
        message = f"the loss is of type {type(loss).__name__}; it has to be callable"
        raise InputError(message)
    return Core(loss)
