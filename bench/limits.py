"""How long, how silent and how large is each command on random losses, and does any of them crash?

python bench/limits.py 100 0 limits.jsonl

A hundred losses, seeds from 0; what is done already is not done again. Every loss is drawn from the whole language (see
`verify.assurance.oracle.random_losses`), some with ugly numbers put for their parameters. Every command that takes a
loss is run on it as a process of its own on a terminal of its own. No other tool derives such expansions, so there is
no peer; the bounds are fixed: no process without a word for more than 5 s, none above 8 GiB, none that ends but by 0, 1
or 2.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from derive import InputError, Loss

SILENT, GIB = 5.0, 8.0
# Seconds after which a process is ended, and counted as one that hangs.
LIMIT = 600.0
COMMANDS = {
    "derive 2": ["derive", "--order", "2"],
    "derive 4": ["derive", "--json"],
    "derive 6": ["derive", "--order", "6"],
    "latex": ["latex"],
    "kernel": ["kernel"],
    "audit": ["audit", "--no-train", "--seed", "1"],
}
LOSS = """
from random import Random
from limits import drawn
loss = drawn({seed})
"""


def drawn(seed: int) -> Loss:
    """A loss: as it comes, or with ugly numbers for some of its parameters."""
    from sympy import Integer, Rational, sqrt

    from verify.assurance.oracle.random_losses import random_case

    random = Random(seed)
    loss = random_case(random).loss
    ugly = (Rational(17, 13), Integer(10) ** 30 + 7, Rational(1, 10**12 + 39), sqrt(2), 1 + sqrt(3), Rational(355, 113))
    values = {
        name: random.choice(ugly) for name in loss.parameters if name not in ("N", "d1") and random.random() < 0.4
    }
    if "N" in loss.parameters and random.random() < 0.4:
        values["N"] = Integer(random.choice((2, 3, 5, 16)))
    try:
        return loss.set(values)
    except InputError:
        return loss


def _as_process(arguments: list[str], target: str) -> None:
    """What a process does: the command, or `numeric.kernel` on the loss, shown as a command shows what it does."""
    if arguments[0] == "kernel":
        from numeric import kernel
        from verify.audits.target import find_loss
        from verify.command.options import deriving
        from verify.running.progress import progress

        try:
            with deriving(progress(hidden=False, steps=2, after=2.0)) as tick:
                tick("order 4")
                expansion = find_loss(target).expand(4)
                tick("kernel")
                source = kernel(expansion).gradient_source
            print(source)
        except InputError as error:
            print(error, file=sys.stderr)
            sys.exit(2)
        return
    from verify.command.cli import main

    sys.argv = ["quartic", arguments[0], target, *arguments[1:]]
    main()


def measured(arguments: list[str], target: str) -> dict[str, Any]:
    """A command on a loss: its seconds, its longest silence and what came before, its peak of memory, its end."""
    child, terminal = pty.fork()
    if child == 0:
        code = 70
        try:
            _as_process(arguments, target)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 2
        except BaseException:  # noqa: BLE001 (this is what is looked for)
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    started = last = time.monotonic()
    silent, before, said, hangs = 0.0, b"", b"", False
    while True:
        ready, _, _ = select.select([terminal], [], [], 1.0)
        now = time.monotonic()
        if ready:
            try:
                heard = os.read(terminal, 65536)
            except OSError:  # how a terminal ends on Linux
                heard = b""
            if now - last > silent:
                silent, before = now - last, said[-80:]
            last = now
            if not heard:
                break
            said = (said + heard)[-4000:]
        elif now - started > LIMIT:
            hangs = True
            os.kill(child, signal.SIGKILL)
    os.close(terminal)
    _, status, used = os.wait4(child, 0)
    return {
        "seconds": round(time.monotonic() - started, 2),
        "silent": round(silent, 2),
        "before": before.decode("utf-8", "replace"),
        "GiB": round(used.ru_maxrss / 2**20, 3),
        "exit": "hangs" if hangs else os.waitstatus_to_exitcode(status),
        "said": said.decode("utf-8", "replace")[-1500:],
    }


def run(losses: int, first: int, file: Path) -> Iterator[dict[str, Any]]:
    """Every command on every loss, those in the file as they were found before."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    known = {(one["seed"], one["command"]): one for one in map(json.loads, lines)}
    with tempfile.TemporaryDirectory() as folder, file.open("a", encoding="utf-8") as out:
        for seed in range(first, first + losses):
            path = Path(folder) / f"loss_{seed}.py"
            path.write_text(LOSS.format(seed=seed), "utf-8")
            for name, arguments in COMMANDS.items():
                found = known.get((seed, name))
                if found is None:
                    found = {"seed": seed, "command": name, **measured(arguments, f"{path}:loss")}
                    out.write(json.dumps(found) + "\n")
                    out.flush()
                yield found


def main(losses: int = 20, first: int = 0, file: str = "limits.jsonl") -> int:
    """Run, and print a line a command and one for whatever is out of bounds."""
    sys.path.insert(0, str(Path(__file__).parent))
    # What every command imports: a process begins with it.
    import numpy  # noqa: F401, ICN001
    import sympy  # noqa: F401

    import verify.command.cli  # noqa: F401

    found, wrong = list(run(losses, first, Path(file))), 0
    print(f"{'command':<12}{'runs':>6}{'refused':>9}{'slowest':>10}{'silent':>9}{'largest':>12}")
    for name in COMMANDS:
        own = [one for one in found if one["command"] == name]
        refused = sum(one["exit"] == 2 for one in own)
        slowest, silent, largest = (max(one[what] for one in own) for what in ("seconds", "silent", "GiB"))
        print(f"{name:<12}{len(own):>6}{refused:>9}{slowest:>8.1f} s{silent:>7.1f} s{largest:>8.2f} GiB")
    for one in found:
        last = one["said"].strip().splitlines()[-1:] or [""]
        out = [
            *([f"ended by {one['exit']}: {last[0][:150]}"] if one["exit"] not in (0, 1, 2) else []),
            *([f"a traceback: {last[0][:150]}"] if "Traceback" in one["said"] and one["exit"] in (0, 1, 2) else []),
            *([f"a contradiction: {last[0][:150]}"] if one["exit"] == 1 else []),
            *([f"{one['silent']} s without a word"] if one["silent"] > SILENT else []),
            *([f"{one['GiB']} GiB"] if one["GiB"] > GIB else []),
        ]
        wrong += bool(out)
        for what in out:
            print(f"seed {one['seed']}, {one['command']}: {what}")
    print(f"{len(found)} runs on {losses} losses: {wrong} out of bounds")
    return 1 if wrong else 0


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(*(kind(word) for kind, word in zip((int, int, str), words, strict=False))))
