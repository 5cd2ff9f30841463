"""Limits on code that is not this project's: on time, on memory, and on what its errors may print.

Time is limited by an alarm, which Python delivers between two of its own steps. If code swallows what the alarm
raises, a second alarm ends the whole process. What hangs inside one step, in C, is ended from outside:
`verify.command.supervised` reads from a board how long a call may take.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

# Seconds from the alarm to the end of a process that does not stop.
GRACE = 3.0
GIB = 1 << 30
_LONGEST = 400


class TimeUpError(BaseException):
    """Raised by the alarm; not an Exception, so that code which catches those does not swallow it."""


class Board:
    """Where a limited call is announced: its seconds, and the sentence to print if it takes longer."""

    tell: Callable[[float, str], None] = staticmethod(lambda *_: None)


class _Alarm:
    """What is limited now, for the handler of SIGALRM: its sentence, how often the alarm rang, whether it is kept."""

    sentence = ""
    rung = 0
    kept = False

    @classmethod
    def ring(cls, _: int, __: FrameType | None) -> None:
        cls.rung += 1
        if cls.rung > 1:
            os.write(2, f"quartic: {cls.sentence}\n".encode())
            os._exit(2)
        raise TimeUpError


def _can_ring() -> bool:
    """Whether this platform has the alarm, which reaches the main thread alone."""
    return hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def kept_alarm() -> Iterator[None]:
    """One handler for all time limits within: to set one for each takes as long as a short call does.

    >>> with kept_alarm(), time_limit(60.0, "too long"):
    ...     sum(range(10))
    45
    """
    if _Alarm.kept or not _can_ring():
        yield
        return
    before = signal.signal(signal.SIGALRM, _Alarm.ring)
    _Alarm.kept = True
    try:
        yield
    finally:
        _Alarm.kept = False
        signal.signal(signal.SIGALRM, before)


class time_limit:  # noqa: N801 (used like a function, as the context managers of contextlib are)
    """Interrupt what takes too long, where the platform can (in the main thread, with SIGALRM).

    Args:
        seconds: the time that it may take.
        sentence: for standard error, should the process have to be ended.

    Raises:
        TimeUpError: it took longer.

    >>> with time_limit(60.0, "too long"):
    ...     sum(range(10))
    45

    """

    def __init__(self, seconds: float, sentence: str) -> None:
        self.seconds, self.sentence = seconds, sentence

    def __enter__(self) -> None:
        self._alarm = None if _Alarm.kept else kept_alarm()
        if self._alarm:
            self._alarm.__enter__()
        if _can_ring():
            _Alarm.sentence, _Alarm.rung = self.sentence, 0
            signal.setitimer(signal.ITIMER_REAL, self.seconds, GRACE)
            Board.tell(self.seconds + 2 * GRACE, self.sentence)

    def __exit__(self, *_: object) -> None:
        if _can_ring():
            signal.setitimer(signal.ITIMER_REAL, 0)
            Board.tell(0.0, "")
        if self._alarm:
            self._alarm.__exit__(None, None, None)


@contextlib.contextmanager
def memory_limit(gibibytes: float) -> Iterator[None]:
    """Limit how much more memory this process may take, on Linux.

    Code that asks for more gets a MemoryError, or torch's own error; the process goes on.
    """
    held = memory_of("VmData")
    if held is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + int(gibibytes * GIB)
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def memory_of(what: str, process: int | str = "self") -> int | None:
    """Bytes of memory as Linux counts them; None where the system does not say, or the process has ended.

    Args:
        what: VmData (its data), VmRSS (what is resident now) or VmHWM (the most that was).
        process: its number.

    """
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{what}:")), None)


def end_with(parent: int) -> None:
    """End this process soon after its parent has ended, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, NumPy or torch says that memory has run out."""
    return isinstance(error, MemoryError) or "can't allocate memory" in said_by(error)


def said_by(error: BaseException) -> str:
    r"""What an error says, in one line that is safe to print; its name where it says nothing.

    >>> said_by(ValueError("two\nlines and \x1b[31mred")), said_by(KeyError())
    ('two lines and ?[31mred', 'KeyError')
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (an error that cannot say what it is)
        text = ""
    line = " ".join(printable(text).split())
    return (line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …") or type(error).__name__


def printable(text: str) -> str:
    """Text without control characters and what cannot be encoded; line ends stay."""
    return "".join(one if one.isprintable() or one == "\n" else "? "[one.isspace()] for one in text)
