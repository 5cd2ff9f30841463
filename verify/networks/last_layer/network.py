"""The network that a user names: by a checkpoint of this project, or by a checkpoint and a module of their own."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from derive import InputError
from derive.errors import did_you_mean, nearest
from verify.audits.user_code import run_file
from verify.networks.last_layer.checkpoint import Weights, fitting, load_weights, put_weights
from verify.running.limits import said_by


def network(path: str | Path, model: str | None = None) -> tuple[nn.Module, str | None, str]:
    """The network of a checkpoint, the name of its last layer where that is known, and which weights it was given.

    Args:
        path: the checkpoint, see `verify.networks.last_layer.checkpoint.load_weights`.
        model: ``path/to/file.py:NAME``, a torch module or a function that makes one (the file is run: it is the user's
            own code); or the name of an architecture of `verify.networks`. The checkpoint's own unless given.

    Raises:
        InputError: nothing usable is there, or the weights do not fit.

    """
    found = load_weights(path)
    if model is not None and (":" in model or model.endswith(".py")):
        module = _users(model)
        return module, None, put_weights(module, found)
    from verify.networks.network import build, shell

    described = found.architecture if model is None else {**_same(found, model), "name": model}
    if described is None:
        message = f"{path} does not say which network it holds; say so with --model FILE.py:NAME, or --model resnet18"
        raise InputError(message)
    fitting(shell(described), found)
    built = build(described)
    return built, "last", put_weights(built, found)


def _same(found: Weights, model: str) -> dict[str, object]:
    """What the checkpoint says about the same architecture."""
    said = dict(found.architecture or {})
    return said if said.get("name") == model else {}


def _users(model: str) -> nn.Module:
    path, _, name = model.rpartition(":")
    if not path.endswith(".py"):
        raise InputError(f"--model {model} names no network; write path/to/file.py:NAME")
    defined = vars(run_file(Path(path)))
    if name not in defined:
        own = [key for key, value in defined.items() if callable(value) or isinstance(value, nn.Module)]
        raise InputError(did_you_mean(f"{path} defines no {name!r}", nearest(name, own)))
    made = defined[name]
    if not isinstance(made, nn.Module):
        if not callable(made):
            raise InputError(f"{model}: {name} is of type {type(made).__name__}; a torch module is needed")
        try:
            made = made()
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {said_by(error)}"
            message = f"{model}: {name}() failed: {said}; it is called without arguments"
            raise InputError(message) from error
    if not isinstance(made, nn.Module):
        raise InputError(f"{model}: {name}() gave a {type(made).__name__}; a torch module is needed")
    return made
