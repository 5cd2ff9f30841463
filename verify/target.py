"""What the command is pointed at: a catalogue name, or a `Loss` in a file of the user's."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy

from derive import InputError, Loss, NotAnalyticError, catalogue
from derive.errors import quoted
from verify.limits import TimeUpError, said_by, time_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numeric.sampling import Covariances

# Seconds that a file of the user's may take to run: it imports torch, and defines losses.
RUN_LIMIT = 120.0
LONGEST_NUMBER = 100
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<p>[0-9]+)(?:/(?P<q>[0-9]+)|\.(?P<decimals>[0-9]+))?")


def find_loss(target: str) -> Loss:
    """The loss that a TARGET names.

    Args:
        target: a catalogue name, with modifiers after plus signs (``infonce+weight-decay``), or
            ``path/to/file.py:name`` for a `Loss` called ``name`` there. The file is run: it is the user's own code.

    Raises:
        InputError: nothing usable is there.

    """
    found = find_target(target)
    if not isinstance(found, Loss):
        name = target.rpartition(":")[2]
        message = f"{target}: {name} is of type {type(found).__name__}; a derive.Loss is needed here"
        raise InputError(f"{message}; quartic audit takes torch functions too")
    return found


def find_target(target: str) -> Loss | Callable[..., Any]:
    """The loss that a TARGET names: a `Loss`, or a function ``loss(z1, z2)`` of the user's.

    Raises:
        InputError: nothing usable is there.

    """
    path, separator, name = target.rpartition(":")
    if not separator or not path.endswith(".py"):
        if target.endswith(".py") or "/" in target:
            message = f"{quoted(target)} names no loss; write path/to/file.py:name"
            raise InputError(message)
        return catalogue(target)
    module = run_file(Path(path))
    if name not in module:
        losses = [key for key, value in module.items() if isinstance(value, Loss) or _own(value, module)]
        near = difflib.get_close_matches(name, losses, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        message = f"{path} defines no {quoted(name)}; {hint}Losses there: {', '.join(losses) or 'none'}"
        raise InputError(message)
    loss = module[name]
    if not isinstance(loss, Loss) and not callable(loss):
        message = f"{target}: {name} is of type {type(loss).__name__}; a target is a derive.Loss or a function"
        raise InputError(message)
    found: Loss | Callable[..., Any] = loss
    return found


def _own(value: object, module: Mapping[str, object]) -> bool:
    """Whether it is a function that the file defines itself."""
    return callable(value) and getattr(value, "__module__", None) == module.get("__name__")


def refuse(what: str, options: Mapping[str, object]) -> None:
    """Refuse options that a target of this kind does not take, where they are given.

    >>> refuse("a torch function", {"--A0": None, "--sampling fixed": False})

    Raises:
        InputError: naming the first that is given.

    """
    for option, given in options.items():
        if given:
            message = f"{option} does not go with {what}; leave it out"
            raise InputError(message)


def read_covariances(a0: str | None, c: str | None) -> Covariances | None:
    """The covariances in two files, CSV or .npy; None where none is named.

    Raises:
        InputError: one without the other, or a file that holds no covariance.

    """
    if a0 is None and c is None:
        return None
    if a0 is None or c is None:
        message = "--A0 and --C go together: give both covariances, or neither"
        raise InputError(message)
    from numeric.sampling import Covariances

    return Covariances(_matrix(a0), _matrix(c))


def _matrix(path: str) -> Any:
    import numpy as np

    try:
        if path.endswith(".npy"):
            return np.load(path, allow_pickle=False)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an empty file is but a warning
            return np.loadtxt(path, delimiter=",", ndmin=2)
    except Exception as error:  # noqa: BLE001 (NumPy reads a header with Python's tokenizer, which has errors of its own)
        message = f"{path} holds no matrix of numbers (a CSV or a .npy file): {said_by(error)}"
        raise InputError(message) from None


def parse_values(settings: Iterable[str]) -> dict[str, sympy.Expr]:
    """Exact values from texts like ``alpha=1/10``, ``tau=0.5`` (taken as ½) or ``N=oo``; parsed, never evaluated.

    >>> parse_values(["alpha=1/10", "N=oo", "tau=0.5"])
    {'alpha': 1/10, 'N': oo, 'tau': 1/2}
    """
    values: dict[str, sympy.Expr] = {}
    for setting in settings:
        name, separator, text = (part.strip() for part in setting.partition("="))
        if not separator or not name:
            message = f"--set {setting}: write NAME=VALUE, for instance --set alpha=1/10"
            raise InputError(message)
        if name in values:
            message = f"--set {name} is given twice"
            raise InputError(message)
        values[name] = sympy.oo if text == "oo" else _number(name, text)
    return values


def put_values(loss: Loss, values: Mapping[str, sympy.Expr]) -> tuple[Loss, dict[str, sympy.Expr]]:
    """The loss with values put in, and those that are left for its expansion: limits, and the dimension d1."""
    known = loss.parameters
    later = {name: value for name, value in values.items() if name in known and (name == "d1" or value is sympy.oo)}
    return loss.set({name: value for name, value in values.items() if name not in later}), later


def _number(name: str, text: str) -> sympy.Expr:
    if len(text) > LONGEST_NUMBER:
        message = f"--set {name}: a number of {len(text)} characters is a slip; write at most {LONGEST_NUMBER}"
        raise InputError(message)
    match = _NUMBER.fullmatch(text)
    if not match or (match["q"] and int(match["q"]) == 0):
        message = (
            f"--set {name}={text}: {quoted(text)} is no exact number; write an integer, a fraction like 1/10, or oo"
        )
        raise InputError(message)
    return sympy.Rational(text)


def is_there(path: Path) -> bool:
    """Whether there is a file; a name that no file can have is of none."""
    try:
        return path.is_file()
    except OSError:
        return False


def run_file(path: Path, limit: float = RUN_LIMIT) -> dict[str, object]:
    """What a Python file of the user's defines, by running it.

    Args:
        path: of the file.
        limit: seconds that it may take.

    Raises:
        InputError: there is no such file, or it fails, ends the program, or takes too long.

    """
    if not is_there(path):
        message = f"there is no file {path}"
        raise InputError(message)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        message = f"{path} is no Python file"
        raise InputError(message)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    process = os.getpid()
    too_long = f"{path} did not come to its end within {limit:g} seconds when it was run; it should define, not compute"
    try:
        # What it prints is not this command's answer.
        with contextlib.redirect_stdout(sys.stderr), time_limit(limit, too_long):
            spec.loader.exec_module(module)
    except TimeUpError:
        raise InputError(too_long) from None
    except (NotAnalyticError, KeyboardInterrupt):
        raise
    except InputError as error:
        message = f"{path}: {error}"
        raise InputError(message) from None
    except SystemExit:
        message = f"{path} ended the program when it was run, as sys.exit does; put that under __name__ == '__main__'"
        raise InputError(message) from None
    except BaseException as error:
        message = f"{path} failed when it was run: {type(error).__name__}: {said_by(error)}"
        raise InputError(message) from error
    finally:
        if os.getpid() != process:
            os._exit(0)  # the file forked, and this is the copy
        sys.path.remove(str(path.parent))
    return vars(module)
