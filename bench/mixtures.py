"""Do losses on a mixture of classes have the B that is derived, and the minima that are predicted?

    python bench/mixtures.py FILE.jsonl [--quick]

SupCon, InfoNCE and the spectral loss on 2, 5 and 10 classes whose weights fall evenly on a logarithmic scale, from 1:1
to 100:1, a row of W for each of the K + 1 dimensions. On fresh batches, and in full batch on a set of 400 data with
fresh noise:

- B: models grow from small weights by gradient descent; the rate along each eigenvector of the derived B is compared;
- minima: the powers of the modes, the eigenvalues of S^½ WᵀW S^½ with S = E x xᵀ, those of models along the predicted
  modes, and which of them are kept.

Each number is compared as the mean of several models with its standard error: it agrees within 3 of these, or 2 % of
the largest.
A run that was stopped goes on from its file.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import ArrayLike
from timing import print_versions

from derive import catalogue
from verify.routes.training.engine import Plan
from verify.routes.training.mixture_minima import Moments, modes_of, powers_along
from verify.routes.training.mixtures import LOSSES, ClassSet, growth, mixture, orthonormal, trained

CLASSES, RATIOS, SAMPLES = (2, 10, 5), (1, 100, 10), ("fresh", "full")
NODES, MODELS, STEPS, SIZE = 2**14, 4, 300, 400
# A mode is predicted to be kept where it has more than this of the largest power; a lost one has 0.
LOST = 0.02
# Where training starts, and its rate.
SMALL, RATE = 0.1, 0.05
Unit = tuple[str, int, int, str]


def weights_of(count: int, ratio: int) -> tuple[int, ...]:
    """Whole weights from ``ratio`` down to 1, in even steps of their logarithms."""
    return tuple(round(100 * ratio ** (1 - k / (count - 1))) for k in range(count))


def measured(name: str, count: int, ratio: int, sample: str) -> dict[str, Any]:
    """One loss on one mixture, predicted and trained."""
    begun = perf_counter()
    data = mixture(weights_of(count, ratio))
    source: Any = data
    if sample == "fresh":
        known, again = (Moments.of_population(data, NODES // count, seed) for seed in (0, 1))
    else:
        generator = torch.Generator().manual_seed(count * ratio)
        second = max(catalogue(name).roles)
        source = ClassSet.drawn(data, SIZE, second, generator)
        known, again = (Moments.of_set(source, 8, seed) for seed in (0, 1))
    b, directions = np.linalg.eigh(known.B(name))
    grown = growth(name, source, float(np.linalg.eigvalsh(known.second)[-1]), data.d0)
    along = np.einsum("ik,sij,jk->sk", directions, grown, directions)
    (predicted, modes), again_predicted = (modes_of(one.minimum(name, data.d0), known.second) for one in (known, again))
    begin = SMALL * orthonormal(MODELS, data.d0, data.d0, 1)
    plan = Plan("adam", RATE, STEPS, "cosine", tail=0.1)
    found = powers_along(modes, trained(name, source, begin, plan, n=SIZE).averaged.numpy(), known.second)
    return {
        "b": b[::-1].tolist(),
        "b_trained": along.mean(0)[::-1].tolist(),
        "b_error": error(along)[::-1].tolist(),
        "powers": predicted.tolist(),
        "powers_error": np.abs(predicted - again_predicted[0]).tolist(),
        "powers_trained": found.mean(0).tolist(),
        "powers_trained_error": error(found).tolist(),
        "models": found.tolist(),
        "seconds": perf_counter() - begun,
    }


def error(values: np.ndarray) -> np.ndarray:
    """The standard error of the mean over models."""
    return np.asarray(values.std(0, ddof=1) / np.sqrt(len(values)))


def agree(predicted: ArrayLike, found: ArrayLike, *errors: ArrayLike) -> np.ndarray:
    """Within 3 standard errors, or 2 % of the largest value."""
    expected, seen = np.asarray(predicted), np.asarray(found)
    size = np.sqrt(sum(np.asarray(one) ** 2 for one in errors))
    return np.asarray(np.abs(seen - expected) <= np.maximum(3 * size, 0.02 * np.abs(expected).max()))


def _extreme(one: tuple[int, int]) -> int:
    return (one[0] == 5) + (one[1] == 10)


def units(quick: bool) -> list[Unit]:  # noqa: FBT001 (how it is given)
    """All of them, the extremes first."""
    many = [
        (name, K, r, s)
        for K, r in sorted(((K, r) for K in CLASSES for r in RATIOS), key=_extreme)
        for name in LOSSES
        for s in SAMPLES
    ]
    return [one for one in many if one[1] == 2 and one[2] == 10] if quick else many


def main(file: str, *options: str) -> int:
    """Run what is not in the file, print the table, and return 1 where a number is off."""
    path = Path(file)
    lines = map(json.loads, path.read_text("utf-8").splitlines()) if path.exists() else ()
    known = {tuple(one["unit"]): one["found"] for one in lines}
    print_versions("quartic", "torch", "numpy")
    for unit in units("--quick" in options):
        if unit not in known:
            known[unit] = measured(*unit)
            with path.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"unit": unit, "found": known[unit]}) + "\n")
        print_row(unit, known[unit])
    rows = [known[unit] for unit in units("--quick" in options)]
    whole = [np.concatenate([np.ravel(judged(one)[k]) for one in rows]) for k in range(3)]
    print("  ".join(f"{name}: {one.sum()} of {len(one)} agree" for name, one in zip(JUDGED, whole, strict=True)))
    return 0 if all(one.all() for one in whole) else 1


JUDGED = ("eigenvalues of B", "powers", "kept modes")


def judged(found: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """Which numbers agree: along eigenvectors of B, powers of modes, and whether each model keeps each mode."""
    predicted = np.asarray(found["powers"])
    kept = predicted > LOST * predicted.max()
    half = predicted[kept].min() / 2
    return (
        agree(found["b"], found["b_trained"], found["b_error"]),
        agree(predicted, found["powers_trained"], found["powers_trained_error"], found["powers_error"]),
        (np.asarray(found["models"]) > half) == kept,
    )


def print_row(unit: Unit, found: dict[str, Any]) -> None:
    """Predicted and trained: the largest and the least eigenvalue of B along the kept modes, and their powers."""
    name, count, ratio, sample = unit
    kept = sum(one > LOST * found["powers"][0] for one in found["powers"])
    b, power = (
        " ".join(
            f"{found[what][k]:.3f}/{found[f'{what}_trained'][k]:.3f}±{found[f'{what}_{wrong}'][k]:.3f}"
            for k in dict.fromkeys((0, kept - 1))
        )
        for what, wrong in (("b", "error"), ("powers", "trained_error"))
    )
    off = [int((~one).sum()) for one in judged(found)]
    print(
        f"{name:9} K={count:<3} {ratio:>3}:1 {sample:6} B {b:42} powers {power:42} kept {kept} of {count + 1}"
        f"  off {off}  {found['seconds']:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
