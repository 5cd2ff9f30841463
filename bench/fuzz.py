"""Does anything that is read from outside crash, hang, run code or write where it should not?

python bench/fuzz.py 30 1 finds

Thirty minutes, seed 1, failing inputs kept in the folder ``finds``. Each target is given valid inputs, changed at
random; a change that reaches new lines of this project is kept and changed further. An input is used, or refused by an
`InputError` in one sentence, within seconds; nothing else may happen.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from derive import InputError
from verify.running.limits import TimeUpError, memory_limit, time_limit

ROOT = str(Path(__file__).parents[1])
PACKAGES = tuple(f"{ROOT}/{name}/" for name in ("derive", "numeric", "verify"))
# Seconds and GiB for one input.
SECONDS, MEMORY = 20.0, 2.0
# What a readable input and its refusal may be like.
LONGEST_INPUT, LONGEST_SENTENCE = 20_000, 2_000


@dataclass
class Target:
    """Something that reads.

    Attributes:
        name: of it.
        read: uses an input; a folder of its own is given for files.
        seeds: valid inputs.
        tokens: pieces that mean something to it.
        corpus: inputs that reached new lines.
        lines: that were reached.
        runs: how many inputs it was given.
        refused: how many of them it refused.

    """

    name: str
    read: Callable[[bytes, Path], object]
    seeds: list[bytes]
    tokens: tuple[bytes, ...] = ()
    corpus: list[bytes] = field(default_factory=list)
    lines: set[tuple[str, int]] = field(default_factory=set)
    runs: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Find:
    """An input that did what none may do."""

    target: str
    what: str
    where: str
    content: bytes

    @property
    def kind(self) -> tuple[str, str, str]:
        """Alike for inputs that fail alike."""
        return self.target, self.what.partition(":")[0], self.where


def fuzz(
    targets: list[Target], seconds: float, seed: int, runs: int | None = None, last: Path | None = None
) -> Iterator[Find]:
    """Change inputs for so long, or this many a target; yields what fails, once a kind.

    Args:
        targets: what is given inputs.
        seconds: to go on for.
        seed: of the changes.
        runs: inputs a target; the targets in turn then, and at random otherwise.
        last: a file that holds the input under way, should it crash the interpreter.

    """
    draw, known, started = random.Random(seed), set(), time.monotonic()
    for target in targets:
        target.corpus += target.seeds
        for content in target.seeds:
            yield from _new(_tried(target, content), known)
    while time.monotonic() - started < seconds and (runs is None or min(one.runs for one in targets) < runs):
        target = min(targets, key=lambda one: one.runs) if runs is not None else draw.choice(targets)
        content = changed(draw, target)
        if last is not None:
            last.write_bytes(target.name.encode() + b"\n" + content)
        before = len(target.lines)
        yield from _new(_tried(target, content), known)
        if len(target.lines) > before:
            target.corpus.append(content)


def _new(found: Find | None, known: set[tuple[str, str, str]]) -> Iterator[Find]:
    if found is not None and found.kind not in known:
        known.add(found.kind)
        yield found


def changed(draw: random.Random, target: Target) -> bytes:
    """An input changed in a few places."""
    content = bytearray(draw.choice(target.corpus))
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = draw.randrange(len(content) + 1)
        end = min(len(content), at + draw.choice((1, 2, 4, 8, 64)))
        match draw.randrange(9):
            case 0 if content:
                content[at % len(content)] ^= 1 << draw.randrange(8)
            case 1 if content:
                content[at % len(content)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            case 2:
                del content[at:end]
            case 3:
                del content[at:]
            case 4:
                content[at:at] = content[at:end] * draw.choice((1, 2, 50))
            case 5:
                other = draw.choice(target.corpus)
                start = draw.randrange(len(other) + 1)
                content[at:end] = other[start : start + draw.choice((4, 16, 256))]
            case 6:
                content[at:at] = draw.randbytes(draw.choice((1, 4)))
            case 7:
                content[at:end] = str(draw.choice((0, -1, 7, 2**31, 2**64, 10**30, "1e999", "½"))).encode()
            case _ if target.tokens:
                content[at : draw.choice((at, end))] = draw.choice(target.tokens)
    return bytes(content[:LONGEST_INPUT])


def _tried(target: Target, content: bytes) -> Find | None:
    """Give a target an input; what was wrong about that."""
    target.runs += 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        here = Path.cwd()
        os.chdir(folder)
        try:
            said = _said(target, content, folder / "in")
        finally:
            os.chdir(here)
        if said is None and (written := [one.name for one in folder.iterdir() if one.name != "in"]):
            said = (f"written: {', '.join(written)}", "")
    return None if said is None else Find(target.name, *said, content)


def _said(target: Target, content: bytes, folder: Path) -> tuple[str, str] | None:
    def trace(frame: FrameType, event: str, _: object) -> Callable[..., object] | None:
        if not frame.f_code.co_filename.startswith(PACKAGES):
            return None
        if event == "line":
            target.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    try:
        with warnings.catch_warnings(), time_limit(SECONDS, f"{target.name} hangs"):
            warnings.simplefilter("ignore")
            sys.settrace(trace)
            try:
                target.read(content, folder)
            finally:
                sys.settrace(None)
    except InputError as error:
        target.refused += 1
        sentence = str(error)
        if not sentence.strip() or len(sentence) > LONGEST_SENTENCE + 2 * len(content) or "Traceback" in sentence:
            return f"sentence: {sentence[:200]}", ""
    except TimeUpError:
        return f"hang: over {SECONDS:g} s", _place(sys.exc_info()[2])
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        return f"{type(error).__name__}: {str(error)[:200]}", _place(error.__traceback__)
    return None


def _place(trace: TracebackType | None) -> str:
    """The innermost line of this project's in a traceback."""
    own = [one for one in traceback.extract_tb(trace) if one.filename.startswith(PACKAGES)]
    return f"{own[-1].filename.removeprefix(ROOT)}:{own[-1].lineno}" if own else ""


def main(minutes: float = 1.0, seed: int = 0, folder: str = "finds") -> int:
    """Fuzz, and print what was found."""
    from fuzz_targets import targets

    chosen, place, finds = targets(), Path(folder).absolute(), []
    place.mkdir(exist_ok=True)
    with memory_limit(MEMORY):
        for found in fuzz(chosen, 60 * minutes, seed, last=place / "last"):
            finds.append(found)
            file = place / f"{found.target}-{hashlib.sha256(found.content).hexdigest()[:12]}"
            file.write_bytes(found.content)
            print(f"{found.target}: {found.what} at {found.where}, kept as {file.name}", flush=True)
    for one in chosen:
        print(f"{one.runs:>8} {one.name:<16} {one.refused} refused, {len(one.lines)} lines, {len(one.corpus)} kept")
    print(f"{sum(one.runs for one in chosen)} inputs, {minutes:g} minutes, seed {seed}: {len(finds)} kinds of finds")
    return 1 if finds else 0


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(*(kind(word) for kind, word in zip((float, int, str), words, strict=False))))
