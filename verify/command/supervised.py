"""The command, watched by a second process where the user's own code is run.

A loss may hang inside one step of C, where no alarm of Python's arrives; crash the interpreter; or end the process. So
``quartic … file.py:NAME`` starts itself once more. The child does the work; on a board, a page of memory that both see,
it writes until when the user's code may take, and that it came to its end. The parent waits, and where the child hangs
or vanishes it says so in a sentence, with exit status 2.
"""

from __future__ import annotations

import gc
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from types import FrameType

_BOARD = "QUARTIC_BOARD"
_PAGE = 4096
# The deadline of the call under way, 0 for none; and 1 once the command has ended in order.
_HEAD = struct.Struct("dB")
# Seconds between two looks at the board.
_PAUSE = 0.2


def main() -> None:
    """Run the command, watched where an argument names a Python file."""
    # Torch and SymPy make a million objects that stay; to look for garbage among them takes a fifth of a second.
    gc.set_threshold(20_000)
    if _BOARD in os.environ:
        _run(int(os.environ.pop(_BOARD)))
    elif os.name == "posix" and any(".py" in one for one in sys.argv[1:]):
        sys.exit(_watch())
    else:
        from verify.command.cli import main as command

        command()


def _run(handle: int) -> None:
    """The child: the command, with its limits on the board."""
    from verify.command.cli import main as command
    from verify.running.limits import Board, end_with

    board = mmap.mmap(handle, _PAGE)
    end_with(os.getppid())

    def tell(seconds: float, sentence: str) -> None:
        said = sentence.encode("utf-8", "replace")[: _PAGE - _HEAD.size - 1]
        board[_HEAD.size :] = said.ljust(_PAGE - _HEAD.size, b"\0")
        board[: _HEAD.size] = _HEAD.pack(time.monotonic() + seconds if seconds else 0.0, 0)

    Board.tell = staticmethod(tell)
    process = os.getpid()
    try:
        command()
    finally:
        if os.getpid() == process:
            board[: _HEAD.size] = _HEAD.pack(0.0, 1)


def _watch() -> int:
    """The parent: the child's exit status, or 2 and a sentence."""
    with tempfile.TemporaryFile() as file:
        file.truncate(_PAGE)
        board = mmap.mmap(file.fileno(), _PAGE)
        # The same modules as here, whatever lies in the working directory.
        same = f"sys.path[:], sys.argv[0] = {sys.path!r}, {sys.argv[0]!r}"
        code = f"import sys; {same}; from verify.command.supervised import main; main()"
        child = subprocess.Popen(  # noqa: S603 (this command itself)
            [sys.executable, "-c", code, *sys.argv[1:]],
            stdin=subprocess.DEVNULL,
            env=os.environ | {_BOARD: str(file.fileno())},
            pass_fds=[file.fileno()],
        )

        def pass_on(number: int, _: FrameType | None) -> None:
            child.send_signal(number)

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child has it too, from the terminal
        signal.signal(signal.SIGTERM, pass_on)
        while True:
            try:
                status = child.wait(_PAUSE)
                break
            except subprocess.TimeoutExpired:
                until, _ = _HEAD.unpack(board[: _HEAD.size])
                if until and time.monotonic() > until:
                    child.kill()
                    child.wait()
                    return _unusable(board[_HEAD.size :].rstrip(b"\0").decode("utf-8", "replace"))
        _, ended = _HEAD.unpack(board[: _HEAD.size])
    if status in (-signal.SIGTERM, -signal.SIGINT):
        return 128 - status
    if status < 0:
        name = signal.Signals(-status).name
        reason = "; the system ends one that takes too much memory so" if status == -signal.SIGKILL else ""
        return _unusable(f"the code in {_named()} ended the process with the signal {name}{reason}; run it on its own")
    return status if ended or status == 2 else _unusable(f"the code in {_named()} ended the process; run it on its own")


def _unusable(sentence: str) -> int:
    from verify.running.limits import printable

    sys.stderr.write(f"quartic: {printable(sentence)}\n")
    return 2


def _named() -> str:
    return next(one for one in sys.argv[1:] if ".py" in one)


if __name__ == "__main__":
    main()
