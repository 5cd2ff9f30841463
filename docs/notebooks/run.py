"""Run the notebooks beside this file and store what they show: `python docs/notebooks/run.py [NAME.ipynb …]`.

A notebook is committed with its outputs, which the site shows; the tests run it again and compare.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
# Differences of the order of rounding vary with the processor; an object's address with everything.
VARIES = ((re.compile(r"\|Δ\| = \S+"), "|Δ| = "), (re.compile(r"0x[0-9a-f]{6,}"), "0x"))


def executed(file):
    """The notebook in a file, run from top to bottom by a kernel of its own, in an empty folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(file, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"IPYTHONDIR": f"{folder}/ipython", "OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        work = Path(folder, "work")
        work.mkdir()
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(work)}})
        client.execute(env=os.environ | settings)
    return notebook


def plain(notebook):
    """What makes two runs different and says nothing is left out."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.execution_count = None
            cell.outputs = _joined(cell.outputs)
            for output in cell.outputs:
                output.update({"execution_count": None} if output.output_type == "execute_result" else {})
                output.get("metadata", {}).clear()
                forms = output.get("data", {})
                # What is shown as a formula, a table or a picture needs no repr beside it.
                if len(forms) > 1:
                    forms.pop("text/plain", None)
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return notebook


def _joined(outputs):
    """Outputs with a stream in one piece: in how many it arrives is chance."""
    found = []
    for output in outputs:
        if output.output_type == "stream" and found and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def shown(notebook):
    """The text that each code cell shows: streams, and every form of its value but pictures."""
    return [
        [_same(text) for output in cell.outputs for text in _texts(output)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _texts(output):
    if output.output_type == "stream":
        return [output.text]
    return [text for form, text in sorted(output.get("data", {}).items()) if form.startswith("text/")]


def _same(text):
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return text.strip()


def main():
    """Run those that are named, or all, and write them back."""
    import nbformat

    for file in map(Path, sys.argv[1:] or sorted(HERE.glob("*.ipynb"))):
        nbformat.write(plain(executed(file)), file)


if __name__ == "__main__":
    main()
