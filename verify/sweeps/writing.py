"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from derive import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, and give it its name in one step.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", b"whole")
    ...     [(one.name, one.read_bytes()) for one in Path(folder).iterdir()]
    [('a.txt', b'whole')]
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def usable_folder(path: str | Path) -> Path:
    """A folder that can be written to, made unless it exists: found out before anything is computed.

    Raises:
        InputError: it cannot be.

    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        message = f"cannot write to the folder {folder}: {error.strerror or error}"
        raise InputError(message) from None
    return folder
