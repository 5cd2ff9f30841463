"""What tests of several folders need."""

import gc
import os
import shutil
import subprocess

# Before NumPy and torch read it, here and in processes that tests start: on small arrays a second thread costs more
# than it brings, and more still where two test processes share two cores.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest

from derive.latex import document

# What is loaded stays: with ten thousand tests collected, looking for garbage among it takes longer than some of them.
gc.set_threshold(20_000)


@pytest.fixture(scope="session")
def pdflatex(tmp_path_factory):
    """Compiles NAME.tex in a folder, which must end well and leave a PDF; returns the log.

    Skips where pdflatex is not there, or lacks what the preamble of all documents asks for.
    """
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base)")

    def run(folder, name):
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"{name}.tex"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
        return done.returncode, (folder / f"{name}.log").read_text("latin-1")

    def compiled(folder, name):
        status, log = run(folder, name)
        assert status == 0, log[-2000:]
        assert (folder / f"{name}.pdf").stat().st_size > 1000
        return log

    tiny = tmp_path_factory.mktemp("pdflatex")
    (tiny / "tiny.tex").write_text(document("$W$"), "utf-8")
    status, log = run(tiny, "tiny")
    if status != 0:
        why = next((line for line in log.splitlines() if line.startswith("!")), "it ended without a document")
        pytest.skip(f"pdflatex cannot set an empty page with the preamble of derive.latex: {why}")
    return compiled
