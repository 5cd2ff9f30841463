"""All audits, each in a process of its own that is ended when it takes too long."""

from __future__ import annotations

import os
import warnings
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from practice.everything import PRACTICE
from verify.running.sweeps.sweep import Settings, Sweep

CONTEXT = get_context("spawn")


def audits(seconds: float, only: str | None = None) -> Sweep:
    """Every loss that has an expansion, the cores of those that have none, and these as they are at the end.

    Args:
        seconds: that one audit may take.
        only: a name, or a part of one; all unless given.

    """
    chosen = {name: loss for name, loss in PRACTICE.items() if only is None or only in name}
    first = [(name, loss.core is not None) for name, loss in chosen.items()]
    last = [(name, False) for name, core in first if core]
    units: tuple[Settings, ...] = tuple({"name": name, "core": core, "seconds": seconds} for name, core in first + last)
    return Sweep("practice", "practice.sweeping:one", units)


def one(*, name: str, core: bool, seconds: float) -> dict[str, Any]:
    """One audit, judged."""
    here, there = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_send, args=(there, name, core), daemon=True)
    process.start()
    there.close()
    late = not here.poll(seconds)
    try:
        found = {} if late else here.recv()
    except EOFError:
        found = {"says": "the process ended", "wrong": ["no answer: the process ended"]}
    if late:
        found = {"says": f"over {seconds:g} s", "seconds": seconds}
    process.kill()
    process.join()
    nothing = {"outcome": "too long", "verdict": None, "wrong": [], "passed": [], "why": [], "seconds": 0.0}
    return nothing | found


def _send(there: Connection, name: str, core: bool) -> None:
    from practice.judging import audited

    warnings.simplefilter("ignore")
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        there.send(audited(name, use_core=core))
    except Exception as error:  # noqa: BLE001 (whatever it is, an audit should not raise it)
        there.send({"says": f"{type(error).__name__}: {error}", "wrong": [f"raised {type(error).__name__}: {error}"]})


def _end_with_parent() -> None:
    """End this process when the one that started it, which may have been killed, has gone."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
