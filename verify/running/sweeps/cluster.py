"""A sweep on a Dask cluster, through its `Client`; the extra ``cluster``.

The scheduler gives the units of a worker that dies to other workers; what was finished is in the results file by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive import InputError
from verify.running.sweeps.sweep import Sweep, compute

SECONDS = 10


def on_cluster(sweep: Sweep, units: list[int], scheduler: str) -> Iterator[tuple[int, Any]]:
    """Compute units on the workers of a scheduler, which need quartic installed; yields each as it is done.

    Args:
        sweep: what to compute.
        units: the indices of the units to compute.
        scheduler: an address such as ``tcp://host:8786``.

    Raises:
        InputError: without Dask, and where no scheduler answers within ten seconds.

    """
    try:
        from distributed import Client, as_completed
        from distributed.scheduler import KilledWorker
    except ImportError:
        message = "a scheduler needs Dask: pip install 'quartic[cluster]'"
        raise InputError(message) from None
    try:
        client = Client(scheduler, timeout=SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError):
        message = f"no Dask scheduler answers at {scheduler}; start one with 'dask scheduler', or leave --scheduler out"
        raise InputError(message) from None
    with client:
        # Each unit has its own key: equal settings are still separate units.
        waiting = {
            client.submit(
                compute, sweep.function, sweep.units[unit], pure=False, key=f"{sweep.fingerprint}-{unit}"
            ): unit
            for unit in units
        }
        try:
            for future in as_completed(waiting, loop=client.loop):  # type: ignore[no-untyped-call]
                yield waiting[future], future.result()
        except KilledWorker:
            message = "the workers died one after the other on the same unit; run the command again with more memory"
            raise InputError(message) from None
