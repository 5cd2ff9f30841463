"""What `fuzz.py` gives inputs to: every reader of text and files from outside, and the language of losses."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import random
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sympy
import torch
from fuzz import Target
from PIL import Image
from safetensors.torch import save

from derive import CATALOGUE, InputError, catalogue
from derive.expansion.series import HIGHEST_ORDER

SYMBOLS = {name: sympy.Symbol(name) for name in ("N", "alpha", "beta", "gamma", "tau")}
FORMULA = tuple(
    piece.encode()
    for piece in (
        *("Tr[", "]", "(", ")", "{", "}", "W", "A0", "Sigma", "C", "W^T", "ᵀ", "²", "^2", "^{-1}", "_ij", "Σ_ij"),
        *("\\frac{1}{2}", "\\operatorname{Tr}", "\\left(", "3/4", "0.75", "¾", "N", "alpha", "exp(", "log(", "sqrt("),
        *("V", "V^T", "A", "A^T", "A_2", "Σ₂", "\\Sigma_2", "\\Sigma_{xy}", "M = W^T V", "(W, V)"),
        *("+ O(W^6)", "O(", "b b^T", "|b|^2", "--", "/", "*", "=", "^", "^99", "**", "I", "e", "pi"),
        *(" for some i", "a_i", "c_i", "sum_j(", " or ", " and ", "<=", "__import__('os').system('touch ran')"),
    )
)  # fmt: skip
JSON = (b"[", b"]", b"{", b"}", b'"', b":", b",", b"null", b"NaN", b"1e999", b"-1", b'"terms"', b"\\ud800", b"[" * 3000)


class _Runs:
    """Pickled, it would make a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def targets() -> list[Target]:
    """All of them."""
    return [*_texts(), *_files(), *_checkpoints(), *_language()]


def _text(read: Callable[[str], object]) -> Callable[[bytes, Path], object]:
    return lambda content, _: read(content.decode("utf-8", "replace"))


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    def one(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return one


def _texts() -> list[Target]:
    from verify.audits.blackbox.exact import constants
    from verify.audits.target import find_loss, parse_values, put_values
    from verify.command.landscape import _numbers, _sizes
    from verify.papers.printed.conditions import read_condition
    from verify.papers.printed.reading import read_expansion, read_matrix

    def expansion(text: str) -> object:
        # Views of two kinds, through two encoders or one; a bias is of one encoder.
        second = "V" if "V" in text else "W" if "2" in text else ""
        stated = read_expansion(text, loss="mine", symbols=SYMBOLS, bias="b" in text and second != "V", second=second)
        return stated.expansion.text(), stated.expansion.latex(), stated.expansion.to_json()

    def values(text: str) -> object:
        return put_values(catalogue("weighted-infonce"), parse_values(text.split("\n")))[0].expand(order=2)

    def strengths(text: str) -> object:
        with contextlib.suppress(InputError):
            _numbers(text)
        return _sizes(text)

    whole = json.dumps(catalogue("barlow-twins").expand(order=4).to_json()).encode()
    small = json.dumps(catalogue("infonce-batch").with_bias().expand(order=4).to_json()).encode()
    pairs = json.dumps(catalogue("spectral+two-encoders+weight-decay").expand(order=4).to_json()).encode()
    formulas = [
        b"-Tr[A0 W^T W] + 3/4 Tr[(W Sigma W^T)^2] + O(W^6)",
        rb"-\frac{N-1}{N} \operatorname{Tr}[W A_0 W^\top] + \tfrac34\left(1 - \frac1N\right)Tr[W \Sigma W^T]^2",
        rb"L(W, V) = -\frac{N-1}{N} \Tr[A M^\top] + \|W\Sigma_{xy}V^\top\|_F^2 + O(\|(W,V)\|^6), M = W^\top V",
        "Tr[WΣ₂Wᵀ W A Wᵀ] − Tr[W Aᵀ Wᵀ] Tr[W A₂ Wᵀ]".encode(),
        "−2 Tr[W A0 Wᵀ] + Σ_ij (W A0 Wᵀ)_ij² + |b|² exp(-alpha) sqrt(tau)".encode(),
    ]
    conditions = [
        b"beta >= c_i/(a_i + c_i) for all i",
        b"a_i - gamma <= 0 for some i",
        b"sum_j(a_j) < 2 and N > 3 or never",
    ]
    names = ["infonce+bias", "spectral+weight-decay", "file.py:name", *list(CATALOGUE)[:4]]
    return [
        Target("formula", _text(expansion), formulas, FORMULA),
        Target("expansion.json", _text(expansion), [whole, small, pairs], JSON),
        Target(
            "matrix",
            _text(lambda text: read_matrix(text, SYMBOLS)),
            [b"beta A0 + (beta - 1) C", b"A0 - gamma I"],
            FORMULA,
        ),
        Target("condition", _text(lambda text: read_condition(text, SYMBOLS).text()), conditions, FORMULA),
        Target(
            "--set", _text(values), [b"alpha=1/10\nN=8", b"alpha=0.5\nN=oo"], (b"=", b"N", b"oo", b"/", b"\n", b"\0")
        ),
        Target(
            "TARGET", _text(find_loss), [name.encode() for name in names], (b"+", b"bias", b":", b"/", b".py", b"\0")
        ),
        Target(
            "--constants",
            _text(lambda text: constants([text], {"tau": sympy.Rational(1, 2)})),
            [b"1/tau", b"exp(1)", b"sqrt(2)*pi", b"(1 + log(3))**-2"],
            (b"**", b"exp(", b"log(", b"tau", *FORMULA),
        ),
        Target("numbers", _text(strengths), [b"0.1,0.5,1", b"96,32"], (b",", b"nan", b"inf", b"-")),
    ]


def _files() -> list[Target]:
    from verify.audits.target import _matrix
    from verify.networks.images import read_images
    from verify.networks.images.plain_pickle import read_plain
    from verify.networks.last_layer.features import read_features
    from verify.papers.claims.running import _read
    from verify.running.sweeps.results import Results
    from verify.running.sweeps.sweep import Sweep

    sweep = Sweep("squares", "builtins:pow", ({"base": 2, "exp": 2}, {"base": 3, "exp": 2}))

    def results(path: Path) -> object:
        with Results(path, sweep) as found:
            return found.left

    def array(**arrays: np.ndarray) -> bytes:
        file = io.BytesIO()
        np.savez(file, **arrays)
        return file.getvalue()

    def matrix(value: np.ndarray) -> bytes:
        file = io.BytesIO()
        np.save(file, value)
        return file.getvalue()

    with tempfile.TemporaryDirectory() as name:
        stored = Path(name) / "one.jsonl"
        with Results(stored, sweep) as found:
            found.add(1, 9)
        lines = stored.read_bytes()
    features = array(x=np.eye(4), x_pos=np.ones((4, 4)), W=np.ones((2, 4)))
    batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2], "names": (b"a", None, 1.5)}
    pickles = [pickle.dumps(batch, protocol) for protocol in (2, 4, 5)] + [pickle.dumps([_Runs()])]

    def covariance(path: Path) -> object:
        return _matrix(str(path))

    def images(path: Path) -> object:
        return read_images(path, "test")

    def plain(content: bytes, _: Path) -> object:
        return read_plain(content, "a file")

    arrays = [matrix(np.eye(2)), matrix(np.array([_Runs()]))]
    archives = [_archive(pickles[1]), _archive(pickles[3])]
    dots = array(images=np.zeros((2, 4, 4, 3), np.uint8), labels=np.array([1, 0]))
    return [
        Target("results", _file("one.jsonl", results), [lines], (b"\n", *JSON)),
        Target("stored.json", _file("one.json", _read), [b'{"iclr:eq8": {"verdict": "holds"}}'], JSON),
        Target("A0.csv", _file("A0.csv", covariance), [b"1,0.5\n0.5,2\n"], (b",", b"\n", b"nan", b"1e400")),
        Target("A0.npy", _file("A0.npy", covariance), arrays),
        Target("features.npz", _file("f.npz", read_features), [features]),
        Target("pickle", plain, pickles, (b"cos\nsystem\n", b"\x85R.", b"\x93", b"q\x00", b"h\x00", b"(e", b"b")),
        Target("images.npz", _file("test.npz", images), [dots], (b"|O", b"(2, 4, 4, 3)", b"10000000000")),
        Target("parquet", _file("train.parquet", read_images), [_parquet()], (b"PAR1",)),
        Target("archive", _file("c.tar", images), archives),
        Target("png", _file("x.png", _image), [_png("RGB"), _png("P")], (b"IHDR", b"IDAT", b"PLTE", b"tRNS")),
    ]


def _image(path: Path) -> object:
    from verify.networks.images.decoding import decoded

    return decoded([(path.name, path.read_bytes())])


def _png(mode: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (4, 4)).save(file, "PNG")
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    table = pa.table({"img": [{"bytes": _png("RGB"), "path": "cat/1.png"}] * 2, "label": [0, 1]})
    note = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(note)}), file)
    return file.getvalue()


def _archive(batch: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in (("test_batch", batch), ("batches.meta", pickle.dumps({"label_names": ["a"] * 10}))):
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def _checkpoints() -> list[Target]:
    from verify.networks.last_layer.checkpoint import load_weights
    from verify.networks.last_layer.network import network
    from verify.networks.network import build

    small = build({"name": "vit", "width": 2, "depth": 1, "heads": 1, "patch": 16, "d1": 2})
    whole = save(small.state_dict(), {"architecture": json.dumps(small.architecture), "notes": "{}"})
    plain, running, old = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"state_dict": {"weight": torch.zeros(2, 2)}, "epoch": 3}, plain)
    torch.save({"weight": _Runs()}, running)
    torch.save({"weight": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    zips = [one.getvalue() for one in (plain, running, old)]
    names = (b'"resnet18"', b'"width"', b'"d1"', b"1000000000", *JSON)
    return [
        Target("safetensors", _file("n.safetensors", network), [whole], names),
        Target("torch.save", _file("n.pt", load_weights), zips),
    ]


def _language() -> list[Target]:
    commands = [b"infonce\n--order\n4", b"dcl\n--set\nN=4\n--json", b"vicreg\n--basis\nA0,C"]
    return [
        Target("losses", lambda content, _: _loss(random.Random(content)), [b"0", b"1"]),
        Target("command", _text(_command), commands, _OPTIONS),
    ]


_OPTIONS = (
    *(f"\n{one}\n".encode() for one in ("--order", "2", "6", "--basis", "A0,C", "--set", "N=oo", "tau=0", "alpha=-1")),
    *(f"\n{one}\n".encode() for one in ("--sampling", "fixed", "--law", "elliptical", "latex", "losses", "--help")),
    *(b"+normalised", b"+norm-penalty", b"s4=0"),
)


def _command(text: str) -> None:
    """``quartic derive`` with these words: exit status 0, 1 or 2, and no traceback."""
    from verify.command import cli

    words = [one for one in text.split("\n") if one]
    subcommand = [] if words[:1] in (["latex"], ["losses"]) else ["derive"]
    if any(one.isdecimal() and len(one) < 1000 and 6 < int(one) <= HIGHEST_ORDER for one in words) or any(
        ".py" in one for one in words
    ):
        return  # a high order is slow, and a file is run
    before, sys.argv = sys.argv, ["quartic", *subcommand, *words]
    written, said = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(said):
            cli.main()
    except SystemExit as stop:
        if stop.code not in (None, 0, 1, 2) or (stop.code == 2 and not said.getvalue().strip()):
            message = f"exit status {stop.code}"
            raise AssertionError(message) from None
    finally:
        sys.argv = before


def _loss(draw: random.Random) -> None:
    """A definition of any kind, with what may be wrong in one: expanded, printed, or refused."""
    from derive import (
        Loss,
        Mean,
        SecondMoment,
        centroid,
        distinct,
        embedding,
        exp,
        half_sq,
        identity,
        inner,
        inverse,
        log,
        log_det,
        sqrt,
        trace,
        views,
    )
    from derive.definition.expression import Coordinate, CoordinateSum
    from derive.definition.views import Index

    names = views("x, x_pos, chi, chi_pos, y")
    N, a = SYMBOLS["N"], SYMBOLS["alpha"]
    numbers = (0, 1, -1, 2, N, N - 1, 1 / N, a, sympy.Rational(1, 2), 0.5, "N", sympy.oo, sympy.I, sympy.sqrt(2), None)

    def tree(depth: int) -> Any:  # noqa: ANN401 (an expression, or what is wrong in its place)
        kind = draw.randrange(15) if depth else 0
        u, v = draw.choice(names), draw.choice(names)
        if kind <= 1:
            return draw.choice((inner, half_sq))(u, v)
        if kind == 2:
            return tree(depth - 1) + tree(depth - 1)
        if kind == 3:
            return tree(depth - 1) * tree(depth - 1)
        if kind == 4:
            return draw.choice((exp, log, sqrt))(tree(depth - 1))
        if kind == 5:
            return tree(depth - 1) ** draw.choice(numbers)
        if kind == 6:
            return draw.choice(numbers) * tree(depth - 1)
        if kind == 7:
            return tree(depth - 1) + draw.choice(numbers)
        if kind == 8:
            return tree(depth - 1) / draw.choice((tree(depth - 1), draw.choice(numbers)))
        if kind == 9:
            i = Index(draw.choice("ij"))
            return CoordinateSum(Coordinate(u, i) * draw.choice((Coordinate(v, i), tree(depth - 1))), Index("i"))
        count = draw.choice((N, 2, None, draw.choice(numbers)))
        if kind == 10:
            return Mean(tree(depth - 1), over=distinct(*draw.sample(names, 2)), count=count, of=draw.choice((None, u)))
        if kind == 11:
            further = draw.choice(views("x_a, x_b, chi_a, y_a"))
            shown = Mean(draw.choice((embedding(further), tree(depth - 1))), over=further, of=u, count=count)
            return draw.choice((inner, half_sq))(draw.choice((shown, centroid(u, v))), draw.choice((shown, v)))
        if kind == 12:
            M = SecondMoment(u, v, count) + draw.choice(numbers) * draw.choice((identity, SecondMoment(v, v)))
            return draw.choice((log_det, trace, lambda one: trace(inverse(one) @ M.T)))(M)
        over = draw.sample(names, draw.choice((1, 2)))
        return Mean(tree(depth - 1), over=over, count=draw.choice((None, None, N - 1, N, 2, draw.choice(numbers))))

    loss = Loss(tree(draw.randrange(5)), bias=draw.random() < 0.2)
    if draw.random() < 0.3:
        loss = draw.choice((Loss.normalised, Loss.with_weight_decay, Loss.with_norm_penalty))(loss)
    loss.text(), loss.latex(), loss.samples
    expansion = loss.expand(draw.choice((2, 4)), basis=draw.choice(("A0,Sigma", "A0,C")))
    (
        expansion.text(),
        expansion.latex(),
        expansion.to_json(),
        expansion.set({name: draw.choice((2, 3)) for name in loss.parameters}),
    )
