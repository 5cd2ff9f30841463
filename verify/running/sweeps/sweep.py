"""A sweep: a function and a table of settings, the units, each of which is computed by itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any

Settings = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What is to be computed.

    Attributes:
        name: a description in words.
        function: ``module:name`` of a function that takes a unit's settings by keyword and returns plain JSON values.
        units: the settings, plain JSON values, each with the seed of its random numbers among them.
        costs: of the units, relative to one another, for the estimate of the time left; all equal unless given.

    """

    name: str
    function: str
    units: tuple[Settings, ...]
    costs: tuple[float, ...] = ()

    def cost(self, unit: int) -> float:
        """The relative cost of a unit."""
        return self.costs[unit] if self.costs else 1.0

    @property
    def versions(self) -> dict[str, str]:
        """Versions of everything on which the numbers depend to the last bit."""
        return {name: _version(name) for name in ("quartic", "torch", "numpy")}

    @property
    def fingerprint(self) -> str:
        """A hash that is equal for the same function, settings and versions.

        >>> one = Sweep("squares", "builtins:pow", ({"base": 2, "exp": 2},))
        >>> one.fingerprint == Sweep("squares", "builtins:pow", ({"base": 2, "exp": 3},)).fingerprint
        False
        """
        content = json.dumps([self.function, self.units, self.versions], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def compute(function: str, settings: Settings) -> Any:
    """The result of one unit, as it reads back from a file.

    >>> compute("builtins:pow", {"base": 2, "exp": 5})
    32
    """
    module, _, name = function.partition(":")
    return json.loads(json.dumps(getattr(import_module(module), name)(**settings)))


def seed_of(*parts: object) -> int:
    """A seed that depends on all parts and on nothing else, for a random generator of its own.

    >>> seed_of("fig1", 0) == seed_of("fig1", 0), seed_of("fig1", 0) == seed_of("fig1", 1)
    (True, False)
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
