"""Fig. 3: the phase diagram of β-InfoNCE in the strength σ and the orientation θ, and the downstream error.

Printed: β = ½, d0 = 2, features of variance 1, the augmentation σ² diag(1 − θ, θ), the label y = c x₁, a ridge
regression on f(x̂) with penalty 0.001. Left out and chosen: c = 1; a batch of 128 fresh data a step, so that E|x̂ x̂ᵀ| is
the identity; Adam at 6e-4 and 5000 iterations, as elsewhere; d1 = 2. The regression is trained on 2000 data and its
error measured on 20,000 others.

The downstream error in closed form: with M = W A0 Wᵀ + λ I and v = W A0 e₁ the regressor is vᵀM⁻¹, and its error
a₁ − 2 vᵀM⁻¹v + vᵀM⁻¹ W A0 Wᵀ M⁻¹v. At the exact minimum, W diagonal, it is a₁ λ²/(a₁ g₁ + λ)².
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import eq
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from verify.evidence.agreement import compared
from verify.figures.phases import oriented_augmentation
from verify.figures.picture import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, Picture, drawing
from verify.figures.reproduce.figure import RATE, STEPS, Shown
from verify.figures.reproduce.linear import seeded
from verify.figures.reproduce.table import Table, standard_error, tally
from verify.routes.training.data import Population
from verify.routes.training.engine import Plan, train
from verify.routes.training.models import Model
from verify.routes.training.predictions import predictions
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 3: phases of β-InfoNCE and the downstream error, β = ½"
FULL: Settings = {
    "sigmas": [round(0.1 + 0.1 * k, 1) for k in range(18)], "thetas": [round(0.1 * k, 1) for k in range(11)],
    "n": 128, "steps": STEPS, "rate": RATE,
}  # fmt: skip
QUICK: Settings = {"sigmas": [0.5, 1.5], "thetas": [0.0, 0.5, 1.0], "n": 64, "steps": 400, "rate": 1e-2}
BETA = 0.5
RIDGE = 1e-3
# A mode counts as kept where h = (a + c) g is above this: between what noise leaves and what the next σ would have.
KEPT = 0.02
PHASES = ("both kept", "style collapsed", "content collapsed", "both collapsed")
_COLOURS = (BLUE, GREEN, ORANGE, GREY)
Array = NDArray[np.float64]


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each seed, with all σ and θ."""
    units = tuple({**(QUICK if quick else FULL), "seed": seed + k} for k in range(3))
    return Sweep("fig3", f"{__name__}:unit", units)


def unit(*, sigmas: list[float], thetas: list[float], n: int, steps: int, rate: float, seed: int) -> dict[str, Any]:
    """Train one model for each σ and θ, and a regression on each."""
    sigma, theta = (one.ravel() for one in np.meshgrid(sigmas, thetas, indexing="ij"))
    _, c = oriented_augmentation(sigma, theta)
    noise = torch.tensor(np.sqrt(c), dtype=torch.float32)[:, None]
    m = len(sigma)
    end = train(
        Model(2, 2),
        Population(n, torch.ones(m, 1, 2), noise),
        "beta-infonce",
        Plan(rate=rate, steps=steps),
        models=m,
        generator=seeded("fig3", seed),
        parameters={"beta": BETA},
    )
    W = end.weights["W"].double()
    drawn = torch.randn(22_000, 2, generator=seeded("fig3 regression", seed), dtype=torch.float64)
    return {
        "gram": end.averaged.double().diagonal(dim1=1, dim2=2).tolist(),
        "downstream": _measured(W, drawn[:2000], drawn[2000:]).tolist(),
        "closed": downstream(W.numpy()).tolist(),
    }


def _measured(W: torch.Tensor, fit: torch.Tensor, test: torch.Tensor) -> torch.Tensor:
    """The error of a ridge regression of x₁ on W x̂, fitted on some data and measured on others: (m,)."""
    z = fit @ W.mT
    moment = z.mT @ z / len(fit) + RIDGE * torch.eye(W.shape[1], dtype=W.dtype)
    G = torch.linalg.solve(moment, (z.mT @ fit[:, 0]) / len(fit))
    predicted = ((test @ W.mT) @ G[..., None])[..., 0]
    error: torch.Tensor = (predicted - test[:, 0]).square().mean(-1)
    return error


def downstream(W: Array, a: float = 1.0) -> Array:
    """The ridge error of y = x₁ on f(x̂) = W x̂ with A0 = a I, in closed form: (…,) of W (…, d1, 2).

    >>> W = np.array([[2.0, 0.0], [0.0, 1.0]])
    >>> bool(np.isclose(downstream(W), (0.001 / 4.001) ** 2))
    True
    """
    v = a * W[..., 0]
    moment = a * W @ np.swapaxes(W, -1, -2)
    G = np.linalg.solve(moment + RIDGE * np.eye(W.shape[-2]), v[..., None])[..., 0]
    return np.asarray(a - 2 * (G * v).sum(-1) + np.einsum("...i,...ij,...j->...", G, moment, G))


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """Phases and downstream errors, trained against predicted."""
    settings = sweep.units[0]
    sigma, theta = (one.ravel() for one in np.meshgrid(settings["sigmas"], settings["thetas"], indexing="ij"))
    a, c = oriented_augmentation(sigma, theta)
    theory = predictions("beta-infonce", a, c, {"beta": BETA})
    gram, measured, closed = (np.array([one[name] for one in results]) for name in ("gram", "downstream", "closed"))
    mean, error = gram.mean(0), standard_error(gram)
    phases = {
        "trained": _phase(mean * theory.s, KEPT),
        "exact": _phase(theory.exact * theory.s, 0.0),
        "published": _phase(theory.published * theory.s, 0.0),
    }
    columns = {
        "sigma": sigma, "theta": theta, "seeds": np.full(len(sigma), len(gram)),
        "content_trained": mean[:, 0], "content_error": error[:, 0],
        "style_trained": mean[:, 1], "style_error": error[:, 1],
        "content_exact": theory.exact[:, 0], "style_exact": theory.exact[:, 1],
        "content_published": theory.published[:, 0], "style_published": theory.published[:, 1],
        **{f"phase_{name}": np.array(PHASES)[one] for name, one in phases.items()},
        "downstream_measured": measured.mean(0), "downstream_error": standard_error(measured),
        "downstream_of_trained_W": closed.mean(0),
        "downstream_exact": (RIDGE / (theory.exact[:, 0] + RIDGE)) ** 2,
    }  # fmt: skip
    table = Table(tuple(columns), list(zip(*(one.tolist() for one in columns.values()), strict=True)))
    return Shown(_drawn(table), _lines(table, theory.exact, gram))


def _phase(heights: Array, least: float) -> NDArray[np.intp]:
    """0 to 3 as in `PHASES`."""
    content, style = (heights > least).T
    return np.asarray(np.where(content, np.where(style, 0, 1), np.where(style, 2, 3)))


def _drawn(table: Table) -> Picture:
    with drawing(12.6, 4.6) as figure:
        from matplotlib.colors import ListedColormap
        from matplotlib.lines import Line2D

        above, below = figure.subplots(1, 2)
        fine = np.linspace(min(table["sigma"]) * 0.5, max(table["sigma"]) * 1.05, 240)
        x, y = np.meshgrid(fine, np.linspace(-0.05, 1.05, 220))
        exact = _exact(x, np.clip(y, 0.0, 1.0))
        above.pcolormesh(
            x, y, _phase(exact.reshape(-1, 2), 0.0).reshape(x.shape), cmap=ListedColormap(_COLOURS), vmin=-0.5,
            vmax=3.5, alpha=0.35, rasterized=True,
        )  # fmt: skip
        for name, colour in zip(PHASES, _COLOURS, strict=True):
            at = table.where(phase_trained=name)
            above.plot(at["sigma"], at["theta"], "o", color=colour, markersize=5, markeredgecolor="black",
                       markeredgewidth=0.4)  # fmt: skip
        for level, colour, style in ((1.0, "black", "-"), (2.0, VERMILION, "--")):
            with np.errstate(divide="ignore"):
                boundary = level / fine**2
            above.plot(fine, boundary, style, color=colour, linewidth=1.6)
            above.plot(fine, 1 - boundary, style, color=colour, linewidth=1.6)
        above.set(xlim=(fine[0], fine[-1]), ylim=(-0.05, 1.05), xlabel="strength σ", ylabel="orientation θ")
        dot: dict[str, Any] = {"marker": "o", "linewidth": 0, "markeredgecolor": "black", "markeredgewidth": 0.4}
        handles = [Line2D([], [], color=_COLOURS[k], label=name, **dot) for k, name in enumerate(PHASES)]
        handles += [
            Line2D([], [], color="black", label="derived: c = a"),
            Line2D([], [], color=VERMILION, linestyle="--", label="published B: c = 2a"),
        ]
        for orientation, colour, name in ((0.5, PURPLE, "isotropic, θ = ½"), (1.0, GREEN, "on the style, θ = 1"),
                                 (0.0, ORANGE, "on the content, θ = 0")):  # fmt: skip
            here = table.where(theta=orientation)
            if not len(here):
                continue
            g = _exact(fine, np.full_like(fine, orientation))[:, 0]
            below.plot(fine, (RIDGE / (g + RIDGE)) ** 2, color=colour, linewidth=1.6)
            below.errorbar(here["sigma"], here["downstream_measured"], here["downstream_error"], fmt="o",
                           color=colour, markersize=4.5)  # fmt: skip
            handles.append(Line2D([], [], color=colour, marker="o", markersize=4.5, label=name))
        below.set(
            xlabel="strength σ", ylabel="downstream error", yscale="log", xlim=(fine[0], fine[-1]), ylim=(1e-10, 3)
        )
        figure.legend(handles=handles, loc="outside right upper", labelspacing=0.7)
    return Picture(figure, table.header, table.rows)


def _exact(sigma: Array, theta: Array) -> Array:
    """Eigenvalues of WᵀW at the exact minimum, (…, 2)."""
    return predictions("beta-infonce", *oriented_augmentation(sigma, theta), {"beta": BETA}).exact


def _lines(table: Table, exact: Array, gram: Array) -> list[str]:
    phases = {name: sum(map(eq, table["phase_trained"], table[f"phase_{name}"])) for name in ("exact", "published")}
    held = [
        compared(float(exact[k, i]), gram[:, k, i].tolist(), scale=max(float(exact[k, i]), 0.05)).word
        for k, i in np.ndindex(exact.shape)
    ]
    style = table.where(theta=1.0)
    errors: dict[bool, list[float]] = {False: [], True: []}
    for sigma, error in zip(style["sigma"], style["downstream_measured"], strict=True):
        errors[sigma > 1].append(error)
    before, after = (float(np.median(one)) if one else float("nan") for one in errors.values())
    return [
        f"θ = 1: median downstream error {before:.1e} while the style is kept, {after:.1e} where it has collapsed",
        f"the trained phase is that of the exact landscape at {phases['exact']} of {len(table)} points",
        f"and that of the published B at {phases['published']} of {len(table)}",
        f"eigenvalues against the exact landscape: {tally(held)}",
    ]
