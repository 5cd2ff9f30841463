"""SimSiam and BYOL as published: scale invariance, the flow of the modes, and the means, held against steps by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.fields.cosine import LostMode
from derive.fields.unit import OfCosines
from numeric.fields.cosine import CosineFlow
from numeric.sampling import Covariances
from numeric.sphere.drawn_means import NormalBlock, drawn_means
from verify.audits.field_evidence import hand_written, no_step, with_values
from verify.evidence.agreement import COEFFICIENTS, SEEDS
from verify.evidence.evidence import Evidence, far
from verify.evidence.significance import within
from verify.truths.held import Held

Array = NDArray[np.float64]
# Whitened modes, and weights of no special meaning along them.
LAM = np.array([0.9, 0.7, 0.5, 0.2])
WEIGHTS = {
    "W": np.array([0.5, 0.8, 0.3, 0.6]),
    "P": np.array([0.9, 0.4, 0.7, 0.5]),
    "W_m": np.array([0.6, 0.5, 0.4, 0.7]),
}
# Batches and draws in each; shares of the kept modes at which the means are measured.
BATCHES, DRAWS, ROUNDING = 40, 2000, 1e-9
KEPT, SHARES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.8, 0.6]), np.array([3, 2, 2, 1, 1, 1, 2, 2]) / 14
# Models, their steps, and the size of a step and of a batch.
MODELS, STEPS_, SIZE, BATCH, START = 8, 250, 0.04, 192, 0.7


def evidence(
    training: OfCosines, mode: LostMode, seed: int, tick: Callable[[str], None], *, train: bool
) -> Iterator[Evidence]:
    """The comparisons of a loss of one pair with a linear predictor."""
    here = with_values(training)
    tick("values")
    yield by_scaling(here, seed)
    yield by_values(here, seed)
    tick("means")
    yield from by_means(here, mode, seed)
    tick("autodiff")
    if not hand_written(here):
        yield no_step("autodiff", "the step")
        return
    yield of_lengths(here, seed)
    yield by_steps(here, seed)
    if train:
        tick("train")
        yield simulated(here, seed)


def _scale(here: OfCosines) -> float:
    return float(here.scale or 1)


def predicted(here: OfCosines) -> dict[str, Array]:
    """dw/dt and dp/dt of each mode at `WEIGHTS`, by two-fold integrals."""
    w, p, v = (WEIGHTS[name] for name in ("W", "P", "W_m"))
    G = _scale(here) * CosineFlow(LAM).pull(w, p, v if here.momentum else w)
    eta, rho = (float(here.rates.get(name, 0)) for name in ("eta", "rho"))
    return {"W": p * G - eta * w, "P": rho * (G * w - eta * p)}


def by_scaling(here: OfCosines, seed: int) -> Evidence:
    """That lengths drop out, on the definition."""
    spread = _held(here).scaled(*_at(here), seed, 16)
    return Evidence(
        "exact",
        "L(4 U, V/4) − L(U/4, 4 V), U before live views, V before stopped ones",
        0.0,
        spread,
        ROUNDING,
        "tolerance",
        agrees=within(spread, ROUNDING),
        exact=far(spread, ROUNDING),
        seed=seed,
        note="on each of 16 draws",
    )


def _held(here: OfCosines) -> Held:
    return Held(here.loss, Covariances(np.diag(LAM), np.diag(1 - LAM)), {})


def _at(here: OfCosines) -> tuple[Array, Array]:
    """U and V."""
    return np.diag(WEIGHTS["P"] * WEIGHTS["W"]), np.diag(WEIGHTS["W_m" if here.momentum else "W"])


def by_values(here: OfCosines, seed: int) -> Evidence:
    """G by two-fold integrals against differences of the definition with what is stopped held, on draws."""
    w, p = WEIGHTS["W"], WEIGHTS["P"]
    G = _scale(here) * CosineFlow(LAM).pull(w, p, np.diag(_at(here)[1]))
    held, rows = _held(here), BATCHES * DRAWS // 4
    drawn = [held.slopes(*_at(here), np.diag(unit), seed, rows) for unit in np.eye(len(LAM))]
    means, errors = np.mean(drawn, 1), np.std(drawn, 1, ddof=1) / np.sqrt(rows)
    return _farthest(
        "the step by values: differences of the loss with what is stopped held", {"G": (G, means, errors)}, rows, seed
    )


def by_steps(here: OfCosines, seed: int) -> Evidence:
    """The rates of the modes against a hand-written step with `detach`, over batches of draws."""
    generator = np.random.default_rng(seed + 31)
    found = [_step(here, WEIGHTS, generator, DRAWS) for _ in range(BATCHES)]
    compared = {}
    for name, expected in predicted(here).items():
        entries = np.array([np.diag(one[name]) for one in found])
        compared[f"d{name}/dt"] = (expected, entries.mean(0), entries.std(0, ddof=1) / np.sqrt(BATCHES))
    return _farthest("the step of a hand-written loss with detach, on draws", compared, BATCHES, seed)


def _farthest(what: str, compared: Mapping[str, tuple[Array, Array, Array]], rows: int, seed: int) -> Evidence:
    """The comparison that is farthest off in standard errors."""
    worst = max(
        (abs(m - e) / s, float(e), float(m), float(s), name, i + 1)
        for name, parts in compared.items()
        for i, (e, m, s) in enumerate(zip(*parts, strict=True))
    )
    z, expected, measured, spread, name, mode = worst
    return Evidence(
        "monte-carlo",
        what,
        expected,
        measured,
        spread,
        "standard error",
        agrees=COEFFICIENTS.decide(float(z), 1.0, rows),
        seed=seed,
        note=f"z = {z:.1f} in {name} of mode {mode} of {len(LAM)}, the farthest off of all",
    )


def by_means(here: OfCosines, mode: LostMode, seed: int) -> Iterator[Evidence]:
    """α and β as derived, averaged over draws of kept modes, against two-fold integrals."""
    roots = np.sqrt(SHARES)
    exact = [_scale(here) * one for one in CosineFlow(KEPT).lost(roots, np.ones_like(roots))]
    measured = drawn_means([mode.alpha, mode.beta], NormalBlock(SHARES, KEPT), seed=seed, anchors=512)
    errors = np.sqrt(np.diag(measured.covariance))
    for name, expected, mean, error in zip("αβ", exact, measured.means, errors, strict=True):
        z = float(abs(mean - expected) / error)
        yield Evidence(
            "monte-carlo",
            f"{name} from the definition, beside its two-fold integral",
            expected,
            float(mean),
            float(error),
            "standard error",
            agrees=COEFFICIENTS.decide(z, 1.0, len(measured.values)),
            seed=seed,
            note=f"z = {z:.1f}; beside {len(KEPT)} kept modes, P = 1",
        )


def of_lengths(here: OfCosines, seed: int) -> Evidence:
    """d|W|²/dt and d|P|²/dt of a hand-written step: what the decay does, and nothing else."""
    found = _step(here, WEIGHTS, np.random.default_rng(seed + 37), 200)
    eta, rho = (float(here.rates.get(name, 0)) for name in ("eta", "rho"))
    rows = [
        (
            name,
            -2 * eta * rate * float(WEIGHTS[name] @ WEIGHTS[name]),
            2 * float((np.diag(WEIGHTS[name]) * found[name]).sum()),
        )
        for name, rate in (("W", 1.0), ("P", rho))
    ]
    name, expected, measured = max(rows, key=lambda row: abs(row[1] - row[2]))
    off = abs(expected - measured)
    return Evidence(
        "autodiff",
        "d|W|²/dt and d|P|²/dt of a hand-written step: the decay alone",
        expected,
        measured,
        ROUNDING,
        "tolerance",
        agrees=within(off, ROUNDING),
        seed=seed,
        note=f"the farther off: |{name}|²",
        exact=far(off, ROUNDING),
    )


def _step(here: OfCosines, weights: Mapping[str, Array], generator: np.random.Generator, size: int) -> dict[str, Array]:
    """One step by hand on a fresh batch; weights along the modes, or whole matrices."""
    import torch

    from verify.truths.torch_steps import STEPS, Views, step

    one, noise = generator.standard_normal((2, size, len(LAM)))
    x, x_pos = (torch.from_numpy(view) for view in (one, LAM * one + np.sqrt(1 - LAM**2) * noise))
    views = Views(x, x_pos, torch.full((size,), 1 / size, dtype=torch.float64), x[:, None][:, :0])
    names = ("W", "P", *(("W_m",) if here.momentum else ()))
    whole = {name: np.diag(weights[name]) if weights[name].ndim == 1 else weights[name] for name in names}
    given = {name: float(value) for name, value in here.given.items()}
    found = step(STEPS[here.name], {name: torch.from_numpy(value) for name, value in whole.items()}, views, given)
    return {name: value.numpy() for name, value in found.items()}


def simulated(here: OfCosines, seed: int) -> Evidence:
    """Shares of models trained by the hand-written step on fresh batches, beside the flow over the same time."""
    # Of equal rates the flow is known; a decay, which only changes the clock, would let steps grow as lengths fall.
    quick = replace(here, given={**here.given, "rho": sympy.S.One, "eta": sympy.S.Zero})
    generator, scale = np.random.default_rng(seed + 41), _scale(here)
    size, shares = SIZE / scale, np.zeros((MODELS, len(LAM)))
    for model in range(MODELS):
        weights = {name: START * np.eye(len(LAM)) for name in ("W", "P", "W_m")}
        for number in range(STEPS_):
            moved = _step(quick, weights, generator, BATCH)
            weights = {name: one + size * moved.get(name, 0.0) for name, one in weights.items()}
            if number >= STEPS_ // 2:
                powers = (weights["W"] ** 2).sum(0)
                shares[model] += powers / powers.sum() / (STEPS_ - STEPS_ // 2)
    mu = float(quick.rates["mu"]) / scale if quick.momentum else None
    begin, times = np.full(len(LAM), START), SIZE * np.linspace(STEPS_ // 2, STEPS_, 50)
    w, _ = CosineFlow(LAM, follow=mu).run(begin, begin, [0.0, *times])
    flow = (w[1:] ** 2 / (w[1:] ** 2).sum(1, keepdims=True)).mean(0)
    # A step of finite size, and a batch, cost some of a share.
    error = np.hypot(shares.std(0, ddof=1) / np.sqrt(MODELS), 0.01 * flow)
    z = np.abs(shares.mean(0) - flow) / error
    which = int(z.argmax())
    return Evidence(
        "trained",
        "shares of the modes, trained on fresh batches, beside the flow over the same time",
        float(flow[which]),
        float(shares[:, which].mean()),
        float(error[which]),
        "standard error",
        agrees=SEEDS.decide(float(z[which]), 1.0, MODELS),
        seed=seed,
        note=f"z = {z[which]:.1f} for λ = {LAM[which]:g}, the farthest off; {MODELS} models, {STEPS_} steps",
    )
