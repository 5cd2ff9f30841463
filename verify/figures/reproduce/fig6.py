"""Fig. 6: InfoNCE with f/|f|, the smallest eigenvalues of WᵀW against σ, on data as drawn and on centred data.

Printed: the same data and training as Fig. 5, the representation f(x)/|f(x)|, smallest eigenvalues of A0 roughly 0.2.
Left out and chosen: N = 100, which gives such eigenvalues (see `fig5_left`).

f/|f| does not change under W → sW, so that the eigenvalues of WᵀW have no scale of their own: they are shown at
E|Wx|² = 1. The theory of unit vectors gives all of them, from the covariance and the mean of each training set
(`verify.figures.reproduce.on_sphere`). The model of normalisation in Sec. 3.2 fixes E|f|² = c, here 1, by an infinite
penalty: its minimum as printed (Theorem 2, Eq. 11, with the mask that keeps all modes whose eigenvalue is positive) and
as derived.

N data of N(0, I) have a mean of length √(d0/N), which a loss of f/|f| sees. The mode that is lost at every σ is
compared with that mean, and with the mean of x/|Wx|, which W has to lose for the mean of f/|f| to vanish; and the
second derivative of the loss along it is taken with the mean and without (`verify.routes.reopening.means`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import catalogue
from derive.landscape.landscape import landscapes
from derive.sphere.pairs import pair_form
from numeric.landscape.phases import phase_diagram
from verify.figures.picture import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, Picture, drawing
from verify.figures.reproduce.figure import D0, RATE, STEPS, Shown
from verify.figures.reproduce.linear import SMALLEST, modes_of, trained_over, training_set
from verify.figures.reproduce.lost_mode import lost_modes, smallest_mode
from verify.figures.reproduce.on_sphere import gram_on_sphere
from verify.figures.reproduce.table import Row, Table, standard_error
from verify.routes.training.engine import Plan
from verify.running.sweeps.sweep import Settings, Sweep

TITLE = "Fig. 6: InfoNCE with f/|f|"
FULL: Settings = {
    "sigmas": [0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5], "d0": D0, "steps": STEPS, "rate": RATE,
}  # fmt: skip
QUICK: Settings = {"sigmas": [0.05, 0.5], "d0": 10, "steps": 600, "rate": 5e-3}
AS_DRAWN, CENTRED = "as drawn", "centred"
# N, the data, the rate, and how many training sets; the printed rate is constant.
FULL_SETS = ((100, AS_DRAWN, "cosine", 10), (100, CENTRED, "cosine", 10), (100, AS_DRAWN, "constant", 3))
QUICK_SETS = ((30, AS_DRAWN, "cosine", 3), (30, CENTRED, "cosine", 3))
# Where a random direction lies below, once in a thousand times above.
RARE = 1e-3
Array = NDArray[np.float64]


def sweep(*, quick: bool, seed: int) -> Sweep:
    """One unit for each training set, centred or not, and learning rate."""
    units = tuple(
        {**(QUICK if quick else FULL), "n": n, "data": data, "decay": decay, "seed": seed + k}
        for n, data, decay, sets in (QUICK_SETS if quick else FULL_SETS)
        for k in range(sets)
    )
    return Sweep("fig6", f"{__name__}:unit", units, tuple(one["n"] ** 2.0 for one in units))


def unit(
    *, n: int, d0: int, sigmas: list[float], steps: int, rate: float, data: str, decay: Any, seed: int
) -> dict[str, Any]:
    """Train one model for each σ; eigenvalues of WᵀW at E|Wx|² = 1, and what the smallest belongs to."""
    drawn = training_set(n, d0, seed)
    points = drawn - drawn.mean(0) if data == CENTRED else drawn
    plan = Plan(rate=rate, steps=steps, decay=decay)
    trained = trained_over(points, sigmas, "infonce-batch", plan, seed=seed, normalised=True)
    found: dict[str, Any] = {"a": modes_of(points)[0].tolist(), "eigenvalues": [], "lost": []}
    for sigma, gram in zip(sigmas, trained["gram"].numpy(), strict=True):
        size = float(np.sum(gram * (points.T @ points / n).numpy()) + sigma**2 * gram.trace())
        values, vectors = np.linalg.eigh(gram / size)
        found["eigenvalues"].append(np.maximum(values, 0.0).tolist())
        found["lost"].append(smallest_mode(points, drawn.mean(0).numpy(), sigma, values, vectors, seed))
    return found


def derived_penalty(a: Array, sigmas: Array) -> Array:
    """The powers of the modes at the minimum with E|f|² = 1 fixed, through order 4: (σ, modes).

    >>> derived_penalty(np.array([1.0, 1.0]), np.array([0.0])).round(3)
    array([[0.5, 0.5]])
    """
    found = phase_diagram(
        landscapes(catalogue("infonce").expand(order=4)),
        ("sigma", sigmas),
        ("set", [0.0]),
        lambda sigma, _: (a, np.broadcast_to(sigma[..., None] ** 2, (*sigma.shape, len(a)))),
        norm=1.0,
    )
    return np.asarray(found.powers[0])


def published_penalty(a: Array, sigmas: Array) -> Array:
    """Theorem 2 of Ziyin et al. 2023, Eq. 11 at c = 1, with the largest mask whose eigenvalues are all positive.

    >>> published_penalty(np.array([1.0, 1.0]), np.array([0.0])).round(3)
    array([[0.5, 0.5]])
    """
    found = np.zeros((len(sigmas), len(a)))
    for at, sigma in enumerate(sigmas):
        s = a + sigma**2
        ratio = a / s
        order = np.argsort(-ratio)
        for count in range(len(a), 0, -1):
            kept = order[:count]
            powers = (a[kept] + (2.0 - ratio[kept].sum()) / count * s[kept]) / (2 * s[kept] ** 2)
            if (powers > 0).all():
                found[at, kept] = powers
                break
    return found


def on_sphere(settings: Settings, sigmas: Sequence[float]) -> Array:
    """The eigenvalues of WᵀW at E|Wx|² = 1 for each σ, increasing, by the theory of unit vectors: (σ, modes).

    >>> found = on_sphere({"n": 30, "d0": 8, "seed": 0, "data": AS_DRAWN}, [0.02])
    >>> lost_modes(found[0])  # the mean of the training set
    1
    """
    form = pair_form(catalogue("infonce+normalised").filled())
    assert form is not None  # noqa: S101 (told the type checker; InfoNCE is of this form)
    drawn = training_set(settings["n"], settings["d0"], settings["seed"]).numpy()
    mean = drawn.mean(0)
    covariance = (drawn - mean).T @ (drawn - mean) / len(drawn)
    seen = 0 * mean if settings["data"] == CENTRED else mean
    return np.array([np.linalg.eigvalsh(gram_on_sphere(form, covariance, sigma, seen)).clip(0) for sigma in sigmas])


def shown(sweep: Sweep, results: Sequence[Any]) -> Shown:
    """The trained eigenvalues against the theory of unit vectors and the norm penalty's, a row for each model."""
    rows: list[Row] = []
    for settings, result in zip(sweep.units, results, strict=True):
        sigmas = np.array(settings["sigmas"])
        a = np.array(result["a"])
        theories = {"derived": derived_penalty, "published": published_penalty}
        penalties = {name: np.sort(of(a, sigmas), -1) for name, of in theories.items()}
        predicted = on_sphere(settings, settings["sigmas"])
        for at, sigma in enumerate(settings["sigmas"]):
            trained = np.array(result["eigenvalues"][at])
            rows.append(
                {
                    "N": settings["n"], "d0": len(a), "data": settings["data"], "rate": settings["decay"],
                    "seed": settings["seed"], "sigma": sigma, "a": float(a[0]),
                    **{f"trained_{k + 1}": float(trained[k]) for k in range(SMALLEST)},
                    "trained_mean": float(trained.mean()),
                    **{f"sphere_{k + 1}": float(predicted[at, k]) for k in range(SMALLEST)},
                    **{f"penalty_{name}_1": float(one[at, 0]) for name, one in penalties.items()},
                    "modes_lost": lost_modes(trained),
                    "modes_lost_by_sphere": lost_modes(predicted[at]),
                    **{f"modes_lost_by_{name}_penalty": int((one[at] == 0).sum()) for name, one in penalties.items()},
                    **result["lost"][at],
                }
            )  # fmt: skip
    table = Table.of(rows)
    steps = sweep.units[0]["steps"]
    form = "full size" if steps == FULL["steps"] else "quick form"
    title = f"N(0, I) in {table['d0'][0]} dimensions, {steps:,} steps, rate → 0 ({form})"
    return Shown(_drawn(table, title), _lines(table))


def _drawn(table: Table, title: str) -> Picture:
    sizes = table.distinct("N")
    with drawing(11.5, 3.5 * len(sizes) + 4.2) as figure:
        figure.suptitle(title, fontsize=12)
        panels = figure.subplots(len(sizes) + 1, 2, squeeze=False)
        for row, n in zip(panels, sizes, strict=False):
            for panel, data in zip(row, (AS_DRAWN, CENTRED), strict=True):
                _eigenvalues(panel, table.where(N=n, data=data), f"N = {n}, data {data}")
            top = max(panel.get_ylim()[1] for panel in row)
            for panel in row:
                panel.set_ylim(-0.03 * top, top)
        for row in panels[:-1]:
            row[0].set_ylabel("smallest eigenvalues\nof WᵀW at E|Wx|² = 1")
        panels[0][1].legend(loc="upper right", frameon=True, framealpha=1, edgecolor="none")
        groups = _groups(table)
        _overlaps(panels[-1][0], table, groups)
        _curvatures(panels[-1][1], table, groups)
    return Picture(figure, table.header, table.rows)


def _groups(table: Table) -> list[tuple[int, float]]:
    """N and σ at which every model on data as drawn has lost the one mode, and no other."""
    here = table.where(data=AS_DRAWN, rate="cosine")
    return [at for at in here.distinct("N", "sigma") if set(here.where(N=at[0], sigma=at[1])["modes_lost"]) == {1}]


def _eigenvalues(panel: Any, table: Table, title: str) -> None:
    """The three smallest eigenvalues, means over the training sets, against σ."""

    def mean(here: Table, column: str) -> tuple[Array, Array]:
        each = np.array([here.where(sigma=sigma)[column] for sigma in here.distinct("sigma")]).T
        return each.mean(0), standard_error(each)

    here = table.where(rate="cosine")
    sigma = here.distinct("sigma")
    for name, style, colour in (("published", "--", VERMILION), ("derived", "-", BLUE)):
        label = f"norm penalty, {name}" + (" (Thm 2)" if name == "published" else "")
        panel.plot(sigma, mean(here, f"penalty_{name}_1")[0], style, color=colour, label=label, linewidth=1)
    for k, colour in enumerate(("black", GREEN, ORANGE)):
        label = "unit vectors, all three" if k == 0 else ""
        panel.plot(sigma, mean(here, f"sphere_{k + 1}")[0], "-", color=colour, label=label)
        value, error = mean(here, f"trained_{k + 1}")
        label = f"trained, {('smallest', 'second', 'third')[k]}"
        panel.errorbar(
            sigma, value, error, fmt="o", markersize=4.5, color=colour, label=label, capsize=2, linewidth=0.8
        )
    panel.axvline(np.sqrt(np.mean(here["a"])), color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    panel.annotate(
        "σ² = a", (np.sqrt(np.mean(here["a"])), 0.3), xycoords=("data", "axes fraction"), rotation=90, ha="right",
        va="center", xytext=(-3, 0), textcoords="offset points", fontsize=9,
    )  # fmt: skip
    panel.set(xlabel="strength σ of the augmentation", title=title)


def _seeds(panel: Any, table: Table, groups: Sequence[tuple[int, float]], column: str, data: str, **style: Any) -> None:
    """A mark for each training set, side by side within a group."""
    x, y = [], []
    for at, (n, sigma) in enumerate(groups):
        values = table.where(N=n, sigma=sigma, data=data, rate="cosine")[column]
        x += list(at + np.linspace(-0.3, 0.3, len(values)))
        y += values
    panel.plot(x, y, linestyle="none", markersize=5, **style)


def _grouped(panel: Any, groups: Sequence[tuple[int, float]]) -> None:
    panel.set_xticks(range(len(groups)), [f"N = {n}\nσ = {sigma:g}" for n, sigma in groups], fontsize=9)
    panel.set_xlim(-0.6, max(len(groups) - 0.4, 0.6))


def _overlaps(panel: Any, table: Table, groups: Sequence[tuple[int, float]]) -> None:
    from scipy.stats import beta

    d0 = table["d0"][0]
    chance = float(np.sqrt(beta.ppf(1 - RARE, 0.5, (d0 - 1) / 2)))
    panel.axhspan(
        0, chance, color=GREY, alpha=0.35, linewidth=0, label=f"a random direction, in {100 * (1 - RARE):g} %"
    )
    _seeds(
        panel, table, groups, "overlap_scaled_mean", AS_DRAWN, marker="o", color=BLUE, label="with the mean of x/|Wx|"
    )
    _seeds(panel, table, groups, "overlap_mean", AS_DRAWN, marker="x", color=ORANGE, label="with the mean of x")
    _seeds(
        panel, table, groups, "overlap_mean", CENTRED, marker="o", markerfacecolor="none", color=PURPLE,
        label="centred data: with the mean taken away",
    )  # fmt: skip
    _grouped(panel, groups)
    panel.set(ylim=(0, 1.04), ylabel="|cos|", title="The mode of the smallest eigenvalue")
    panel.legend(loc="center", bbox_to_anchor=(0.5, 0.74), fontsize=9)


def _curvatures(panel: Any, table: Table, groups: Sequence[tuple[int, float]]) -> None:
    panel.axhline(0, color="black", linewidth=0.8)
    _seeds(panel, table, groups, "curvature", AS_DRAWN, marker="o", color=BLUE, label="data as drawn")
    _seeds(
        panel, table, groups, "curvature_without_mean", AS_DRAWN, marker="x", color=ORANGE,
        label="the same, its mean taken away",
    )  # fmt: skip
    _seeds(
        panel, table, groups, "curvature", CENTRED, marker="o", markerfacecolor="none", color=PURPLE,
        label="trained on centred data",
    )  # fmt: skip
    _grouped(panel, groups)
    panel.set(ylabel="L″ along it, W without it", title="Stays lost above 0, reopens below")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.45 * (high - low))
    panel.legend(loc="upper right", fontsize=9)


def _lines(table: Table) -> list[str]:
    lines = []
    for n, data, rate in table.distinct("N", "data", "rate"):
        here = table.where(N=n, data=data, rate=rate)
        first, second = (_from(here, "modes_lost", k) for k in (0, 1))
        derived, published = (_from(here, f"modes_lost_by_{name}_penalty") for name in ("derived", "published"))
        one, two = (_from(here, "modes_lost_by_sphere", k) for k in (0, 1))
        lines.append(
            f"N = {n}, data {data}, {rate} rate: a mode is lost {first}, a second {second}; by the theory of unit"
            f" vectors the first {one}, the second {two}; by the norm penalty the first {derived} as derived,"
            f" {published} as published; √a = {np.sqrt(np.mean(here['a'])):.2f}"
        )
    for n, sigma in _groups(table)[:1]:
        here = table.where(N=n, data=AS_DRAWN, rate="cosine", sigma=sigma)
        # Rounded down: they are lower bounds.
        overlap, scaled = (np.floor(1e4 * min(here[f"overlap_{name}"])) / 1e4 for name in ("mean", "scaled_mean"))
        lines.append(
            f"N = {n}, σ = {sigma:g}, {len(here)} training sets: the lost mode has |cos| ≥ {overlap:.4f} with the mean"
            f" of the data and ≥ {scaled:.4f} with that of x/|Wx|; L″ along it is {_range(here['curvature'])}, and"
            f" {_range(here['curvature_without_mean'])} with its mean taken away"
        )
    return lines


def _from(table: Table, column: str, already: int = 0) -> str:
    """From which σ on more modes than some are lost, over the training sets."""
    sets = [table.where(seed=seed).named for seed in table.distinct("seed")]
    first = [min((row["sigma"] for row in rows if row[column] > already), default=np.inf) for rows in sets]
    if np.isinf(first).all():
        return "nowhere"
    return f"from σ = {_range(first)} on" if np.isfinite(first).all() else "in some training sets"


def _range(values: Sequence[float]) -> str:
    low, high = (f"{one:.2g}" for one in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
