"""Where imports of the user's code look: in its own folders first while it runs, and last afterwards.

Python's own modules are always found before the user's: a file called random.py must not make torch fail.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Folders from which the user's code was run in this process.
_FOLDERS: list[str] = []


class _PythonsOwn:
    """Finds Python's own modules before those in any folder on the path."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder` has it."""
        del target
        if path is not None or name not in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, [one for one in sys.path if one not in _FOLDERS])


@contextmanager
def importing_from(folders: Sequence[Path]) -> Iterator[None]:
    """Imports look in these folders first within the context, and last after it: a function may import when called."""
    places, before = list(dict.fromkeys(str(one) for one in folders)), sys.path[:]
    _FOLDERS.extend(one for one in places if one not in (*_FOLDERS, *before))
    _forget_others(places)
    importlib.invalidate_caches()
    sys.path[:] = [*places, *(one for one in before if one not in places)]
    sys.meta_path.insert(0, _PythonsOwn)
    try:
        yield
    finally:
        sys.meta_path.remove(_PythonsOwn)
        # What the code put there itself is kept.
        added = [one for one in sys.path if one not in (*places, *before)]
        sys.path[:] = [*before, *added, *(one for one in places if one not in before)]


def _forget_others(folders: Sequence[str]) -> None:
    """Forget modules of earlier code that have a namesake here: two projects may each have a util.py."""
    for one in pkgutil.iter_modules(folders):
        if _from_users(one.name) and not any(_lies_in(one.name, folder) for folder in folders):
            forget(one.name)


def forget(name: str) -> None:
    """Forget a module and its parts; objects made from them remain."""
    for one in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        del sys.modules[one]


def _from_users(name: str) -> bool:
    return any(_lies_in(name, folder) for folder in _FOLDERS)


def _lies_in(name: str, folder: str) -> bool:
    """Whether a loaded module or package lies directly in a folder."""
    module = sys.modules.get(name)
    places = list(getattr(module, "__path__", ())) or [getattr(module, "__file__", None) or ""]
    return any(one and str(Path(one).parent) == folder for one in places)


def is_there(path: Path) -> bool:
    """Whether there is a file; False for a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def packaged(path: Path) -> list[Path]:
    """The folder that contains the file's package, and the package's own folders from the outside in; or nothing."""
    folders: list[Path] = []
    for folder in path.parents:
        if not is_there(folder / "__init__.py"):
            return [folder, *folders] if folders else []
        folders.insert(0, folder)
    return folders


def package(folders: Sequence[Path]) -> str:
    """The dotted name under which folders, each in the one before, are imported; their own files are run.

    A name that is not an identifier (v1.0), or that is taken, is changed.
    """
    name = ""
    for folder in folders:
        last = re.sub(r"\W", "_", folder.name) or "_"
        while not name and _taken(last, folder):
            last += "_"
        parent, name = name, f"{name}.{last}" if name else last
        if name in sys.modules:
            continue
        start = folder / "__init__.py"
        if is_there(start):
            loader: SourceFileLoader | None = SourceFileLoader(name, str(start))
        else:
            loader = None
        spec = ModuleSpec(name, loader, origin=str(start) if loader else None, is_package=True)
        spec.has_location, spec.submodule_search_locations = loader is not None, [str(folder)]
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        if parent:
            setattr(sys.modules[parent], last, module)
        if loader is not None:
            try:
                loader.exec_module(module)
            except BaseException:
                forget(name)
                raise
    return name


def _taken(name: str, folder: Path) -> bool:
    """Whether something other than this folder has the name."""
    if name in sys.modules and _from_users(name) and not _lies_in(name, str(folder.parent)):
        forget(name)
    if name in sys.modules:
        return not _lies_in(name, str(folder.parent))
    if name in sys.stdlib_module_names:
        return True
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    places = list(found.submodule_search_locations or ()) if found else []
    return found is not None and str(folder) not in map(str, places)


def submodules(parent: str, folders: Sequence[Path]) -> list[str]:
    """The names of modules in a loaded package, or where it is empty in folders."""
    where = list(getattr(sys.modules.get(parent), "__path__", ())) if parent else [str(one) for one in folders]
    return [one.name for one in pkgutil.iter_modules(where)]
