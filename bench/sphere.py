"""Which modes does a normalised loss keep, and at which shares? Models are trained, and know no theory.

python bench/sphere.py train FILE.jsonl [--stage NAME] [--seeds 3] [--every 1]

Forty spectra of view correlations λ, 8 to 128 modes, at five temperatures: a square W is trained from a random start of
full rank, on fresh Gaussian batches (`verify.routes.training.shares`). A run is a line of the file; what is there is
not done again, and a stop loses one set of runs at most. `sphere_table.py` puts the runs together and sets a theory
beside them.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from sphere_spectra import spectra

from verify.routes.training.engine import Plan
from verify.routes.training.shares import trained_shares

TAUS = (1.0, 0.5, 0.2, 0.1, 0.05)
PLAN = Plan(rate=0.03, steps=2500, decay="cosine", tail=0.1)


@dataclass(frozen=True)
class Stage:
    """Runs of one loss at one size of batch."""

    loss: str
    N: int
    largest: int = 32
    smallest: int = 0
    others: int | None = None
    taus: tuple[float, ...] = TAUS
    parameters: dict[str, float] = field(default_factory=dict)
    plan: Plan = PLAN


FEWER = replace(PLAN, steps=1200)
STAGES = {
    "infonce": Stage("infonce", 256),
    "N64": Stage("infonce", 64),
    "d64": Stage("infonce", 256, 64, 64),
    "many": Stage("infonce", 64, 16, 16, 4096, (1.0, 0.5, 0.2, 0.1), plan=FEWER),
    "d128": Stage("infonce", 256, 128, 128),
    "ntxent": Stage("ntxent", 256, 16, 16),
    "spectral": Stage("spectral", 256, 16, 16, taus=(1.0, 0.5)),
    "uniformity": Stage("alignment-uniformity", 128, 16, 16, taus=(1.0,), parameters={"lambda": 1.0, "t": 2.0}),
    "siglip": Stage("siglip", 256, 16, 16, taus=(1.0,), parameters={"t": 10.0, "b": 10.0}),
    "batch": Stage("infonce-batch", 256, 16, 16),
    "N1024": Stage("infonce", 1024, 16, 16, plan=FEWER),
    "clip": Stage("clip", 256, 16, 16),
    "dcl": Stage("dcl", 256, 16, 16),
}


def train(file: Path, stages: list[str], seeds: int, every: int) -> None:
    """Run what is not in the file yet, small spectra first; of each size every k-th spectrum where `every` is k."""
    done = {_key(one) for one in lines(file)}
    for name in stages:
        stage = STAGES[name]
        of_size = defaultdict(list)
        for spectrum, lam in spectra().items():
            if stage.smallest <= len(lam) <= stage.largest:
                of_size[len(lam)].append(spectrum)
        for d in sorted(of_size):
            for seed in range(seeds):
                wanted = [(s, t) for s in of_size[d][::every] for t in stage.taus if (name, s, t, seed) not in done]
                if wanted:
                    _train_some(file, name, wanted, seed)


def _train_some(file: Path, name: str, wanted: list[tuple[str, float]], seed: int) -> None:
    stage, all_of_them = STAGES[name], spectra()
    begun = perf_counter()
    print(f"{name}: {len(wanted)} runs of {len(all_of_them[wanted[0][0]])} modes, seed {seed} …", end="", flush=True)
    found = trained_shares(
        np.stack([all_of_them[s] for s, _ in wanted]),
        loss=stage.loss,
        tau=[t for _, t in wanted],
        batch=stage.N,
        others=stage.others,
        parameters=stage.parameters,
        seeds=(seed,),
        plan=stage.plan,
    )
    seconds = perf_counter() - begun
    with file.open("a") as out:
        for k, (spectrum, tau) in enumerate(wanted):
            line = {
                "stage": name,
                "spectrum": spectrum,
                "lambda": all_of_them[spectrum].tolist(),
                "tau": tau,
                "loss": stage.loss,
                "parameters": stage.parameters,
                "N": stage.N,
                "others": stage.others,
                "seed": seed,
                "shares": _short(found.shares[k, 0]),
                "middle": _short(found.middle[k, 0]),
                "planted": float(f"{found.planted[k, 0]:.3g}"),
                "off_diagonal": float(f"{found.off_diagonal[k, 0]:.3g}"),
                "value": float(f"{found.loss[k, 0]:.6g}"),
                "value_error": float(f"{found.loss_error[k, 0]:.2g}"),
                "seconds": round(seconds / len(wanted), 2),
            }
            out.write(json.dumps(line) + "\n")
    print(f" {seconds:.0f} s", flush=True)


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The runs of a file; a line that was cut off is left out."""
    for text in file.read_text().splitlines() if file.exists() else []:
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            continue


def _key(line: dict[str, Any]) -> tuple[str, str, float, int]:
    return line["stage"], line["spectrum"], line["tau"], line["seed"]


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{one:.4g}") for one in values]


def main(command: str, where: str, *rest: str) -> int:
    """Train what is not there yet."""
    if command != "train":
        raise SystemExit("python bench/sphere.py train FILE.jsonl; bench/sphere_table.py shows what came out")
    options = dict(zip(rest[::2], rest[1::2], strict=True))
    torch.set_num_threads(1)
    stages = [options["--stage"]] if "--stage" in options else list(STAGES)
    train(Path(where), stages, int(options.get("--seeds", 3)), int(options.get("--every", 1)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
