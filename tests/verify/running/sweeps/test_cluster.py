"""A sweep on a real Dask scheduler with two worker processes, one of which is killed in the middle."""

import os
import signal
import subprocess
import sys
import time

import pytest

from derive import InputError
from verify.running.sweeps.running import run
from verify.running.sweeps.sweep import Sweep

pytest.importorskip("distributed")

UNITS = tuple({"seed": seed, "steps": 500, "pause": 0.4} for seed in range(10))
SWEEP = Sweep("walks", "units:walk", UNITS)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler and its two workers, each a process of its own."""
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file), "--port", "0"]
    options = ["--no-dashboard", "--host", "127.0.0.1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [subprocess.Popen([*command, *options], **quiet)]
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--nthreads", "1"]
    # Without a nanny, which would start a killed worker again.
    processes += [subprocess.Popen([*worker, "--no-nanny", "--no-dashboard"], **quiet) for _ in range(2)]
    import json

    yield json.loads(file.read_text())["address"], processes[1:]
    for one in processes:
        one.kill()
    for one in processes:
        one.wait()


def test_a_killed_worker_loses_nothing(tmp_path, cluster):
    address, workers = cluster
    done = []

    def tick(cost):
        done.append(cost)
        # The first tick is for what was there before: two units are finished, eight are not.
        if len(done) == 3:
            os.kill(workers[0].pid, signal.SIGKILL)

    found = run(SWEEP, tmp_path / "walks.jsonl", scheduler=address, tick=tick)
    assert workers[0].wait(10) == -signal.SIGKILL
    assert workers[1].poll() is None
    quick = Sweep("walks", "units:walk", tuple(one | {"pause": 0.0} for one in UNITS))
    assert found == run(quick, tmp_path / "here.jsonl")


def test_a_scheduler_that_does_not_answer_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("verify.running.sweeps.cluster.SECONDS", 1)
    with pytest.raises(InputError) as error:
        run(SWEEP, tmp_path / "walks.jsonl", scheduler="tcp://127.0.0.1:9")
    assert str(error.value) == (
        "no Dask scheduler answers at tcp://127.0.0.1:9; start one with 'dask scheduler', or leave --scheduler out"
    )


def test_an_address_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(InputError) as error:
        run(SWEEP, tmp_path / "walks.jsonl", scheduler="nonsense://x")
    assert str(error.value).startswith("no Dask scheduler answers at nonsense://x;")
