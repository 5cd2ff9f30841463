"""Names of a package that are loaded on first use: the command and the plugin start without SymPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, home: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's ``__getattr__``.

    Args:
        package: its name.
        home: name → the module that defines it, relative to the package.

    >>> lazily("verify", {"verdict": "evidence.evidence"})("verdict").__module__
    'verify.evidence.evidence'

    """

    def load(name: str) -> Any:
        if name not in home:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return load
