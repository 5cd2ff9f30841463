"""Do the shares that theory gives agree with those of trained models? One line a spectrum, temperature and loss.

python bench/sphere_table.py collect FILE.jsonl sphere_trained.csv
python bench/sphere_table.py compare [sphere_trained.csv] [--stage NAME] [--tau TAU] [--rows] [--finite DRAWS]

The first form puts the runs of `sphere.py` together: of each setting the mean of the shares over the seeds and its
standard error, in units of 1e-5. The second sets the population's shares beside them (`numeric.sphere.shares`), which
for losses of a batch are those of their limit, a large batch. With ``--finite`` they are those of batches as they were
trained on, K negatives of InfoNCE being the others in a batch of K + 1 (`numeric.sphere.batches`, the mean of DRAWS
draws). A mode counts as kept, on both sides, where its share is above a thousandth of an equal one; trained, it must
also not be falling (`verify.routes.training.shares.kept_modes`). A share agrees
within 3 standard errors, or 5 %, or a thousandth of an equal share; the error of one that is still falling is its own
size. The last columns say how often the number of kept modes is right within one by the leading order in that number
and the next one (`numeric.sphere.next_order`; the leading one where that gives nothing), and by the paper's model of a
fixed norm, as it is derived (a slope of 2τ/3) and as it is printed (τ/2).
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from sphere import STAGES
from sphere_spectra import spectra

from derive import catalogue
from derive.sphere.pairs import PairForm, pair_form
from numeric.sphere.batches import batch_shares
from numeric.sphere.many_modes import filled
from numeric.sphere.next_order import corrected
from numeric.sphere.shares import many_modes, shares
from verify.routes.training.shares import FALLING, SMALLEST, kept_modes

Array = NDArray[np.float64]
STORED = Path(__file__).with_name("sphere_trained.csv")
UNIT = 1e-5
# Losses whose limit of a large batch is InfoNCE of a population, at the same temperature.
OF_LARGE_BATCHES = ("infonce-batch", "ntxent", "dcl", "clip")


@dataclass(frozen=True, eq=False)
class Row:
    """A setting: `kept` are the fewest and the most modes that a seed keeps, `value` the loss."""

    stage: str
    spectrum: str
    tau: float
    seeds: int
    kept: tuple[int, int]
    shares: Array
    errors: Array
    value: float
    value_error: float


def collected(file: Path) -> list[Row]:
    """The runs of a file of `sphere.py`, put together over the seeds."""
    runs: dict[tuple[str, str, float], list[dict[str, Any]]] = defaultdict(list)
    for text in file.read_text().splitlines():
        line = json.loads(text)
        runs[line["stage"], line["spectrum"], line["tau"]].append(line)
    rows = []
    for (stage, spectrum, tau), some in runs.items():
        p = np.array([one["shares"] for one in some])
        middle = np.array([one["middle"] for one in some])
        kept = kept_modes(p, middle, [[one["planted"]] for one in some]).sum(-1)
        values = np.array([one["value"] for one in some])
        own = np.sqrt(sum(one["value_error"] ** 2 for one in some)) / len(some)
        spread = p.std(0, ddof=1) / np.sqrt(len(p)) if len(p) > 1 else np.full(p.shape[1], np.nan)
        # A share that is still on its way to 0 is known to its own size.
        falling = p.mean(0) < FALLING * middle.mean(0)
        spread = np.where(falling, np.fmax(spread, p.mean(0)), spread)
        rows.append(
            Row(stage, spectrum, tau, len(p), (int(kept.min()), int(kept.max())), p.mean(0), spread, values.mean(), own)
        )
    return rows


def write(rows: list[Row], file: Path) -> None:
    """Rows as a CSV file; shares and errors in units of 1e-5."""
    with file.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("stage", "spectrum", "tau", "seeds", "kept", "shares", "errors", "value", "value_error"))
        for one in rows:
            p, errors = ((" ".join(f"{x / UNIT:.0f}" for x in part)) for part in (one.shares, one.errors))
            kept = f"{one.kept[0]} {one.kept[1]}"
            own = (f"{one.value:.4f}", f"{one.value_error:.1g}")
            writer.writerow((one.stage, one.spectrum, f"{one.tau:g}", one.seeds, kept, p, errors, *own))


def read(file: Path) -> list[Row]:
    """The rows of a CSV file."""
    with file.open(newline="") as lines:
        return [
            Row(
                one["stage"],
                one["spectrum"],
                float(one["tau"]),
                int(one["seeds"]),
                tuple(map(int, one["kept"].split())),
                *(np.array([float(x) for x in one[name].split()]) * UNIT for name in ("shares", "errors")),
                float(one["value"]),
                float(one["value_error"]),
            )
            for one in csv.DictReader(lines)
        ]


@cache
def form(stage: str, tau: float) -> PairForm | None:
    """The loss of a stage by its means over pairs, those of a population; None where it has no such form."""
    about = STAGES[stage]
    name = "infonce" if about.loss in OF_LARGE_BATCHES else about.loss
    loss = catalogue(f"{name}+normalised")
    given = {one: sympy.nsimplify(value) for one, value in about.parameters.items()}
    if "tau" in loss.parameters:
        given["tau"] = sympy.nsimplify(tau)
    return pair_form(loss.set(given))


def finite(stage: str, tau: float, lam: Array, guess: Array | None, draws: int) -> tuple[Array, Array]:
    """The shares on batches of the size that a stage is trained on, with their standard errors."""
    about = STAGES[stage]
    loss = catalogue(f"{about.loss}+normalised")
    given = {one: sympy.nsimplify(value) for one, value in (about.parameters | {"tau": tau, "N": about.N}).items()}
    loss = loss.set({name: value for name, value in given.items() if name in loss.parameters})
    size = about.N if loss.batch_size is not None else (about.others or about.N) + 1
    found = [batch_shares(loss, lam, size, guess=guess, seed=seed) for seed in range(draws)]
    errors = np.sqrt(sum(one.errors**2 for one in found)) / draws
    return np.mean([one.shares for one in found], 0), errors


def compare(rows: list[Row], *, each: bool, draws: int = 0) -> None:
    """Kept modes and shares beside the theory, by stage and temperature, and each setting where asked for."""
    tally: dict[tuple[str, float], list[tuple[bool | float, ...]]] = defaultdict(list)
    lams = spectra()
    for row in rows:
        about = form(row.stage, row.tau)
        if about is None and not draws:
            continue
        lam = np.array(lams[row.spectrum])
        theory = None if about is None else shares(about, lam)
        guess = None if theory is None else theory.shares
        if draws:
            known, own = finite(row.stage, row.tau, lam, guess, draws)
        elif theory is not None:
            known, own = theory.shares, theory.errors
        least = SMALLEST / len(row.shares)
        number = int((known > least).sum())
        errors = np.hypot(np.where(np.isnan(row.errors), 0, row.errors), own)
        off = np.abs(known - row.shares) / np.maximum(np.maximum(3 * errors, 0.05 * row.shares), least)
        worst = int(off.argmax())
        models: tuple[Any, ...] = (None, None, None, None)
        if about is not None:
            slope = float(about.aligned / (about.repulsions[0].weight * about.repulsions[0].rate ** 2))
            leading, (push, *_) = many_modes(about, lam), about.repulsions
            better = (
                corrected(lam, *map(float, (about.aligned, push.weight, push.rate))) if push.kind != "power" else None
            )
            models = (leading, better or leading, filled(lam, 2 / 3 * slope), filled(lam, slope / 2))
        counts = [-1 if one is None else int((one.shares > least).sum()) for one in models]
        near, *others = (row.kept[0] - 1 <= one <= row.kept[1] + 1 for one in (number, *counts))
        tally[row.stage, row.tau].append((near, bool(off[worst] <= 1), float((off <= 1).mean()), *others))
        if each:
            low, high = row.kept
            print(
                f"{row.stage:<9} {row.spectrum:<24} τ = {row.tau:<5g} kept {low if low == high else f'{low}–{high}'}"
                f", theory {number}; the share furthest off: {row.shares[worst]:.5f} ± {row.errors[worst]:.5f}"
                f", theory {known[worst]:.5f} ± {own[worst]:.5f} (mode {worst + 1})",
                flush=True,
            )
    print(
        "stage      loss                    N     K     τ    settings  kept within 1  all shares agree  of the shares"
        "  leading order  next order  fixed norm  as printed"
    )
    for (stage, tau), found in tally.items():
        about = STAGES[stage]
        near, whole, part, *models = (np.array(one) for one in zip(*found, strict=True))
        counts = "".join(f"{one.sum():>{width}}" for one, width in zip(models, (15, 12, 12, 12), strict=True))
        print(
            f"{stage:<10} {about.loss:<20} {about.N:>4}  {about.others or about.N:>4}  {tau:>4g}  {len(found):>8}"
            f"  {near.sum():>13}  {whole.sum():>16}  {100 * part.mean():>11.1f} %{counts}"
        )


def main(command: str, *rest: str) -> int:
    """Collect, or compare."""
    if command == "collect":
        write(collected(Path(rest[0])), Path(rest[1]))
        return 0
    valued = ("--stage", "--tau", "--finite")
    given = {rest[k]: rest[k + 1] for k in range(len(rest) - 1) if rest[k] in valued}
    named = [one for k, one in enumerate(rest) if not one.startswith("--") and (k == 0 or rest[k - 1] not in valued)]
    file = Path(named[0]) if named else STORED
    rows = collected(file) if file.suffix == ".jsonl" else read(file)
    rows = [one for one in rows if one.stage == given.get("--stage", one.stage)]
    rows = [one for one in rows if one.tau == float(given.get("--tau", one.tau))]
    compare(rows, each="--rows" in rest, draws=int(given.get("--finite", 0)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
