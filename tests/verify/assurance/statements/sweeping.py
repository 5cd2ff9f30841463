"""All random losses, each audited in a process of its own that is ended when it takes too long or too much memory."""

from __future__ import annotations

import os
import resource
import warnings
from math import inf
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any

from verify.running.sweeps.sweep import Settings, Sweep

CONTEXT = get_context("fork")
# Of address space, in bytes.
MEMORY = 8 << 30


def renamings(count: int, seed: int, seconds: float, processor: float) -> Sweep:
    """That many random losses with parameters, each under every name of `statements.renaming.NAMES`.

    Args:
        count: how many.
        seed: of the first; each has the next that has parameters.
        seconds: that one may take.
        processor: seconds of processor time after which the names that are left of a loss are skipped.

    """
    from statements.drawing import drawn
    from statements.renaming import renameable

    units: list[Settings] = []
    while len(units) < count:
        if renameable(drawn(seed)):
            units.append({"seed": seed, "seconds": seconds, "judge": "names", "processor": processor})
        seed += 1
    return Sweep("names", "statements.sweeping:one", tuple(units))


def audits(count: int, seed: int, seconds: float) -> Sweep:
    """That many random losses.

    Args:
        count: how many.
        seed: of the first; each has the next.
        seconds: that one may take.

    """
    units: tuple[Settings, ...] = tuple({"seed": seed + k, "seconds": seconds} for k in range(count))
    return Sweep("statements", "statements.sweeping:one", units)


def one(*, seed: int, seconds: float, judge: str = "statements", processor: float = inf) -> dict[str, Any]:
    """One loss, judged by its statements or by its names."""
    from statements import judging, renaming  # noqa: F401 (loaded once, and forked)

    here, there = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_send, args=(there, seed, judge, processor), daemon=True)
    process.start()
    there.close()
    late = not here.poll(seconds)
    found: dict[str, Any] = {}
    try:
        found = {} if late else here.recv()
    except EOFError:
        found = {"fault": "the process ended"}
    process.kill()
    process.join()
    if late:
        found = {"fault": f"over {seconds:g} s", "seconds": seconds}
    nothing = {
        "seed": seed,
        "kind": "",
        "loss": "",
        "wrong": [],
        "right": {},
        "skipped": {},
        "open": [],
        "fault": "",
        "equal": 0,
    }
    return nothing | {"seconds": 0.0, "derived": 0.0} | found


def _send(there: Connection, seed: int, judge: str, processor: float) -> None:
    from statements.judging import audited
    from statements.renaming import compared

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    Thread(target=_end_with_parent, daemon=True).start()
    there.send(audited(seed) if judge == "statements" else compared(seed, seconds=processor))


def _end_with_parent() -> None:
    """End this process when the one that started it, which may have been killed, has gone."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
