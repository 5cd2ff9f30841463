"""The figures: trained at the printed settings, which takes minutes to an hour, and compared with the theory.

A figure's models are those of `quartic reproduce`, which are trained with losses written by hand; their results are
kept in ``out/figures``, so that a run goes on where it stopped. The figures of deep networks are not judged here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive import catalogue
from derive.landscape.collapse import collapse
from derive.landscape.conditions import at_most_zero
from derive.landscape.landscape import MODE_I, a_i, c_i, landscapes
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import beta, landau
from verify.papers.claims.iclr.landau import with_strong_augmentation
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.table1_minima import GONE as MODE_GONE
from verify.papers.claims.iclr.table1_minima import Trained

if TYPE_CHECKING:
    from derive.landscape.conditions import Condition

FOLDER = Path("out") / "figures"
beta_, T = sympy.symbols("beta T")
HALF = sympy.Rational(1, 2)
# A mode counts as kept, or as gone, where h = (a + c) g is above, or below: what noise leaves lies between.
KEPT, GONE = 0.02, 0.004


def trained(name: str) -> list[tuple[dict[str, Any], Any]]:
    """The settings of each unit of a figure's sweep, and what was trained; what is there already is not run again."""
    from verify.figures.reproduce.run import plan
    from verify.running.sweeps.running import run
    from verify.running.sweeps.writing import usable_folder

    sweep = plan(name)
    results = run(sweep, usable_folder(FOLDER) / f"{name}.jsonl", workers=os.cpu_count() or 1)
    return list(zip(sweep.units, results, strict=True))


def rows(name: str) -> list[dict[str, Any]]:
    """The table behind a figure."""
    from verify.figures.reproduce.figure import find_figure
    from verify.figures.reproduce.run import plan

    found = find_figure(name).shown(plan(name), [result for _, result in trained(name)]).picture
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def between(strengths: Iterable[float], heights: Iterable[float]) -> tuple[float, float] | None:
    """The augmentation at which a mode is lost: the middle of the last where it is kept and the first where it is gone.

    >>> between([1.0, 2.0, 4.0], [0.3, 0.1, 0.001])
    (3.0, 1.0)
    """
    pairs = list(zip(strengths, heights, strict=True))
    kept = [one for one, height in pairs if height > KEPT]
    gone = [one for one, height in pairs if height < GONE]
    if not kept or not gone or max(kept) > min(gone):
        return None
    return (max(kept) + min(gone)) / 2, (min(gone) - max(kept)) / 2


def threshold() -> sympy.Expr:
    """c_i at which a mode of β-InfoNCE collapses."""
    (found,) = landscapes(catalogue("beta-infonce").expand(4))
    (critical,) = sympy.solve(found.b(), c_i)
    return critical


@ICLR.claim(
    "iclr:fig1",
    where="Fig. 1",
    says="toy landscapes of diag(r1, r2), stars at the minima: there are ones without collapse {none}, with dimensional"
    " collapse {dimensional}, with complete collapse {complete}",
    recorded="conditional",
    why="The caption does not name the loss. With β-InfoNCE below β = 1, or with weight decay, all three are there;"
    " InfoNCE, weighted InfoNCE and the spectral loss have the first alone, at every augmentation.",
    given="The global minimum of a linear model on Gaussian data, a_i > 0, d1 = d0 = 2.",
    counterexample=landau.infonce_keeps_both,
    none=True,
    dimensional=True,
    complete=True,
)
def figure_1() -> Iterator[Reading]:
    """Whether no, one or all of two modes can be zero at the minimum: the conditions, and losses by hand minimised."""
    decay = {"gamma": 1.5}
    for name, given, put, spectra in (
        ("β-InfoNCE, β = ½", "beta-infonce", {"beta": 0.5}, ((0.5, 0.3), (1.4, 0.3), (1.6, 1.2))),
        ("InfoNCE with weight decay", "infonce+weight-decay", decay, ((1.0, 1.0), (1.0, 1.0), (1.0, 1.0))),
        ("InfoNCE", "infonce", {}, ((0.5, 0.3), (20.0, 0.3), (20.0, 20.0))),
        ("the spectral contrastive loss", "spectral", {}, ((0.5, 0.3), (20.0, 0.3), (20.0, 20.0))),
    ):
        scales = ((2.0, 3.0), (1.0, 3.0), (1.0, 0.5)) if "decay" in given else ((1.0, 1.0),) * 3
        found = collapse(catalogue(given).expand(4)).dimensional
        assert found is not None  # noqa: S101 (told the type checker; these losses are decided)
        seen = []
        for a, c in zip(scales, spectra, strict=True):
            end = Trained(given.partition("+")[0], a, c, {k: v for k, v in put.items() if k == "beta"},
                          gamma=put.get("gamma", 0.0))  # fmt: skip
            seen.append(int((end.eigenvalues < MODE_GONE).sum()))
        lost = [sum(_lost(found, one, two, put) for one, two in zip(a, c, strict=True))
                for a, c in zip(scales, spectra, strict=True)]  # fmt: skip
        slots = {"none": 0, "dimensional": 1, "complete": 2}
        where = "; ".join(f"a = {a}, c = {c}" for a, c in zip(scales, spectra, strict=True))
        yield Reading(
            {slot: number in lost for slot, number in slots.items()},
            [Measured(slot, "trained", "how many modes are zero where the loss by hand is lowest",
                      [Point({}, number in seen)], note=where) for slot, number in slots.items()],
            name=name,
        )  # fmt: skip


def _lost(condition: Condition, a: float, c: float, values: Mapping[str, float]) -> bool:
    if condition.formula in (sympy.true, sympy.false):
        return bool(condition.formula == sympy.true)
    return bool(condition.holds([a], [c], values))


@ICLR.claim(
    "iclr:fig3",
    where="Fig. 3, upper panel",
    says="β = ½, unit features: trained models lose the content where σ²(1 − θ), and the style where σ²θ, reaches"
    " {limit}",
    recorded="conditional",
    given="The upper panel; the lower one is iclr:fig3-downstream. β = ½, trained models of d1 = 2.",
    slow=True,
    why="Trained models lose a mode at c = a = 1. The printed leading term, B = A0 − (1 − β)C, would have it at c = 2.",
    counterexample=beta.threshold_at_one_half,
    limit=T,
)
def figure_3() -> Iterator[Reading]:
    """The content along θ = 0, the style along θ = 1, for each seed."""
    points: list[Point] = []
    for settings, result in trained("fig3"):
        sigma, theta = (np.ravel(one) for one in np.meshgrid(settings["sigmas"], settings["thetas"], indexing="ij"))
        gram = np.array(result["gram"])
        for mode, end in ((0, 0.0), (1, 1.0)):
            along = theta == end
            c = sigma[along] ** 2
            found = between(c, (1 + c) * gram[along, mode])
            points += [] if found is None else [Point({}, found[0], found[1])]
    derived = {"limit": threshold().subs({a_i: 1, beta_: HALF})}
    measured = [Measured("limit", "trained", "c between a mode kept and gone", points, note="3 seeds")]
    for name, strength in (
        ("T is that of the leading term as printed, A0 − (1 − β)C", 1 / (1 - HALF)),
        ("T is that of Sec. 4.2 in words, c_i = a_i", sympy.S.One),
    ):
        yield Reading(derived, measured, name=name, definitions={T: strength})


@ICLR.claim(
    "iclr:fig5-left",
    where="Fig. 5, left",
    says="InfoNCE, data from N(0, I) in 32 dimensions, Adam 6·10⁻⁴, full batch, 5,000 iterations: with σ the"
    " smallest singular values of WᵀW {trend} by its fourth power; they vanish at some σ: {vanish}",
    recorded="refuted",
    kind="misprint",
    given="N = 100 and 400 data, whose number is not printed; σ ≥ 2, the last eigenvalue, learning rate decayed to 0.",
    tried="'Scale as σ⁴' as one over σ⁴, which is right.",
    slow=True,
    why="They fall as σ⁻⁴, as iclr:infonce-scaling has it; none vanishes.",
    counterexample=landau.infonce_at_strong_augmentation,
    trend="grow",
    vanish=False,
)
def figure_5_left() -> Iterator[Reading]:
    """The exponent that the landscape tends to; trained eigenvalues over σ from 2 on, where it has settled."""
    growth, vanishes = with_strong_augmentation()
    derived = {"trend": "fall" if growth < 0 else "grow", "vanish": vanishes}
    table = [row for row in rows("fig5-left") if row["mode"] == 1 and row["sigma"] >= 2]
    trends, vanished, notes = [], [], []
    for size in sorted({row["N"] for row in table}):
        here = sorted((row["sigma"], row["trained_cosine"], row["trained_cosine_error"]) for row in table
                      if row["N"] == size)  # fmt: skip
        s, value, error = (np.array(one, dtype=float) for one in zip(*here, strict=True))
        slope = float(np.polyfit(np.log(s), np.log(value), 1)[0])
        trends.append(Point({}, "fall" if slope < 0 else "grow"))
        vanished += [Point({}, bool(one < 3 * off)) for one, off in zip(value, error, strict=True)]
        notes.append(f"σ^{slope:.2f} at N = {size}")
    measured = [
        Measured("trend", "trained", "slope of log λ against log σ", trends, note=", ".join(notes)),
        Measured("vanish", "trained", "whether the mean over seeds is within 3 standard errors of 0", vanished),
    ]
    yield Reading(derived, measured)


@ICLR.claim(
    "iclr:fig5-mid",
    where="Fig. 5, middle",
    says="weighted InfoNCE, α = 0.1, σ = 5: below the critical N of Eq. (17) the smallest eigenvalue vanishes:"
    " {vanishes}; at α = 1 it does not, and so α decides: {decides}",
    recorded="refuted",
    kind="error",
    given="N < 100, the printed Adam at a constant rate, fresh noise in each step; four seeds.",
    tried="As drawn, the critical N is (1 − α) c_i/a_i, the inverse of Eq. (17). Below it a row of W on a lost"
    " direction lowers the loss at every N and α, to all orders: see iclr:eq17.",
    slow=True,
    why="Trained at the printed settings the smallest eigenvalue falls smoothly with N, vanishes nowhere, and is the"
    " same to a few per cent at α = 0.1 and at α = 1, where nothing is said to collapse. The minimum with"
    " fresh noise keeps every mode in which the training set varies, at each N and α (iclr:eq17).",
    falls=("iclr:eq17",),
    counterexample=landau.weighted_above_the_critical_size,
    vanishes=True,
    decides=True,
)
def figure_5_mid() -> Iterator[Reading]:
    """b_i of a fixed training set for every α and N; trained models of both α on the same data and noise."""
    B = catalogue("weighted-infonce").expand(2, sampling="fixed").B
    held = at_most_zero(B["A0"] * MODE_I["A"] + B["C"] * MODE_I["C"]) != sympy.false
    at_one = at_most_zero(B["A0"].subs("alpha", 1) * MODE_I["A"] + B["C"] * MODE_I["C"]) != sympy.false
    table = [row for row in rows("fig5-mid") if row["mode"] == 1 and row["rate"] == "constant" and row["N"] < 100]
    gone = [{alpha: row[f"trained_alpha_{alpha}"] < 3 * row[f"error_alpha_{alpha}"] for alpha in ("0.1", "1")}
            for row in table]  # fmt: skip
    note = "; ".join(f"N = {row['N']}: {row['trained_alpha_0.1']:.2e} ± {row['error_alpha_0.1']:.0e} at α = 0.1,"
                     f" {row['trained_alpha_1']:.2e} at α = 1" for row in table)  # fmt: skip
    yield Reading(
        {"vanishes": held, "decides": held != at_one},
        [
            Measured("vanishes", "trained", "whether it is within 3 standard errors of 0 below N = 100",
                     [Point({}, bool(one["0.1"])) for one in gone], note=note),
            Measured("decides", "trained", "whether it vanishes at α = 0.1 and not at α = 1",
                     [Point({}, bool(one["0.1"] and not one["1"])) for one in gone]),
        ],
        how="which modes the origin holds, b_i ≤ 0, derived from the definition",
    )  # fmt: skip


@ICLR.claim(
    "iclr:fig5-right",
    where="Fig. 5, right",
    says="β-InfoNCE, d0 = 5: trained models lose mode i where σ²/a_i reaches {limit}, the predicted collapse point",
    recorded="conditional",
    given="d0 = d1 = 5, N = 100 and 200, β = ½ and 0.7.",
    slow=True,
    why="They lose it at σ² = a_i β/(1 − β). That is the a_i of Sec. 4.2's words at β = ½ alone, and never what the"
    " printed"
    " leading term gives, a_i/(1 − β).",
    counterexample=beta.threshold_at_one_half,
    limit=T,
)
def figure_5_right() -> Iterator[Reading]:
    """The mean over the modes of all training sets, which differ in a_i: at β = ½ and 0.7."""
    for name, strength, betas in (
        ("predicted by the leading term as printed, A0 − (1 − β)C", 1 / (1 - beta_), (0.5, 0.7)),
        ("predicted by Sec. 4.2 in words, c_i = a_i, at β = ½", sympy.S.One, (0.5,)),
    ):
        points = []
        for share in betas:
            ratios = [
                found[0] / a
                for settings, result in trained("fig5-right")
                if settings["beta"] == share
                for c in (np.array(settings["sigmas"]) ** 2,)
                for k, a in enumerate(result["a"])
                for found in (between(c, (a + c) * np.array(result["modes"])[:, k]),)
                if found is not None
            ]
            error = float(np.std(ratios, ddof=1) / np.sqrt(len(ratios)))
            points.append(Point({"beta": share, "modes": len(ratios)}, float(np.mean(ratios)), error))
        critical = threshold().subs(a_i, 1)
        derived = {"limit": critical if len(betas) > 1 else critical.subs(beta_, HALF)}
        quantity = "σ²/a_i between a mode kept and gone, mean over the modes of all training sets"
        measured = [Measured("limit", "trained", quantity, points, noisy=True, seed=0)]
        yield Reading(derived, measured, name=name, definitions={T: strength})


@ICLR.claim(
    "iclr:fig6",
    where="Fig. 6",
    says="InfoNCE with f/‖f‖: the smallest eigenvalues of WᵀW vanish at an augmentation much smaller than the feature"
    " variation, σ² ≪ a: {early}",
    recorded="holds",
    slow=True,
    early=True,
)
def figure_6() -> Iterator[Reading]:
    """At a tenth of the smallest a, or below: a mode is lost by the theory of unit vectors, and by training.

    On data as drawn one mode is lost at every σ, that of the mean of the sample (`verify.routes.reopening.means`). No
    augmentation is needed for it, and it does not count here: centred data lose none there.
    """
    from verify.figures.reproduce.fig6 import on_sphere
    from verify.figures.reproduce.lost_mode import lost_modes

    modes = {}
    for settings, result in trained("fig6"):
        if settings["n"] == 100 and settings["decay"] == "cosine":
            sigma = float(np.sqrt(0.1 * min(result["a"])))
            modes[settings["data"], settings["seed"]] = lost_modes(on_sphere(settings, [sigma])[0])
    table = [row for row in rows("fig6") if row["N"] == 100 and row["rate"] == "cosine"]
    for data, already, name in (
        ("centred", 0, "the data are centred"),
        ("as drawn", 1, "the data are as drawn, with a mean, and the mode that it takes away at every σ is left out"),
    ):
        shares = first_lost([row for row in table if row["data"] == data], already)
        found = [one for one in shares if np.isfinite(one)]
        mean = float(np.mean(found)) if found else np.inf
        error = float(np.std(found, ddof=1) / np.sqrt(len(found))) if len(found) > 1 else np.inf
        early = len(found) == len(shares) and mean + 3 * error <= 0.1
        note = f"σ²/a = {mean:.3f} ± {error:.3f} in {len(found)} of {len(shares)} training sets, N = 100"
        quantity = "whether the first mode is lost at σ² ≤ a/10, three standard errors included"
        seen = Measured("early", "trained", quantity, [Point({}, bool(early))], note=note)
        derived = [lost > already for (of, _), lost in modes.items() if of == data]
        how = "the shares at the minimum, from the covariance and the mean of each training set"
        yield Reading({"early": bool(derived) and all(derived)}, [seen], name=name, how=how)


def first_lost(table: Sequence[Mapping[str, Any]], already: int = 0) -> list[float]:
    """σ²/a at which each training set has lost more modes than some: between the last σ without and the first with.

    It is 0 where they are lost at the weakest augmentation, and infinite where they are lost at none.

    >>> one = {"seed": 0, "a": 2.0}
    >>> first_lost([{**one, "sigma": s, "modes_lost": k} for s, k in ((1.0, 0), (2.0, 1), (3.0, 2))])
    [1.25]
    """
    found = []
    for seed in sorted({row["seed"] for row in table}):
        here = sorted((row["sigma"] ** 2 / row["a"], row["modes_lost"]) for row in table if row["seed"] == seed)
        gone = min((share for share, lost in here if lost > already), default=np.inf)
        kept = max((share for share, _ in here if share < gone), default=gone)
        found.append(float((kept + gone) / 2) if kept < gone else 0.0)
    return found


@ICLR.claim(
    "iclr:fig7",
    where="Fig. 7",
    says="tanh and ReLU networks, d1 = 2, the last layer rescaled as in Fig. 1: the origin is a minimum under weak"
    " augmentation {weak}, under strong augmentation {strong}",
    recorded="conditional",
    why="The loss is not named. Of InfoNCE, weighted InfoNCE and NT-Xent the curvature at a = 0 is −Tr[WKWᵀ] with K ="
    " E φ(x)φ(x′)ᵀ − E φ E φᵀ ⪰ 0 for any features: no augmentation makes the origin a minimum. Trained as printed"
    " with β-InfoNCE at β = ½ (docs/figures/fig7.csv) the middle panel is no dimensional collapse: at σ = 1.3 the"
    " minimum has r₁ and r₂ from 0.96 to 1.04 in all four networks.",
    given="Order 2 in a, exact for any features; random hidden layers here, trained ones in docs/figures/fig7.csv.",
    counterexample=landau.infonce_of_features,
    weak=False,
    strong=True,
)
def figure_7() -> Iterator[Reading]:
    """The curvature of L(aW) at a = 0, from the derived B with the moments of the features, and from the loss."""
    for name, share in (("beta-infonce", 0.5), ("infonce", 1.0)):
        B = catalogue(name).expand(2, basis="A0,C").B
        weights = [float(B[letter].subs("beta", share)) for letter in ("A0", "C")]
        derived: dict[str, set[bool]] = {"weak": set(), "strong": set()}
        measured = {slot: [] for slot in derived}  # type: ignore[var-annotated]
        for slot, sigma in (("weak", 0.3), ("strong", 6.0)):
            for activation in (np.tanh, lambda x: np.maximum(x, 0.0)):
                z, pair, far = _embedded(activation, sigma)
                mean = np.concatenate((z, pair, far)).mean(0)
                K = float(((z - mean) * (pair - mean)).sum(1).mean())
                spread = float(np.mean([((one - mean) ** 2).sum(1).mean() for one in (z, pair, far)]))
                derived[slot].add(-(weights[0] * K + weights[1] * (spread - K)) > 0)
                change = _loss(1e-2, z, pair, far, share) - _loss(0.0, z, pair, far, share)
                measured[slot].append(Point({}, bool(change > 0)))
        yield Reading(
            {slot: signs == {True} for slot, signs in derived.items()},
            [Measured(slot, "exact", "whether L(aW) rises from a = 0 on 500 data, tanh and ReLU, two hidden layers",
                      points, seed=0) for slot, points in measured.items()],
            name="β-InfoNCE, β = ½" if share < 1 else "InfoNCE",
        )  # fmt: skip


def _embedded(activation: Callable[[Any], Any], sigma: float) -> list[Any]:
    """Three views of 500 data through two random hidden layers and a last one."""
    rng = np.random.default_rng(0)
    hat = rng.standard_normal((500, 8))
    layers = [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in ((8, 32), (32, 32))]
    last = rng.standard_normal((32, 2))
    found = []
    for _ in range(3):
        z = hat + sigma * rng.standard_normal(hat.shape)
        for layer in layers:
            z = activation(z @ layer)
        found.append(z @ last)
    return found


def _loss(a: float, z: Any, pair: Any, far: Any, share: float) -> float:
    """β-InfoNCE of the rescaled embeddings, χ another view of any datum of the set."""
    apart = ((z[:, None] - far[None]) ** 2).sum(-1)
    pull = a**2 * ((z - pair) ** 2).sum(1).mean() / 2
    return float(pull + share * np.log(np.exp(-(a**2) * apart / 2).mean(1)).mean())


_DEEP = "networks of full size on CIFAR-10, which need a CUDA device (bench/gpu.sh) and have not been run on one"
_RESNET = (
    "ResNet-18 on CIFAR-10, SimCLR, d1 = 128, weight decay 10⁻³, Gaussian-noise augmentation: the loss under"
    " W_last → aW_last, and under (r1, r2) on the larger and the smaller half of its singular values"
)
_IMBALANCE = (
    "CIFAR-10 with the printed imbalanced class counts: InfoNCE against SCL, with and without projector, linear"
    " evaluation"
)
ICLR.not_run("iclr:fig2-resnet", where="Fig. 2, upper row", says=_RESNET, waits_for=_DEEP)
ICLR.not_run("iclr:fig2-vit", where="Fig. 2, lower row", says="the same for a ViT", waits_for=_DEEP)
ICLR.not_run("iclr:fig4", where="Fig. 4", says=_IMBALANCE, waits_for=_DEEP)
