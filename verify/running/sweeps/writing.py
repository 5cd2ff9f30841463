"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from derive import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file next to its destination and rename it in one step.

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
    """A folder that can be written to, created unless it exists; checked before anything is computed.

    Raises:
        InputError: it cannot be written to.

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


def usable_file(path: str | Path, *endings: str) -> Path:
    """A file that can be written, checked before anything is computed; an existing file is left unchanged.

    Args:
        path: of the file.
        endings: those that its name may have, so that no other file is replaced by mistake.

    Raises:
        InputError: the name has another ending or is that of a folder, or the file cannot be written.

    >>> usable_file("report.txt", ".html")
    Traceback (most recent call last):
    derive.errors.InputError: report.txt does not end in .html; name the file so
    """
    file = Path(path)
    if file.suffix.lower() not in endings:
        message = f"{file} does not end in {' or '.join(endings)}; name the file so"
        raise InputError(message)
    if not file.parent.exists():
        message = f"there is no folder {file.parent}; make it first"
        raise InputError(message)
    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        message = f"cannot write {file}: {error.strerror or error}"
        raise InputError(message) from None
    return file
