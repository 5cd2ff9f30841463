"""The numbers behind a figure: by the names of their columns, and by the settings that they were trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.running.sweeps.sweep import Sweep

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns.

    Attributes:
        header: the names of the columns.
        rows: in the order in which they are written.

    >>> table = Table.of([{"N": 10, "word": "agrees"}, {"N": 20, "word": "off"}, {"N": 20, "word": "agrees"}])
    >>> table["N"], table.where(N=20)["word"], table.distinct("N"), table.words("word")
    ([10, 20, 20], ['off', 'agrees'], [10, 20], '2 agrees, 1 off, 0 undecided')

    """

    header: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Table:
        """From rows that name their columns, the same ones in the same order."""
        return cls(tuple(rows[0]), [tuple(row.values()) for row in rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[Any]:
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    @property
    def named(self) -> list[Row]:
        """The rows, with the names of the columns."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]

    def where(self, **values: Any) -> Table:
        """The rows with these values alone."""
        wanted = [(self.header.index(name), value) for name, value in values.items()]
        return Table(self.header, [row for row in self.rows if all(row[at] == value for at, value in wanted)])

    def distinct(self, *names: str) -> list[Any]:
        """The values of a column, or of several together, in the order of their first row."""
        columns = [self[name] for name in names]
        return list(dict.fromkeys(columns[0] if len(names) == 1 else zip(*columns, strict=True)))

    def words(self, name: str) -> str:
        """How many rows of a column agree, are off, and are undecided; see `verify.evidence.agreement`."""
        return tally(self[name])


def tally(words: Sequence[str]) -> str:
    """How many of each word there are."""
    return ", ".join(f"{words.count(word)} {word}" for word in ("agrees", "off", "undecided"))


def by_setting(sweep: Sweep, results: Sequence[Any], *names: str) -> dict[tuple[Any, ...], list[Any]]:
    """The results of all units with the same values of these settings, in the order of the units."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for settings, result in zip(sweep.units, results, strict=True):
        found.setdefault(tuple(settings[name] for name in names), []).append(result)
    return found


def standard_error(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error of the mean over the first axis, along which the repetitions lie."""
    return np.asarray(values.std(0, ddof=1) / np.sqrt(len(values)))
