"""What several tests of `verify` share."""

import sys

import pytest

from verify.command.cli import main


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
