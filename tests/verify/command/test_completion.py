"""What Tab offers, asked for as a shell asks."""

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from derive import MODIFIERS
from verify.command.cli import quartic
from verify.figures.reproduce.figure import FIGURES
from verify.papers.claims.ledgers import published


def offered(line):
    """Completions of the last word of a line, as (type, value)."""
    _, *words, last = line.split(" ")
    found = ShellComplete(quartic, {}, "quartic", "_QUARTIC_COMPLETE").get_completions(words, last)
    return [(one.type, one.value) for one in found]


def names(line):
    return [value for _, value in offered(line)]


def test_subcommands_and_options():
    assert names("quartic a") == ["audit"]
    assert {"--html", "--markdown", "--latex"} <= set(names("quartic audit infonce --"))


def test_the_program_answers_a_shell():
    asked = {"_QUARTIC_COMPLETE": "bash_complete", "COMP_WORDS": "quartic claims --p", "COMP_CWORD": "2"}
    script = "import sys; sys.argv[0] = 'quartic'; from verify.command.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("plain,--paper\n", "")


def test_losses_and_their_modifiers():
    assert names("quartic audit info") == ["infonce", "infonce-batch"]
    assert names("quartic derive dcl+") == [f"dcl+{name}" for name in MODIFIERS]
    assert "infonce+bias+weight-decay" in names("quartic audit infonce+bias+")
    assert "infonce+bias+bias" not in names("quartic audit infonce+bias+")


def test_what_is_no_name_may_be_a_file():
    assert offered("quartic audit my_lo") == [("file", "my_lo")]


def test_parameters_of_the_loss():
    assert names("quartic derive weighted-infonce --set ") == ["N=", "alpha="]
    assert names("quartic derive weighted-infonce --set al") == ["alpha="]
    assert names("quartic derive nothing --set ") == []


def test_claims_and_figures():
    assert names("quartic claims --id neurreps:") == [
        id_ for ledger in published() for id_ in ledger.claims if id_[:3] == "neu"
    ]
    assert names("quartic reproduce fig5") == [name for name in FIGURES if name.startswith("fig5")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell, run):
    status, script, _ = run("completion", shell)
    assert status == 0
    assert f"_QUARTIC_COMPLETE={shell}_complete" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed: its script was not read by it")
    check = subprocess.run([program, "-n"], input=script, text=True, capture_output=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")


def test_another_shell_is_refused(run):
    assert "Error: Invalid value for '{bash|zsh|fish}': 'csh' is not one of" in run("completion", "csh")[2]
