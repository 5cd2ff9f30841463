"""User code that hangs, crashes, ends the process or changes what is around it: a sentence, exit status 2, no harm."""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from derive import InputError
from verify.audits.blackbox.auditing import audit_function
from verify.audits.blackbox.autograd import along
from verify.running.limits import memory_limit, printable
from verify.truths.function import BlackBox

HOSTILE = Path(__file__).with_name("hostile.py")


def load():
    spec = importlib.util.spec_from_file_location("hostile", HOSTILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hostile = load()
Z = np.random.default_rng(0).standard_normal((2, 4, 2))


@pytest.mark.parametrize("loss", hostile.UNUSABLE, ids=lambda loss: loss.__name__)
def test_one_sentence_says_what_is_wrong(loss):
    with pytest.raises(InputError) as refused, memory_limit(4.0):
        BlackBox(loss, loss.__name__)(Z)
    assert str(refused.value) == f"{loss.__name__} {hostile.UNUSABLE[loss]}"


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (hostile.derivative_raises, "derivative_raises raised KeyError when it was differentiated: 'raises'"),
        (
            hostile.derivative_hangs,
            "derivative_hangs did not return within 0.2 seconds; give it more with --limit SECONDS",
        ),
    ],
)
def test_a_derivative_of_ones_own_is_limited_too(loss, said):
    box = BlackBox(loss, loss.__name__, limit=0.2)
    with pytest.raises(InputError) as refused:
        along(box, Z, 1)
    assert str(refused.value) == said


def surroundings():
    return (
        *(torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()),
        *(torch.are_deterministic_algorithms_enabled(), np.geterr(), sys.stdin),
    )


def generators():
    return (torch.rand(1).item(), np.random.random(), random.random())  # noqa: NPY002


def test_what_a_call_changes_is_put_back():
    before = surroundings()
    assert BlackBox(hostile.changes_everything)(Z) == BlackBox(hostile.good)(Z)
    assert surroundings() == before


def test_an_audit_leaves_the_generators_where_they_were():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    wanted = generators()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    with pytest.raises(InputError):
        audit_function(hostile.ends_the_program)
    assert generators() == wanted


def test_memory_is_given_back():
    with memory_limit(0.5), pytest.raises(MemoryError):
        bytearray(10**9)
    assert len(bytearray(10**9)) == 10**9


def test_a_copy_that_a_loss_made_of_the_process_ends_with_the_call():
    read, write = os.pipe()
    BlackBox(hostile.forks)(Z)
    os.write(write, b"1")
    os.close(write)
    # A copy that went on would have written too.
    os.waitpid(-1, 0)
    assert (os.read(read, 2), os.read(read, 2)) == (b"1", b"")
    os.close(read)


def quartic(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "verify.command.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nos._exit(0)", "the code in {} ended the process; run it on its own"),
        (
            "import ctypes\nctypes.string_at(0)",
            "the code in {} ended the process with the signal SIGSEGV; run it on its own",
        ),
        (
            "raise SystemExit(0)",
            "{path} ended the program when it was run, as sys.exit does; put that under __name__ == '__main__'",
        ),
        ("input()", "{path} failed when it was run: EOFError: EOF when reading a line (line 1)"),
    ],
)
def test_a_file_that_ends_the_process(source, said, tmp_path):
    path = tmp_path / "file.py"
    path.write_text(source, "utf-8")
    ran = quartic("derive", f"{path}:loss")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"quartic: {said.format(f'{path}:loss', path=path)}\n"


def test_what_a_file_prints_is_not_the_answer(tmp_path):
    path = tmp_path / "file.py"
    path.write_text("from derive import catalogue\nprint('loading')\nloss = catalogue('infonce')\n", "utf-8")
    ran = quartic("derive", f"{path}:loss")
    assert ran.stdout == quartic("derive", "infonce").stdout
    assert ran.stderr == "loading\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vanishes", "the code in {} ended the process; run it on its own"),
        ("crashes", "the code in {} ended the process with the signal SIGSEGV; run it on its own"),
        ("hangs_in_c", "hangs_in_c did not return within 1 seconds; give it more with --limit SECONDS"),
        ("swallows_the_alarm", "swallows_the_alarm did not return within 1 seconds; give it more with --limit SECONDS"),
    ],
)
def test_a_loss_that_only_another_process_can_end(name, said):
    ran = quartic("audit", f"{HOSTILE}:{name}", "--limit", "1")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"quartic: {said.format(f'{HOSTILE}:{name}')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--limit", "0"), "--limit 0: give a number above 0"),
        (("--limit", "nan"), "--limit nan: give a number above 0"),
        (("--memory", "-1"), "--memory -1: give a number above 0"),
    ],
)
def test_limits_that_are_none(arguments, said, run):
    assert run("audit", f"{HOSTILE}:good", *arguments) == (2, "", f"quartic: {said}\n")


def test_text_that_steers_a_terminal_is_shown_and_not_sent():
    assert printable("a\x1b[2J\r\u202eb\tc\nd") == "a?[2J ?b c\nd"
