"""The user's Python files and modules, run with control of what they print, how long they take, what they raise."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from derive import InputError, NotAnalyticError
from derive.errors import did_you_mean, nearest, quoted
from verify.audits.import_paths import importing_from, is_there, package, packaged, submodules
from verify.running.limits import TimeUpError, said_by, time_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

Found = TypeVar("Found")

# Seconds that a file of the user may take to run: it imports torch and defines losses.
RUN_LIMIT = 120.0


def run_file(path: Path, limit: float = RUN_LIMIT) -> ModuleType:
    """The module that results from running the user's Python file.

    It may import what lies next to it. With relative imports (``from .util import t``) it is run as a part of the
    package that contains it, else alone.

    Args:
        path: of the file.
        limit: seconds that it may take.

    Raises:
        InputError: there is no such file, or it fails, ends the program, or takes too long.

    """
    if not is_there(path):
        message = f"there is no file {path}"
        raise InputError(message)
    whole = path.resolve()
    levels = _levels(whole)
    folders = [whole.parent, *packaged(whole)[:1], Path.cwd()]
    with importing_from(folders):
        if levels:
            return _run(str(path), whole, limit, lambda: _member(whole, levels))
        return _run(str(path), whole, limit, lambda: _alone(whole))


def run_module(name: str, limit: float = RUN_LIMIT) -> ModuleType:
    """A module by its dotted name, from the current folder, from ``src`` in it, or from what is installed.

    Args:
        name: such as ``package.module``.
        limit: seconds that it may take.

    Raises:
        InputError: there is no such module, or it fails, ends the program, or takes too long.

    """
    here = Path.cwd()
    with importing_from([here, here / "src"]):
        found = _run(name, None, limit, lambda: _imported(name))
    if found is None:
        raise InputError(_no_module(name, here))
    return found


def _imported(name: str) -> ModuleType | None:
    """The module, or None where there is none of that name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        # A module that it imports itself may be missing too; that error is reported as it is.
        if name == missing or name.startswith(f"{missing}."):
            return None
        raise


def _no_module(name: str, here: Path) -> str:
    parent, _, last = name.rpartition(".")
    near = nearest(last, submodules(parent, [here, here / "src"]))
    looked = (
        "it is looked for in the current folder, in src there, and in what is installed;"
        " write package.module:name or path/to/file.py:name"
    )
    meant = f"{parent}.{near}" if parent and near else near
    return did_you_mean(f"there is no module {quoted(name)}", meant, looked)


def _alone(path: Path) -> ModuleType:
    """Run a file by itself, under a name that no import finds."""
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    if spec is None or spec.loader is None:  # pragma: no cover (its name ends in .py)
        message = f"{path} is not a Python file"
        raise InputError(message)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _member(path: Path, levels: int) -> ModuleType:
    """Run a file as a part of its package, whose own files are run first."""
    folders = packaged(path)
    # Where no __init__.py marks the top of the package, it is as deep as the file's own imports reach.
    depth = max(levels, len(folders) - 1)
    return importlib.import_module(f"{package(list(path.parents)[:depth][::-1])}.{path.stem}")


def _levels(path: Path) -> int:
    """The most dots that its relative imports begin with."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return 0  # running it shows what is wrong
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


def _run(what: str, path: Path | None, limit: float, call: Callable[[], Found]) -> Found:
    """The result of a call that runs the user's code; ``what`` names it in messages."""
    process = os.getpid()
    done = "run" if path else "imported"
    too_long = f"{what} did not finish within {limit:g} seconds when it was {done}; it should define, not compute"
    try:
        # What it prints is not part of this command's output.
        with contextlib.redirect_stdout(sys.stderr), time_limit(limit, too_long):
            return call()
    except TimeUpError:
        raise InputError(too_long) from None
    except (NotAnalyticError, KeyboardInterrupt):
        raise
    except InputError as error:
        message = f"{what}: {error}"
        raise InputError(message) from None
    except SystemExit:
        remedy = "put that under __name__ == '__main__'"
        message = f"{what} ended the program when it was {done}, as sys.exit does; {remedy}"
        raise InputError(message) from None
    except BaseException as error:
        said = f"{type(error).__name__}: {said_by(error)}{_place(error, path)}"
        message = f"{what} failed when it was {done}: {said}"
        raise InputError(message) from error
    finally:
        if os.getpid() != process:
            os._exit(0)  # the code forked, and this is the copy


def _place(error: BaseException, path: Path | None) -> str:
    """Where the user's code raised an error, in brackets; a syntax error says so itself."""
    if isinstance(error, SyntaxError):
        return ""
    steps: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    passed = ("<", str(Path(__file__).parent), str(Path(importlib.__file__).parent))
    theirs = [one for one in steps if not one.filename.startswith(passed)]
    own = [one for one in theirs if "site-packages" not in one.filename] or theirs
    if not own:
        return ""
    last = own[-1]
    file = "" if path and Path(last.filename) == path else f"{_shown(last.filename)}, "
    return f" ({file}line {last.lineno})"


def _shown(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return "/".join(Path(file).parts[-2:])
