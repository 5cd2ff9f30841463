"""Running a sweep: here, in parallel processes, or on a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from derive import InputError
from verify.running.limits import end_with
from verify.running.sweeps.results import Results
from verify.running.sweeps.sweep import Sweep, compute

Tick = Callable[[float], None]


def run(
    sweep: Sweep,
    path: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    tick: Tick = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Any]:
    """Compute what a results file does not hold yet; return all results in the order of the units.

    A unit's result depends on its settings alone: not on other units, where it runs, or what ran before.

    Args:
        sweep: what to compute.
        path: the results file; see `verify.running.sweeps.results`.
        workers: the number of parallel processes; 1 computes in this one.
        scheduler: the address of a Dask scheduler, whose workers then compute.
        tick: called with the cost of each unit that is done, those of earlier runs at once.
        say: called when the file was repaired.

    Raises:
        InputError: the file cannot be used, a unit cannot be computed, or no scheduler answers.

    >>> from tempfile import TemporaryDirectory
    >>> sweep = Sweep("squares", "builtins:pow", ({"base": 2, "exp": 2}, {"base": 3, "exp": 2}))
    >>> with TemporaryDirectory() as folder:
    ...     run(sweep, Path(folder) / "squares.jsonl")
    [4, 9]

    """
    with Results(path, sweep, say) as results:
        tick(sum(sweep.cost(unit) for unit in results.done))
        if results.left:
            for unit, result in _computed(sweep, results.left, workers, scheduler):
                results.add(unit, result)
                tick(sweep.cost(unit))
        return results.in_order


def _computed(sweep: Sweep, units: list[int], workers: int, scheduler: str | None) -> Iterator[tuple[int, Any]]:
    if scheduler is not None:
        from verify.running.sweeps.cluster import on_cluster

        return on_cluster(sweep, units, scheduler)
    return _in_processes(sweep, units, min(workers, len(units))) if workers > 1 else _here(sweep, units)


def _here(sweep: Sweep, units: list[int]) -> Iterator[tuple[int, Any]]:
    for unit in units:
        yield unit, compute(sweep.function, sweep.units[unit])


def _in_processes(sweep: Sweep, units: list[int], workers: int) -> Iterator[tuple[int, Any]]:
    # Fresh interpreters: a fork of a process with torch's threads can hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), end_with, (os.getpid(),))
    try:
        waiting: dict[Future[Any], int] = {
            pool.submit(compute, sweep.function, sweep.units[unit]): unit for unit in units
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BrokenProcessPool:
        message = "a worker process died (killed, or out of memory); run the command again to go on where it stopped"
        raise InputError(message) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
