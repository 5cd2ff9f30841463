"""Is the transition continuous at which a normalised loss loses a mode, and with which exponent? Trained models alone.

python bench/sphere_transition.py FILE.jsonl [--loss NAME] [--seeds 3]
python bench/sphere_transition.py [FILE.jsonl] --table

Eight modes with λ = 0.9 and a weak one, whose λ crosses the edge. The edge is looked for on a coarse grid first, and
trained at λ from 0.08 below it to 0.08 above, closely near it: once from a start at which the weak mode is as large as
the others, once from one at which it is 50 times smaller. A jump would show in different ends of the two, or in a
smallest share; without one, share ~ (λ − λ_c)^β is fitted above the edge. A loss is a line of the file;
what was measured is kept in sphere_transition.jsonl.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

sys.path.insert(0, str(Path(__file__).parents[1]))

from verify.routes.training.engine import Plan
from verify.routes.training.shares import Shares, trained_shares

Array = NDArray[Any]
STORED = Path(__file__).with_suffix(".jsonl")

# The smallest share that is fitted.
LEAST = 5e-4
KEPT, STRONG, SMALL = 8, 0.9, 0.02
SIDES = np.array([0.003, 0.006, 0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08])
COARSE = np.linspace(0.1, 0.85, 16)
# Plain gradient descent leaves a small mode small while it does not grow; Adam would move it as fast as the others.
PLAN = Plan(optimiser="sgd", rate=15.0, steps=4000, decay="cosine", tail=0.1)
LOSSES: dict[str, dict[str, Any]] = {
    "infonce": {"tau": 0.5, "batch": 256},
    "spectral": {"batch": 256},
    "alignment-uniformity": {"parameters": {"lambda": 1.0, "t": 1.0}, "batch": 128},
}


def trained(name: str, weak: Array, starts: tuple[float, ...], seeds: range, steps: int) -> Shares:
    """Models with each weak λ, from each start in turn."""
    lam = np.column_stack([np.full((len(weak), KEPT), STRONG), weak])
    begin = np.ones((len(starts), len(weak), KEPT + 1))
    begin[..., -1] = np.array(starts)[:, None]
    return trained_shares(
        np.tile(lam, (len(starts), 1)),
        loss=name,
        start=begin.reshape(-1, KEPT + 1),
        seeds=seeds,
        plan=Plan(PLAN.optimiser, PLAN.rate, steps, PLAN.decay, tail=PLAN.tail),
        evaluations=2,
        **LOSSES[name],
    )


def edge(name: str) -> float:
    """λ_c to a hundredth: the line through the lowest shares that are kept, on to 0."""
    found = trained(name, COARSE, (1.0,), range(1), 1000)
    share, kept = found.shares[:, 0, -1], found.kept()[:, 0, -1] & (found.shares[:, 0, -1] > 2e-3)
    first = int(kept.argmax())
    slope = (share[first + 1] - share[first]) / (COARSE[1] - COARSE[0])
    return float(COARSE[first] - share[first] / slope)


def run(file: Path, name: str, seeds: int) -> None:
    """Train around the edge, and write what came out."""
    begun = perf_counter()
    about = edge(name)
    print(f"{name}: λ_c ≈ {about:.3f} …", end="", flush=True)
    weak = about + np.concatenate([-SIDES[::-1], SIDES])
    found = trained(name, weak, (1.0, SMALL), range(seeds), PLAN.steps)
    share, middle = (one[..., -1].reshape(2, len(weak), seeds) for one in (found.shares, found.middle))
    line = {
        "loss": name,
        **LOSSES[name],
        "kept": [STRONG] * KEPT,
        "weak": weak.round(6).tolist(),
        "starts": [1.0, SMALL],
        "shares": _short(share),
        "middle": _short(middle),
        "planted": float(f"{found.planted.max():.2g}"),
        "seconds": round(perf_counter() - begun),
    }
    with file.open("a") as out:
        out.write(json.dumps(line) + "\n")
    print(f" {line['seconds']} s", flush=True)


def _short(values: Array) -> object:
    """Nested lists of numbers of five digits."""
    return float(f"{values:.5g}") if values.ndim == 0 else [_short(one) for one in values]


def table(line: dict[str, Any]) -> None:
    """The weak mode's share on both sides of the edge, what the starts differ by, and the fit."""
    weak, share, middle = (np.array(line[name]) for name in ("weak", "shares", "middle"))
    seeds = share.shape[2]
    mean, error = share.mean(2), share.std(2, ddof=1) / np.sqrt(seeds)
    apart = (share[0] - share[1]).mean(1)
    apart_error = (share[0] - share[1]).std(1, ddof=1) / np.sqrt(seeds)
    print(f"\n{line['loss']}: {KEPT} modes of λ = {STRONG} and a weak one; {seeds} seeds, noise {line['planted']:.1e}")
    print("     λ    share, large start       small start        difference             end/middle")
    for k, lam in enumerate(weak):
        moving = share[:, k].mean(1) / middle[:, k].mean(1)
        print(
            f"{lam:.4f}   {mean[0, k]:.6f} ± {error[0, k]:.6f}  {mean[1, k]:.6f} ± {error[1, k]:.6f}"
            f"  {apart[k]:+.6f} ± {apart_error[k]:.6f}   {moving[0]:.2f} {moving[1]:.2f}"
        )
    # Both starts have come to the same share, one from above and one from below.
    settled = (share.mean(0) > LEAST) & (np.abs(share[0] - share[1]) < 0.01 * share.mean(0))
    for terms in (1, 2):
        every = range(seeds)
        (edges, power) = fit(weak, share.mean(0), settled, every, terms)
        without = np.array([fit(weak, share.mean(0), settled, [s for s in every if s != k], terms)[1] for k in every])
        error_of_power = np.sqrt((seeds - 1) / seeds * ((without - without.mean()) ** 2).sum())
        error_of_edge = edges.std(ddof=1) / np.sqrt(seeds)
        print(
            f"λ − λ_c = a p^(1/β) (1 + {'b p' if terms == 1 else 'b p + c p²'}): "
            f"λ_c = {edges.mean():.4f} ± {error_of_edge:.4f}, 1/β = {power:.3f} ± {error_of_power:.3f}"
        )


def fit(weak: Array, share: Array, settled: Array, seeds: Iterable[int], terms: int) -> tuple[Array, float]:
    """λ_c of each seed, and the 1/β of all: λ = λ_c + a p^(1/β) (1 + b p + …), over points that have settled.

    A run's random numbers are the same at all λ, and move its edge and its slope a: each seed has its own of both.
    """
    chosen = list(seeds)

    def residuals(at: Array) -> Array:
        power, series, slopes, edges = at[0], at[1 : 1 + terms], *np.split(at[1 + terms :], 2)
        parts = []
        for k, seed in enumerate(chosen):
            p = share[settled[:, seed], seed]
            bent = 1 + sum(one * p ** (n + 1) for n, one in enumerate(series))
            parts.append((edges[k] + np.exp(slopes[k]) * p**power * bent - weak[settled[:, seed]]) / 1e-4)
        return np.concatenate(parts)

    near = weak[settled.all(1)][0] - 0.005
    begin = np.r_[1.0, np.zeros(terms), np.full(len(chosen), 1.4), np.full(len(chosen), near)]
    found = least_squares(residuals, begin, max_nfev=20_000, x_scale="jac").x
    return found[1 + terms + len(chosen) :], float(found[0])


def main(*arguments: str) -> int:
    """Run what is not in the file, or show it."""
    torch.set_num_threads(1)
    where = [one for one in arguments[:1] if not one.startswith("--")]
    file = Path(where[0]) if where else STORED
    lines = [json.loads(one) for one in file.read_text().splitlines()] if file.exists() else []
    if "--table" in arguments:
        for line in lines:
            table(line)
        return 0
    if not where:
        raise SystemExit("python bench/sphere_transition.py FILE.jsonl: what is stored is shown by --table alone")
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    done = {line["loss"] for line in lines}
    for name in [options["--loss"]] if "--loss" in options else LOSSES:
        if name not in done:
            run(file, name, int(options.get("--seeds", 3)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
