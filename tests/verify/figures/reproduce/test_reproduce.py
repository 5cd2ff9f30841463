"""Every figure in its quick form, through the command; killed runs, and what is refused."""

import csv
import io
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from verify.command.cli import main
from verify.figures.reproduce.figure import FIGURES, OF_IMAGES

pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[4]


def command(*arguments):
    return [sys.executable, "-m", "verify.command.cli", "reproduce", *map(str, arguments)]


# Synthetic images, wherever others may lie.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "QUARTIC_CIFAR10"}


def anew(*arguments):
    """The command in a process of its own."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT)


def run(*arguments):
    """The same in this process: starting one anew takes longer than most figures."""
    out, error, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        patch.delenv("QUARTIC_CIFAR10", raising=False)
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", ["quartic", "reproduce", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
    return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr=error.getvalue())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A figure's folder and what the command said, made once."""
    known = {}

    def make(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = folder, run(name, "--quick", "--out", folder)
        return known[name]

    return make


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in OF_IMAGES else name for name in FIGURES]
)
def test_a_figure_is_made_with_its_table(made, name):
    folder, ran = made(name)
    assert (ran.returncode, ran.stderr) == (0, "")
    stem = f"{name}-quick"
    assert {f"{stem}{ending}" for ending in (".png", ".svg", ".csv", ".jsonl")} == {
        one.name for one in folder.iterdir()
    }
    with (folder / f"{stem}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= (3 if name.startswith("fig2") else 6)
    assert None not in rows[0]
    assert len(ran.stdout.splitlines()) >= 5


def test_a_second_run_trains_nothing_and_makes_the_same_files(made):
    folder, first = made("fig1")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    start = time.monotonic()
    again = run("fig1", "--quick", "--out", folder)
    assert time.monotonic() - start < 60
    assert again.stdout == first.stdout
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_a_killed_figure_goes_on_to_the_same_bits(made, tmp_path):
    folder, _ = made("fig1")
    results = tmp_path / "fig1-quick.jsonl"
    started = subprocess.Popen(command("fig1", "--quick", "--out", tmp_path), cwd=ROOT)
    while not (results.exists() and results.read_bytes().count(b"\n") == 2) and started.poll() is None:
        time.sleep(0.001)
    started.send_signal(signal.SIGKILL)
    assert started.wait() == -signal.SIGKILL
    assert [one.name for one in tmp_path.iterdir()] == ["fig1-quick.jsonl"]
    assert anew("fig1", "--quick", "--out", tmp_path).returncode == 0
    for ending in (".csv", ".png", ".svg"):
        name = f"fig1-quick{ending}"
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_trained_models_tell_the_theories_apart(made):
    folder, _ = made("eigenvalues")
    with (folder / "eigenvalues-quick.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    spectral = [row for row in rows if row["loss"] == "spectral"]
    assert not any(row["published_is"] == "agrees" for row in spectral)
    # Four seeds tell apart what is half as large again, and no less.
    far = [row for row in spectral if abs(math.log(float(row["trained_over_published"]))) > math.log(1.5)]
    assert {row["published_is"] for row in far} == {"off"}
    assert len(far) == 3
    assert sum(row["exact_is"] == "agrees" for row in rows) >= len(rows) - 2


def test_the_fifth_figure_collapses_where_the_derived_formula_puts_it(made):
    folder, _ = made("fig5-right")
    with (folder / "fig5-right-quick.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    beyond = [row for row in rows if float(row["collapse_derived"]) < 1.3 < float(row["sigma"])]
    assert beyond
    for row in beyond:
        trained = float(row["trained"])
        assert trained < 0.02
    between = [row for row in beyond if float(row["sigma"]) < float(row["collapse_published"])]
    assert between
    assert np.mean([float(row["published"]) for row in between]) > 0.01


def test_the_sixth_figure_loses_the_mean_of_data_as_drawn_and_nothing_of_centred_data(made):
    folder, _ = made("fig6")
    with (folder / "fig6-quick.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["sigma"]) == 0.05]
    drawn, centred = ([row for row in rows if row["data"] == data] for data in ("as drawn", "centred"))
    assert len(drawn) == len(centred) == 3
    assert {row["modes_lost"] for row in drawn} == {"1"}
    assert {row["modes_lost"] for row in centred} == {"0"}
    for row in drawn:
        assert float(row["overlap_mean"]) > 0.97
        assert float(row["overlap_scaled_mean"]) > 0.999
        assert float(row["overlap_form"]) > 0.999
        # It stays lost, and would not without its mean.
        assert float(row["curvature"]) > 4 * float(row["error"])
        assert float(row["curvature_without_mean"]) < -4 * float(row["error_without_mean"])
    for row in centred:
        assert float(row["overlap_mean"]) < 0.9
        assert float(row["curvature"]) < -4 * float(row["error"])


NO_FIGURE = f"quartic: there is no figure 'fig9' to reproduce; there are: {', '.join(FIGURES)}\n"
NO_SCHEDULER = (
    "quartic: no Dask scheduler answers at tcp://127.0.0.1:9; start one with 'dask scheduler', or leave --scheduler"
    " out\n"
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fig9",), NO_FIGURE),
        (("fig1", "--quick", "--scheduler", "tcp://127.0.0.1:9"), NO_SCHEDULER),
    ],
)
def test_unusable_input_is_one_sentence(tmp_path, arguments, said):
    ran = anew(*arguments, "--out", tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", said)


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_trained(tmp_path):
    place = tmp_path / "file"
    place.write_text("mine")
    ran = run("fig1", "--quick", "--out", place)
    assert (ran.returncode, ran.stderr) == (2, f"quartic: cannot write to the folder {place}: File exists\n")
    assert place.read_text() == "mine"


def test_results_of_another_seed_are_kept(made):
    folder, _ = made("fig1")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    ran = run("fig1", "--quick", "--seed", "7", "--out", folder)
    file = folder / "fig1-quick.jsonl"
    expected = (
        f"quartic: {file} holds the results of another sweep or other settings; move it away, or write elsewhere\n"
    )
    assert (ran.returncode, ran.stderr) == (2, expected)
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
