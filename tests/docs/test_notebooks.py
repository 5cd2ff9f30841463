"""The notebooks run, and show the text that is committed with them."""

import importlib.util
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
SPEC = importlib.util.spec_from_file_location("run", FOLDER / "run.py")
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)

NAMES = sorted(file.name for file in FOLDER.glob("*.ipynb"))
# It trains a network.
SLOW = {"the_last_layer_of_your_checkpoint.ipynb"}
RUN = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in NAMES]


@pytest.mark.parametrize("name", RUN)
def test_a_notebook_shows_what_is_committed(name):
    committed = nbformat.read(FOLDER / name, as_version=4)
    found = run.plain(run.executed(FOLDER / name))
    assert run.shown(found) == run.shown(committed), f"run: python docs/notebooks/run.py docs/notebooks/{name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_whole(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
    assert not any(
        output.output_type == "error" or output.get("name") == "stderr" for cell in code for output in cell.outputs
    )
    # Nothing of the machine that it was made on.
    assert run.plain(notebook.copy()) == notebook


def test_a_changed_output_is_noticed():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="a: 1\n")])]
    )
    before = run.shown(notebook)
    notebook.cells[0].outputs[0].text = "a: 2\n"
    assert run.shown(notebook) != before


def test_a_stream_in_two_pieces_is_one():
    pieces = [nbformat.v4.new_output("stream", text=text) for text in ("a\n", "b\n")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=pieces)])
    assert run.shown(run.plain(notebook)) == [["a\nb"]]
