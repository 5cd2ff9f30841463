"""What several tests of `verify` share."""

import sys

import pytest
import torch

from verify.command.cli import main


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Torch on one thread: on small tensors a second costs more than it brings."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run(monkeypatch, capsys):
    """The command in this process: exit status, standard output, standard error."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["quartic", *arguments])
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = stop.code or 0
        return status, *capsys.readouterr()

    return command
