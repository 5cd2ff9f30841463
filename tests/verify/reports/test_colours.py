"""Colour on a terminal alone, and not where NO_COLOR asks for none."""

import io
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress

import pytest

from verify.reports.colours import coloured, wanted

GREEN, RED, YELLOW = "\x1b[32m", "\x1b[31m", "\x1b[33m"


def test_marks_and_verdicts_are_coloured_and_nothing_is_lost():
    text = "  evidence  exact  equal  ✓\n                order 4  ✗\n  verdict  refuted (error)\nid:a  holds   yes"
    text += "\n  verdict  holds (the derivation): 2 comparisons"
    shown = coloured(text)
    assert f"equal  {GREEN}✓" in shown
    assert f"order 4  {RED}✗" in shown
    assert f"  verdict  {RED}refuted\x1b[0m (error)" in shown
    assert f"id:a  {GREEN}holds\x1b[0m   yes" in shown
    assert "  verdict  holds (the derivation)" in shown
    assert re.sub(r"\x1b\[\d+m", "", shown) == text


@pytest.mark.parametrize(
    ("no_colour", "terminal", "expected"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)]
)
def test_a_terminal_is_coloured_unless_it_asks_for_none(no_colour, terminal, expected, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    sys.stdout.isatty = lambda: True
    monkeypatch.setenv("NO_COLOR", no_colour)
    monkeypatch.setenv("TERM", terminal)
    assert wanted() is expected


def test_the_command_on_a_real_terminal():
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "verify.command.cli", "claims", "--id", "iclr:eq18", "--quiet"]
    environment = os.environ | {"NO_COLOR": "", "TERM": "xterm"}
    child = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    said = b""
    # Linux ends a terminal whose other side is closed with an error.
    with suppress(OSError):
        while part := os.read(ours, 4096):
            said += part
    os.close(ours)
    assert child.wait() == 0
    assert f"verdict       {RED}refuted\x1b[0m (misprint)" in said.decode()
