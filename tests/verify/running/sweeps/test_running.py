"""Sweeps that are killed and go on, and sweeps in several processes."""

import signal
import subprocess
import sys
import time

import pytest

from derive import InputError
from verify.running.sweeps.results import Results
from verify.running.sweeps.running import run
from verify.running.sweeps.sweep import Sweep

UNITS = tuple({"seed": seed, "steps": 1000, "pause": 0.15} for seed in range(6))
SWEEP = Sweep("walks", "units:walk", UNITS, costs=(1.0, 2.0, 1.0, 1.0, 1.0, 1.0))
SCRIPT = """
import sys
from verify.running.sweeps.running import run
from test_running import SWEEP
if __name__ == "__main__":
    run(SWEEP, sys.argv[1], workers=int(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return run(SWEEP, tmp_path_factory.mktemp("whole") / "walks.jsonl")


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_sweep_goes_on_to_the_same_bits(tmp_path, expected, workers):
    path, script = tmp_path / "walks.jsonl", tmp_path / "script.py"
    script.write_text(SCRIPT)
    kills = 0
    for wanted in (2, 4):
        started = subprocess.Popen([sys.executable, str(script), str(path), str(workers)])
        while lines(path) < wanted and started.poll() is None:
            time.sleep(0.005)
        started.send_signal(signal.SIGKILL)
        kills += started.wait() == -signal.SIGKILL
    assert kills == 2
    with Results(path, SWEEP) as results:
        assert 1 <= len(results.done) < len(UNITS)
    ticks = []
    assert run(SWEEP, path, tick=ticks.append) == expected
    assert sum(ticks) == 7.0


def test_processes_beside_each_other_give_the_same_bits(tmp_path, expected):
    assert run(SWEEP, tmp_path / "walks.jsonl", workers=2) == expected


def test_what_is_done_is_not_computed_again(tmp_path, expected, monkeypatch):
    path = tmp_path / "walks.jsonl"
    run(SWEEP, path)
    monkeypatch.setattr("verify.running.sweeps.running.compute", lambda *_: pytest.fail("computed again"))
    assert run(SWEEP, path) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_a_unit_that_cannot_be_computed_stops_the_sweep_in_a_sentence(tmp_path, workers):
    sweep = Sweep("failing", "units:failing", ({"seed": 3}, {"seed": 4}))
    with pytest.raises(InputError, match=r"^unit [34] cannot be computed$"):
        run(sweep, tmp_path / "failing.jsonl", workers=workers)


def test_a_worker_that_dies_is_a_sentence_and_a_rerun_goes_on(tmp_path):
    sweep = Sweep("deadly", "units:deadly", tuple({"seed": k, "folder": str(tmp_path)} for k in range(4)))
    with pytest.raises(InputError) as error:
        run(sweep, tmp_path / "deadly.jsonl", workers=2)
    assert str(error.value) == (
        "a worker process died (killed, or out of memory); run the command again to go on where it stopped"
    )
    assert run(sweep, tmp_path / "deadly.jsonl", workers=2) == [0, 1, 2, 3]
