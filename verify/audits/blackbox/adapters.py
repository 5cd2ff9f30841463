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
from verify.truths.surroundings import KeptSettings


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


def pair_stacks(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(embeddings, embeddings)``: (N, 2, d) twice, for student and teacher, as lightly's MMCR takes them."""
    both = torch.stack([z1, z2], 1)
    return loss(both, both)


def lists(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss([z1, z2], [z1, z2])``: lists of views of teacher and student, or of crops, as DINO and SwAV take them."""
    return loss([z1, z2], [z1, z2])


def each(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """The mean of ``loss(z1)`` and ``loss(z2)``: a regulariser of one view, as KoLeo or SIGReg."""
    return (loss(z1) + loss(z2)) / 2


def reference(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(z1, ref_emb=z2)``: the second view as a reference, as pytorch-metric-learning's VICReg takes it."""
    return loss(z1, ref_emb=z2)


def triplets(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(anchor, positive, negative)``: the negative of a datum is the first view of the next, (N, d) each."""
    return loss(z1, z2, z1.roll(-1, 0))


def keywords(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(first=z1, second=z2)`` by the names of its two required arguments, (N, d) each."""
    return loss(**dict(zip(_required(loss), (z1, z2), strict=True)))


def keyword_stacks(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """The same with a leading axis of views, (1, N, d) each, as LeJEPA takes local and global views."""
    return loss(**dict(zip(_required(loss), (z1[None], z2[None]), strict=True)))


def dictionary(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss({"z1": z1, "z2": z2})``."""
    return loss({"z1": z1, "z2": z2})


def sentences(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """``loss(sentence_features, labels)`` without labels: a dictionary a view, whose embedding the loss's model gives.

    The convention of sentence-transformers; the model is one that gives its input (`_Given`).
    """
    return loss([{SENTENCE: z1}, {SENTENCE: z2}], None)


def sentence_classes(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """The same with both views in one column and a label per datum, as its losses of classes take them."""
    datum = torch.arange(len(z1), device=z1.device)
    return loss([{SENTENCE: torch.cat([z1, z2])}], torch.cat([datum, datum]))


def scored_sentences(loss: Callable[..., Any], z1: torch.Tensor, z2: torch.Tensor) -> Any:
    """The same with scored pairs: 1 for two views of a datum, 0 for views of two data, one after the other."""
    score = torch.cat([torch.ones(len(z1)), torch.zeros(len(z1))]).to(z1)
    return loss([{SENTENCE: torch.cat([z1, z1])}, {SENTENCE: torch.cat([z2, z2.roll(1, 0)])}], score)


class _Given(nn.Module):
    """A model of sentence-transformers whose sentences are embedded already."""

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Its input."""
        return features


def _required(loss: Callable[..., Any]) -> list[str]:
    return [one.name for one in parameters_of(loss) if one.kind is one.KEYWORD_ONLY and one.default is one.empty][:2]


# The names that --adapter takes.
ADAPTERS: Mapping[str, Adapter] = {
    "two-views": two_views,
    "labels": labels,
    "list": views,
    "stacked": stacked,
    "pairs": pairs,
    "pair-stacks": pair_stacks,
    "lists": lists,
    "each": each,
    "reference": reference,
    "triplets": triplets,
    "keywords": keywords,
    "keyword-stacks": keyword_stacks,
    "dictionary": dictionary,
    "sentences": sentences,
    "sentence-classes": sentence_classes,
    "scored-sentences": scored_sentences,
}
# The key of an embedding, and the argument that all of its losses have.
SENTENCE, SENTENCES = "sentence_embedding", "sentence_features"
# How many of a loss's arguments an adapter gives by their place.
ARGUMENTS = dict.fromkeys(ADAPTERS, 1) | {"two-views": 2, "labels": 2, "lists": 2, "keywords": 0, "keyword-stacks": 0}
ARGUMENTS |= {"pair-stacks": 2, "sentences": 2, "sentence-classes": 2, "scored-sentences": 2, "triplets": 3}


def find_adapter(name: str) -> Adapter:
    """The adapter of a name.

    Raises:
        InputError: there is none of that name.

    >>> find_adapter("label")
    Traceback (most recent call last):
        ...
    derive.errors.InputError: there is no adapter 'label'; did you mean labels? There are two-views, labels, list, \
stacked, pairs, pair-stacks, lists, each, reference, triplets, keywords, keyword-stacks, dictionary, sentences, \
sentence-classes, scored-sentences

    """
    if name not in ADAPTERS:
        listed = f"there are {', '.join(ADAPTERS)}"
        raise InputError(did_you_mean(f"there is no adapter {quoted(name)}", nearest(name, ADAPTERS), listed))
    return ADAPTERS[name]


def settable(loss: Callable[..., Any], adapter: str = "two-views") -> tuple[str, ...]:
    """The names that a loss takes in addition to its embeddings, and that ``--set`` can give.

    >>> settable(lambda z1, z2, tau=0.5, *, keepdim=False: z1)
    ('tau', 'keepdim')
    """
    parameters = parameters_of(loss)
    given = ARGUMENTS.get(adapter, 2)
    return tuple(
        one.name
        for place, one in enumerate(parameters)
        if (one.kind is one.KEYWORD_ONLY and (given or one.default is not one.empty))
        or (one.kind is one.POSITIONAL_OR_KEYWORD and place >= given)
    )


def parameters_of(loss: Callable[..., Any]) -> list[inspect.Parameter]:
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
    defaults = {one.name: one.default for one in parameters_of(loss)}
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


def callable_loss(loss: Any, name: str = "loss", init: Mapping[str, object] | None = None) -> Callable[..., Any]:
    """The loss as a callable that takes embeddings in double precision.

    A function is returned unchanged. So is an instance of ``torch.nn.Module``, unless it holds numbers in single
    precision: then a copy in double precision is returned, since layers refuse to mix the two. A class stands for its
    instance made with the given arguments, and so does a function that returns a loss.

    Args:
        loss: the object that the user named.
        name: its name in messages.
        init: arguments that a class, or a function that makes a loss, is called with.

    Raises:
        InputError: it cannot be called, or is a class that needs arguments.

    >>> callable_loss(nn.MSELoss)
    MSELoss()

    """
    if isinstance(loss, type) or init:
        loss = _made(loss, name, init or {})
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


def _takes_sentences(kind: type) -> bool:
    """Whether a class is a loss of sentence-transformers, or made as these are: it asks its model for embeddings."""
    if kind.__module__.partition(".")[0] == "sentence_transformers":
        return True
    forward = getattr(kind, "forward", None)
    try:
        return forward is not None and SENTENCES in inspect.signature(forward).parameters
    except (TypeError, ValueError):
        return False


def _made(kind: Callable[..., Any], name: str, init: Mapping[str, object]) -> Any:
    """An instance of a class, or what a function returns, given arguments by name; its numbers are double."""
    try:
        known, unsigned = list(inspect.signature(kind).parameters.values()), False
    except (TypeError, ValueError):
        # A class written in C may have no signature.
        known, unsigned = [], True
    names = [one.name for one in known if one.kind is not one.VAR_POSITIONAL]
    anything = unsigned or any(one.kind is one.VAR_KEYWORD for one in known)
    unknown = [key for key in init if key not in names and not anything]
    if unknown:
        message = did_you_mean(
            f"--init {unknown[0]}: {name} takes no {quoted(unknown[0])}",
            nearest(unknown[0], names),
            f"it takes {', '.join(names) or 'nothing'}",
        )
        raise InputError(message)
    if isinstance(kind, type) and _takes_sentences(kind) and ("model" in names or anything) and "model" not in init:
        # Some of these losses look at the model's first part.
        init = {**init, "model": nn.Sequential(_Given())}
    needed = [
        one.name
        for one in known
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) and one.name not in init
    ]
    if isinstance(kind, type) and unsigned and not init:
        needed = ["…"]
    what = "a class" if isinstance(kind, type) else "a function"
    hint = f"make an instance, loss = {getattr(kind, '__name__', name)}(…), and name that"
    if needed and needed[0] != "…":
        hint = f"give it with --init {needed[0]}=…, or {hint}"
    if needed:
        message = f"{name} is {what} that needs {', '.join(needed)}; {hint}"
        raise InputError(message)
    if isinstance(kind, type) and "__call__" not in dir(kind):
        message = f"{name} is a class whose instances cannot be called; a loss takes embeddings: {name}(z1, z2)"
        raise InputError(message)
    try:
        with KeptSettings():
            torch.set_default_dtype(torch.float64)
            return kind(**init)
    except (Exception, SystemExit) as error:
        shown = ", ".join(f"{key}={value}" for key, value in init.items())
        message = f"{name} is {what}, and {name}({shown}) raised {type(error).__name__}: {said_by(error)}; {hint}"
        raise InputError(message) from error
