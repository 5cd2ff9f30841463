"""How do time and memory grow with the order, the dimension and the size of a batch?

    python bench/growth.py [FILE.png]

Four curves a panel at most, each side timed in turn with the others at every size, and once more in a process of its
own for the memory that it takes beyond what was loaded:

- order: InfoNCE derived through orders 4 to 12, by quartic (any dimension), FORM (any dimension) and SymPy at d = 2;
- components: the same at order 4 by SymPy's polynomial ring in d dimensions, whose formula quartic's one word replaces;
- dimension: the value of the emitted kernel at one W of d × d, beside the formula by hand and its two products alone;
- batch: InfoNCE of N data and its gradient (d = 8, float32), by the engine that trains models, by one matrix product
  and autograd, by all differences, and the least that either has to do: an exponential a pair and the products.

The picture goes to the file, the table to the screen. A side stops where a call would take longer than some seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import which

# One thread, set before NumPy and torch read it.
os.environ["OMP_NUM_THREADS"] = "1"

import derivation
import numpy as np
import peers
import sympy
import torch
import training
from timing import Times, alternate, print_table, print_versions

from derive import catalogue
from numeric import kernel
from verify.figures.picture import BLUE, GREY, ORANGE, VERMILION, Picture, new_figure, save, styled
from verify.running.limits import memory_of
from verify.truths.batched import batched

ROUNDS, BLOCK = 5, 0.02
D_OF_BATCH = 8
Side = Callable[[], object]


def by_order(order: int) -> dict[str, Side]:
    """InfoNCE derived through an order."""
    sides: dict[str, Side] = {"quartic": partial(derivation.engine, "infonce", order)}
    if which("form"):
        sides["FORM"] = partial(peers.form, order, derivation.FORM_ROUNDS[order])
    if order <= 10:
        sides["SymPy ring, d = 2"] = partial(peers.sympy_ring, order)
    if order <= 6:
        sides["SymPy, d = 2"] = partial(peers.plain_sympy, order)
    return sides


def by_components(d: int) -> dict[str, Side]:
    """InfoNCE derived through order 4, by components in d dimensions or for all of them."""
    rng = np.random.default_rng(d)
    W, (s, a) = sympy.Matrix(rng.integers(-3, 4, (d, d))), rng.integers(1, 5, (2, d)).tolist()
    letters = {"Sigma": sympy.diag(*s), "A0": sympy.diag(*a)}
    numbers = {f"s{i + 1}": s[i] for i in range(d)} | {f"a{i + 1}": a[i] for i in range(d)}
    numbers |= {f"w{i + 1}{j + 1}": W[i, j] for i in range(d) for j in range(d)}
    for order, theirs in zip((2, 4), peers.sympy_ring(4, d), strict=True):
        ours = sum(
            coefficient * sympy.prod(sympy.prod([W * letters[one] * W.T for one in word]).trace() for word in words)
            for coefficient, words in derivation.terms("infonce", 4, order)
        )
        if theirs.subs(numbers) != ours:
            raise SystemExit(f"quartic and SymPy differ at order {order} in {d} dimensions")
    return {"quartic": partial(derivation.engine, "infonce", 4), "SymPy ring": partial(peers.sympy_ring, 4, d)}


def by_dimension(d: int) -> dict[str, Side]:
    """The value of InfoNCE's quartic at one W, d × d."""
    rng = np.random.default_rng(0)
    W, root = rng.standard_normal((2, d, d)) / np.sqrt(d)
    Sigma = root @ root.T
    A0 = Sigma / 2
    emitted = kernel(catalogue("infonce").expand(4)).value

    def by_hand() -> np.ndarray:
        P = W @ Sigma @ W.T
        return 0.75 * (P * P).sum() - ((W @ A0) * W).sum()

    def products() -> None:
        W @ Sigma @ W.T
        W @ A0

    if not np.isclose(emitted(W, A0, Sigma), by_hand()):
        raise SystemExit(f"the emitted kernel and the formula by hand differ at d = {d}")
    return {"quartic": partial(emitted, W, A0, Sigma), "by hand": by_hand, "its products": products}


def by_batch(n: int) -> dict[str, Side]:
    """InfoNCE of a batch and its gradient in both views."""
    z1, z2 = torch.randn(2, n, D_OF_BATCH, generator=torch.Generator().manual_seed(0))
    ours = batched("weighted-infonce")

    def gradient(of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        first, second = (one.clone().requires_grad_() for one in (z1, z2))
        of(first, second).backward()
        assert first.grad is not None  # noqa: S101 (told the type checker)
        return first.grad

    def engine() -> torch.Tensor:
        return gradient(lambda a, b: ours((a[None], b[None]), {"alpha": training.ALPHA}).sum())

    rows = max(1, min(n, 2**18 // n))
    room, first, second = torch.empty(rows, n), torch.empty(D_OF_BATCH, rows), torch.empty(D_OF_BATCH, n)

    def least() -> None:
        # In blocks of a megabyte, all in the same memory.
        for _ in range(0, n, rows):
            torch.mm(z1[:rows], z2.T, out=room).exp_()
            torch.mm(z2.T, room.T, out=first)
            torch.mm(z1[:rows].T, room, out=second)

    sides: dict[str, Side] = {
        "quartic": engine,
        "one product, autograd": lambda: gradient(training.from_one_product),
        "exp and products": least,
    }
    if not torch.allclose(engine(), gradient(training.from_differences), rtol=1e-3, atol=1e-5):
        raise SystemExit(f"the engine and the definition have different gradients at N = {n}")
    if n <= 1024:
        sides["all differences"] = lambda: gradient(training.from_differences)
    return sides


# What grows, in which sizes, and who takes part.
PANELS: dict[str, tuple[str, tuple[int, ...], Callable[[int], dict[str, Side]]]] = {
    "order": ("InfoNCE derived\nthrough an order", (4, 6, 8, 10, 12), by_order),
    "components": ("Order 4 by components\nin d dimensions", (1, 2, 3, 4), by_components),
    "dimension": ("One value of the kernel,\nW of d × d", (2, 4, 8, 16, 32, 64, 128, 256, 512), by_dimension),
    "batch": ("Loss and gradient\nof a batch of N", (16, 32, 64, 128, 256, 512, 1024, 2048, 4096), by_batch),
}
AXES = {"order": "order", "components": "d", "dimension": "d", "batch": "N"}
Curves = dict[str, dict[int, tuple[Times, float]]]


def main(file: str = "") -> None:
    """Measure all panels; print the tables and draw the picture."""
    print_versions("sympy", "numpy", "torch")
    print("One thread. MiB: the most that a call takes beyond what was loaded, in a process of its own.")
    measured = {panel: curves(panel) for panel in PANELS}
    for panel, found in measured.items():
        _, sizes, _ = PANELS[panel]
        rows = [
            [
                str(size),
                *(
                    f"{found[side][size][0]}, {found[side][size][1]:.1f} MiB" if size in found[side] else ""
                    for side in found
                ),
            ]
            for size in sizes
        ]
        print_table(f"{PANELS[panel][0].replace(chr(10), ' ')}", [AXES[panel], *found], rows)
    if file:
        draw(measured, Path(file))
        print(f"\n→ {file}")


def curves(panel: str) -> Curves:
    """Seconds and MiB of each side at each size."""
    _, sizes, sides_at = PANELS[panel]
    found: Curves = {}
    for size in sizes:
        sides = sides_at(size)
        times = alternate(sides, rounds=ROUNDS, block=BLOCK, before=derivation.cold)
        if "FORM" in sides:
            times["FORM"] = times["FORM"].shared(derivation.FORM_ROUNDS[size])
        for side in sides:
            found.setdefault(side, {})[size] = times[side], peak(panel, size, side)
    return found


def peak(panel: str, size: int, side: str) -> float:
    """MiB that a call takes, as another process finds it."""
    command = [sys.executable, __file__, "--peak", panel, str(size), side]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def own_peak(panel: str, size: int, side: str) -> float:
    """MiB that a call in this process takes beyond what is there before it; Linux alone, NaN elsewhere."""
    if side == "FORM":
        return _peak_of_form(size)
    call = PANELS[panel][2](size)[side]
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        return float("nan")
    reset.write_text("5")  # the largest resident size starts anew
    before = memory_of("VmRSS")
    call()
    return max(0.0, _mebibytes(memory_of("VmHWM")) - _mebibytes(before))


def _peak_of_form(order: int) -> float:
    """MiB of FORM's process, which is looked at while it repeats the derivation."""
    highest = None
    command = peers.form_command(order, derivation.FORM_ROUNDS[order])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            highest = memory_of("VmHWM", running.pid) or highest
            time.sleep(1e-3)
    return _mebibytes(highest)


def _mebibytes(size: int | None) -> float:
    return float("nan") if size is None else size / 2**20


def draw(measured: dict[str, Curves], file: Path) -> None:
    """A panel each, seconds a call against the size."""
    colours = dict(zip(("quartic", "FORM", "SymPy ring, d = 2"), (BLUE, ORANGE, VERMILION), strict=True))
    colours |= {"SymPy, d = 2": GREY, "SymPy ring": VERMILION, "by hand": ORANGE, "one product, autograd": ORANGE}
    colours |= {"all differences": VERMILION}
    with styled():
        figure = new_figure(13, 4.8)
        for axes, (panel, found) in zip(figure.subplots(1, len(measured)), measured.items(), strict=True):
            for side, at in found.items():
                sizes = list(at)
                low, mid, high = (
                    [f(one.samples) for one, _ in at.values()] for f in (min, lambda of: Times(of).median, max)
                )
                least = side in ("its products", "exp and products")
                style = {"color": "black", "linestyle": "--"} if least else {"color": colours[side], "marker": "o"}
                axes.plot(sizes, mid, label=side, markersize=4, **style)
                axes.fill_between(sizes, low, high, color=style["color"], alpha=0.15, linewidth=0)
            axes.set(title=PANELS[panel][0], xlabel=AXES[panel], yscale="log")
            if panel in ("dimension", "batch"):
                axes.set_xscale("log", base=2)
            else:
                axes.set_xticks(PANELS[panel][1])
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))
            axes.grid(alpha=0.3)
        figure.axes[0].set_ylabel("seconds a call")
    rows = [
        [panel, side, size, times.median, mebibytes]
        for panel, found in measured.items()
        for side, at in found.items()
        for size, (times, mebibytes) in at.items()
    ]
    save(Picture(figure, ("panel", "side", "size", "seconds", "MiB"), rows), file, dpi=150)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--peak"]:
        print(own_peak(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    else:
        main(*sys.argv[1:])
