"""What tests of several folders need."""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def pdflatex():
    """Compiles NAME.tex in a folder, which must end well and leave a PDF; returns the log. Skips without pdflatex."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-extra, lmodern)")

    def compiled(folder, name):
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"{name}.tex"]
        run = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
        log = (folder / f"{name}.log").read_text("latin-1")
        assert run.returncode == 0, log[-2000:]
        assert (folder / f"{name}.pdf").stat().st_size > 1000
        return log

    return compiled
