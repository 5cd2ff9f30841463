"""The file of a sweep's results: lines of JSON, each with a checksum, written one unit at a time.

A line is a CRC-32 in hexadecimal, a space, and JSON: first a header with the sweep's fingerprint, then
``{"unit": k, "result": …}`` for each unit that is finished. A line goes to the disk before the next unit counts as
done. After a kill at any moment the file holds whole lines and at most one that is cut off, which is dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from derive import InputError
from verify.running.sweeps.sweep import Sweep
from verify.running.sweeps.writing import write_whole

FORMAT = 1


class Results:
    """The results of a sweep, in a file; open it with ``with``.

    Args:
        path: of the file, which is created unless it exists.
        sweep: whose results they are.
        say: called with a sentence when something was repaired.

    Raises:
        InputError: the file belongs to another sweep, is damaged, is in use, or cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> sweep = Sweep("squares", "builtins:pow", ({"base": 2, "exp": 2}, {"base": 3, "exp": 2}))
    >>> with TemporaryDirectory() as folder:
    ...     with Results(Path(folder) / "squares.jsonl", sweep) as results:
    ...         results.add(1, 9)
    ...     with Results(Path(folder) / "squares.jsonl", sweep) as results:
    ...         print(results.done, results.left)
    {1: 9} [0]

    """

    def __init__(self, path: str | Path, sweep: Sweep, say: Callable[[str], None] = lambda _: None) -> None:
        self.path = Path(path)
        self.sweep = sweep
        self.done: dict[int, Any] = {}
        header = {
            "quartic-sweep": FORMAT,
            "name": sweep.name,
            "fingerprint": sweep.fingerprint,
            "units": len(sweep.units),
            "versions": sweep.versions,
        }
        try:
            if not self.path.exists():
                write_whole(self.path, _line(header))
            self._file = self.path.open("r+b")
        except OSError as error:
            message = f"cannot write the results to {self.path}: {error.strerror or error}"
            raise InputError(message) from None
        try:
            _lock(self._file, self.path)
            self._read(header, say)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def left(self) -> list[int]:
        """The units that are not done yet."""
        return [unit for unit in range(len(self.sweep.units)) if unit not in self.done]

    @property
    def in_order(self) -> list[Any]:
        """All results, in the order of the units."""
        return [self.done[unit] for unit in range(len(self.sweep.units))]

    def add(self, unit: int, result: Any) -> None:
        """Write the result of a unit, to the disk, before this returns."""
        if unit in self.done:
            return
        try:
            self._file.write(_line({"unit": unit, "result": result}))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            message = f"cannot write the results to {self.path}: {error.strerror or error}"
            raise InputError(message) from None
        self.done[unit] = result

    def _read(self, header: dict[str, Any], say: Callable[[str], None]) -> None:
        whole, newline, cut = self._file.read().rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        found = _content(lines[0]) if lines else None
        if not isinstance(found, dict) or found.get("quartic-sweep") != FORMAT:
            message = f"{self.path} is not a results file of a sweep; move it away, or write elsewhere"
            raise InputError(message)
        if found != header:
            what = (
                "other versions" if found.get("versions") != header["versions"] else "another sweep or other settings"
            )
            message = f"{self.path} holds the results of {what}; move it away, or write elsewhere"
            raise InputError(message)
        for number, line in enumerate(lines[1:], 2):
            one = _content(line)
            if not isinstance(one, dict) or one.get("unit") not in range(len(self.sweep.units)) or "result" not in one:
                message = f"line {number} of {self.path} is damaged; remove that line to have its unit computed again"
                raise InputError(message)
            self.done[one["unit"]] = one["result"]
        if cut:
            say(f"{self.path} ended within a line, which was dropped; its unit is computed again")
        self._file.seek(len(whole) + len(newline))
        self._file.truncate()


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False).encode()
    return b"%08x %s\n" % (crc32(text), text)


def _content(line: bytes) -> Any:
    """The content of a line; None if it is damaged."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % crc32(text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _lock(file: Any, path: Path) -> None:
    """Keep other processes from writing here, for as long as this one lives."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        message = f"{path} is in use by another run; wait for it, or write elsewhere"
        raise InputError(message) from None
