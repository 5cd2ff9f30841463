"""Tian, Chen and Ganguli 2021: SimSiam and BYOL with a linear predictor. Their X is A0 here, X′ is C, W_p is P.

Derived from the field of BYOL (`derive.fields`), measured by torch steps written by hand: views on cubature nodes, the
target detached, one step of SGD, of which the flow is the difference over the step.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch

from derive.fields import FIELDS
from derive.fields.field import field
from derive.fields.mode_flow import a_i, mode_flow, p, s_i, u, v, w
from derive.fields.training import Training, eta, rho
from numeric.sampling import random_covariances
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.counterexamples import others as counterexamples
from verify.papers.claims.formulas import A0, C, Symmetric, W, d1
from verify.papers.claims.others.words import P, Wa, formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Array = Any

LEDGER = Ledger(
    "tian2021",
    "Understanding Self-Supervised Learning Dynamics without Contrastive Pairs",
    "Yuandong Tian, Xinlei Chen, Surya Ganguli, ICML 2021, arXiv:2102.06810",
)
SEEN = "a conversion of arXiv:2102.06810 to text (look at the print before you write to the authors)"
LEMMA = "the flow of Lemma 1: views of zero mean or not, X = A0, X′ = C the mean covariance of an augmentation"

alpha, decay = sympy.symbols("alpha_p eta", positive=True)
tau, noise, time = sympy.symbols("tau sigma_sq t", positive=True)
s_0, p_0 = sympy.symbols("s_0 p_0", positive=True)
# F = W Wᵀ and a symmetric predictor, of Sec. 3.1.
F, P_s = Symmetric("F", d1), Symmetric("P", d1)
_HALF = sympy.Rational(1, 2)
K = (1 + noise) * (alpha * F / 2 + P_s * P_s) - tau * P_s + 3 * _HALF * decay * sympy.Identity(d1)
# The letters of the field in those of the paper.
_RATES = {rho: alpha, eta: decay}


def _training() -> Training:
    """BYOL; the decay is put in as the paper has it."""
    found = FIELDS["byol"]
    assert isinstance(found, Training)  # noqa: S101 (told the type checker)
    return replace(found, decay=False)


@cache
def _flow() -> Mapping[str, sympy.MatrixExpr]:
    """dW/dt and dP/dt without a decay."""
    return {name: formula(terms).subs(_RATES) for name, terms in field(_training()).flow.items() if name != "W_m"}


def _stepped(
    seed: int, rate: float, *, held: bool = True, target: Callable[[Array], Array] | None = None, wd: Any = (0.0, 0.0)
) -> tuple[dict[str, Any], Array, Array]:
    """Letters, and (new − old)/step of W and P by one step of SGD on J, Eq. 1, with a decay of each."""
    rng = np.random.default_rng(seed)
    data = random_covariances(rng, 3)
    W_, P_, Wa_ = (rng.standard_normal(shape) / np.sqrt(3) for shape in ((2, 3), (2, 2), (2, 3)))
    if target is not None:
        Wa_ = target(W_)
    (x1, x2), weights = data.nodes(2)
    first, second, weight = (torch.tensor(np.array(one)) for one in (x1[:, 0], x2[:, 0], weights))
    Wt, Pt = torch.tensor(W_, requires_grad=True), torch.tensor(P_, requires_grad=True)
    aim = second @ (torch.tensor(Wa_).T if held else Wt.T)
    loss = 0.5 * (weight * ((first @ Wt.T @ Pt.T - aim) ** 2).sum(-1)).sum()
    step = 1e-3
    groups = [
        {"params": [one], "lr": step * by, "weight_decay": of} for one, by, of in ((Wt, 1.0, wd[0]), (Pt, rate, wd[1]))
    ]
    optimiser = torch.optim.SGD(groups)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    moved = [(new.detach().numpy() - old) / step for new, old in ((Wt, W_), (Pt, P_))]
    letters = {"W": W_, "P": P_, "W_a": Wa_, "A_0": data.A0, "C": data.C, "Sigma": data.Sigma}
    return letters, *moved


RATE, DECAY = 2.5, 0.3
_AT = {"alpha_p": RATE, "eta": DECAY}


@LEDGER.claim(
    "tian2021:lemma1",
    where="Lemma 1, Eqs. (2) and (3)",
    says="dW_p/dt = {predictor}, dW/dt = {online}",
    recorded="conditional",
    why="An optimiser that is given one weight decay takes it at the rate of each group of parameters: that of the"
    " predictor is then α_p η. The printed flow has η for both, as if the predictor's decay were η/α_p.",
    given=LEMMA,
    seen=SEEN,
    predictor=alpha * (-P * W * (A0 + C) + Wa * A0) * W.T - decay * P,
    online=P.T * (-P * W * (A0 + C) + Wa * A0) - decay * W,
)
def lemma1() -> Iterator[Reading]:
    """The derived field, and one step of SGD with two learning rates."""
    flow = _flow()
    for name, of_predictor, wd in (
        ("the decay is a term of the flow, the same for both, or α_p = 1", decay, DECAY / RATE),
        ("one weight decay is given to an optimiser with two learning rates", alpha * decay, DECAY),
    ):
        derived = {"predictor": flow["P"] - of_predictor * P, "online": flow["W"] - decay * W}
        steps = [_stepped(seed, RATE, wd=(DECAY, wd)) for seed in (0, 1)]
        measured = [
            Measured(slot, "autodiff", "one step of SGD by hand, the target detached",
                     [Point({**at, **_AT}, found[place], 1e-9) for at, *found in steps], seed=0)
            for place, slot in enumerate(("online", "predictor"))
        ]  # fmt: skip
        yield Reading(derived, measured, name)


@LEDGER.claim(
    "tian2021:thm1",
    where="Theorem 1",
    says="W Wᵀ − W_pᵀW_p/α_p changes at the rate {rate}, so that W Wᵀ = W_pᵀW_p/α_p + exp(−2ηt) C",
    recorded="holds",
    given=LEMMA,
    seen=SEEN,
    rate=-2 * decay * (W * W.T - P.T * P / alpha),
)
def theorem1() -> Iterator[Reading]:
    """The product rule on the derived flow, and on a step by hand."""
    flow = {"W": _flow()["W"] - decay * W, "P": _flow()["P"] - decay * P}
    rate = flow["W"] * W.T + W * flow["W"].T - (flow["P"].T * P + P.T * flow["P"]) / alpha
    points = []
    for seed in (0, 1):
        at, dW, dP = _stepped(seed, RATE, wd=(DECAY, DECAY / RATE))
        both = dW @ at["W"].T, dP.T @ at["P"] / RATE
        points.append(Point({**at, **_AT}, both[0] + both[0].T - both[1] - both[1].T, 1e-8))
    yield Reading(
        {"rate": rate}, [Measured("rate", "autodiff", "one step of SGD by hand, the target detached", points)]
    )


@LEDGER.claim(
    "tian2021:thm2",
    where="Theorem 2",
    says="without the stop-gradient, W_a = W: dW/dt = {flow}, H of which is positive semi-definite",
    recorded="holds",
    given=LEMMA,
    seen=SEEN,
    flow=-(P.T * P + sympy.Identity(d1)) * W * C
    - (P - sympy.Identity(d1)).T * (P - sympy.Identity(d1)) * W * A0
    - decay * W,
)
def theorem2() -> Iterator[Reading]:
    """The derived field with what the stop takes away put back, and a step without detach."""
    found = field(replace(_training(), momentum=False))
    whole = formula([*found.terms, *found.stopped]) - decay * W
    steps = [_stepped(seed, 1.0, held=False, wd=(DECAY, 0.0)) for seed in (0, 1)]
    points = [Point({**at, "eta": DECAY}, moved, 1e-9) for at, moved, _ in steps]
    yield Reading({"flow": whole}, [Measured("flow", "autodiff", "one step of SGD by hand, nothing detached", points)])


@LEDGER.claim(
    "tian2021:thm3",
    where="Theorem 3, Eqs. (8) and (9)",
    says="with isotropic data, W_a = τW and a predictor that is kept symmetric d[F, W_p]/dt = {rate},"
    " where K = (1 + σ²)[α_p F/2 + W_p² − τ W_p/(1 + σ²)] + 3η I/2",
    recorded="holds",
    given="X = I, X′ = σ² I, F = W Wᵀ, W_p symmetric and its flow symmetrised (Assumptions 1 to 3); σ² is written"
    " sigma_sq",
    seen=SEEN,
    rate=-(F * P_s - P_s * F) * K - K * (F * P_s - P_s * F),
)
def theorem3() -> Iterator[Reading]:
    """The derived words at A0 = I and Σ = (1 + σ²) I, in which W and Wᵀ meet and are F; and steps by hand."""
    flow = field(_training()).flow
    moving = _in_F(flow["W"], "w") - decay * F
    of_P = _in_F(flow["P"]).subs(_RATES) - decay * P_s
    dF, dP = moving + moving.T, _HALF * (of_P + of_P.T)
    rate = dF * P_s - P_s * dF + F * dP - dP * F
    points = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        at = {"tau": 0.7, "sigma_sq": 0.4, **_AT}
        W_, half_P = rng.standard_normal((2, 2, 3))[:, :, :3] / 2
        P_ = half_P[:, :2] + half_P[:, :2].T
        pull = -P_ @ W_ * (1 + at["sigma_sq"]) + at["tau"] * W_
        # By hand: −∂J/∂(P W) averaged over x₁ and x₂ by automatic differentiation.
        by_torch = _isotropic(W_, P_, at["tau"], at["sigma_sq"])
        np.testing.assert_allclose(by_torch, pull, atol=1e-9)
        dW = P_.T @ by_torch - DECAY * W_
        raw = RATE * by_torch @ W_.T - DECAY * P_
        slope_P, slope_F, F_ = (raw + raw.T) / 2, dW @ W_.T + W_ @ dW.T, W_ @ W_.T
        found = slope_F @ P_ - P_ @ slope_F + F_ @ slope_P - slope_P @ F_
        points.append(Point({**at, "F": F_, "P": P_}, found, 1e-8))
    yield Reading({"rate": rate}, [Measured("rate", "autodiff", "a step by hand, the target detached", points, seed=0)])


def _in_F(terms: Any, after: str = "") -> sympy.MatrixExpr:
    """A flow at A0 = I, Σ = (1 + σ²) I and W_a = τ W, times Wᵀ where asked for, with F for W Wᵀ."""
    total = sympy.ZeroMatrix(d1, d1)
    for term in terms:
        word, value = term.word + after, term.coefficient
        value *= (1 + noise) ** word.count("S") * tau ** word.count("M")
        word = word.replace("S", "").replace("A", "").replace("M", "W").replace("Ww", "F")
        letters = {"F": F, "P": P_s, "p": P_s}
        total = total + value * sympy.MatMul(*(letters[one] for one in word))
    return total.doit()


def _isotropic(W_: Array, P_: Array, target: float, spread: float) -> Array:
    """−∂J/∂(P W): x₁ and x₂ = x + an augmentation of covariance σ² I, on signs, which are exact for quadratics."""
    n = W_.shape[1]
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * (3 * n))).reshape(3, n, -1)
    x, one, other = (torch.tensor(part.T.copy()) for part in signs)
    first, second = x + np.sqrt(spread) * one, x + np.sqrt(spread) * other
    PW = torch.tensor(P_ @ W_, requires_grad=True)
    aim = (target * second @ torch.tensor(W_).T).detach()
    (slope,) = torch.autograd.grad(0.5 * ((first @ PW.T - aim) ** 2).sum(-1).mean(), PW)
    return -slope.numpy()


@LEDGER.claim(
    "tian2021:eq14-constant",
    where="below Eq. (14)",
    says="s_j(t) = p_j²(t)/α_p + exp(−2ηt) c_j with c_j = {constant}",
    recorded="refuted",
    kind="misprint",
    why="At t = 0 Eq. (14) gives s_j(0) − p_j²(0)/α_p: the sign is turned.",
    given=LEMMA,
    tried="Eq. (14) with the other sign before exp(−2ηt) would make the constant right; but the parabolas"
    " s_j = p_j² + c_j of the same paragraph and p_j = √max(s_j − c_j, 0) of Sec. 4 have the sign of Eq. (14).",
    seen=SEEN,
    counterexample=counterexamples.constant_of_motion,
    constant=p_0**2 / alpha - s_0,
)
def constant() -> Iterator[Reading]:
    """From the derived flow of a mode, whose w² − p²/α_p only decays; and the flow by hand, integrated."""
    rates = mode_flow(_training()).rates
    moving = {w: rates[w] - decay * w, p: (rates[p]).subs(rho, alpha) - decay * p}
    kept = w**2 - p**2 / alpha
    rate = sympy.cancel(sum(sympy.diff(kept, one) * by for one, by in moving.items()) / kept)
    # kept(t) = kept(0) exp(rate t), and s_j = w².
    derived = sympy.expand(kept.subs({w: sympy.sqrt(s_0), p: p_0})) if rate == -2 * decay else sympy.nan
    points = []
    for s0, p0 in ((0.6, 0.4), (0.2, 0.9)):
        s1, p1 = _mode(s0, p0, 0.8, 0.5, 1.5)
        found = (s1 - p1**2 / RATE) * np.exp(2 * DECAY * 1.5)
        points.append(Point({"s_0": s0, "p_0": p0, **_AT}, found, 1e-7))
    measured = Measured("constant", "exact", "(s − p²/α_p) exp(2ηt) of the flow by hand, integrated", points)
    yield Reading({"constant": derived}, [measured])


def _mode(s: Any, start: Any, target: float, spread: float, until: float, eta_: Any = DECAY, rate: float = RATE) -> Any:
    """s and p of one mode after a time: w = √s moves by −∂J/∂w with the target held, p at α_p times its rate."""
    from scipy.integrate import solve_ivp

    w0, p0 = np.sqrt(np.atleast_1d(s)), np.atleast_1d(start)
    n = len(w0)

    def flow(_: float, y: Array) -> Array:
        w_, p_ = y[:n], y[n:]
        pull = (target - (1 + spread) * p_) * w_
        return np.concatenate([p_ * pull - eta_ * w_, rate * pull * w_ - eta_ * p_])

    end = solve_ivp(flow, (0, until), np.concatenate([w0, p0]), rtol=1e-10, atol=1e-12, method="LSODA").y[:, -1]
    s1, p1 = end[:n] ** 2, end[n:]
    return (s1, p1) if np.ndim(s) else (float(s1[0]), float(p1[0]))


@LEDGER.claim(
    "tian2021:fixed-points",
    where="Sec. 3.2, Eq. (16) and below",
    says="on the invariant parabola the stable state besides 0 is p_j = {kept}, which exists for η ≤ {most}",
    recorded="holds",
    given="X = I, X′ = σ² I (written sigma_sq), τ fixed; at equality the two states meet, so that there are two states"
    " and not three",
    seen=SEEN,
    kept=(tau + sympy.sqrt(tau**2 - 4 * decay * (1 + noise))) / (2 * (1 + noise)),
    most=tau**2 / (4 * (1 + noise)),
)
def fixed_points() -> Iterator[Reading]:
    """The states of the derived flow at w² = p²/α_p; and the flow by hand, integrated from large weights."""
    flow = mode_flow(_training()).rates[p].subs({rho: alpha, v: tau * w, a_i: 1, s_i: 1 + noise}) - decay * p
    rest = sympy.Poly(sympy.cancel(sympy.expand(flow.subs(w, p / sympy.sqrt(alpha))).subs(p, u) / u), u)
    states = sympy.roots(rest)
    stable = max(states, key=lambda one: float(one.subs({tau: 1, noise: 0.5, decay: 0.1})))
    (most,) = sympy.solve(sympy.discriminant(rest), decay)
    ends, folds = [], []
    for target, spread, at in ((1.0, 0.5, 0.1), (0.8, 0.2, 0.08)):
        _, p1 = _mode(0.5, 1.0, target, spread, 400.0, at)
        ends.append(Point({"tau": target, "sigma_sq": spread, "eta": at, "alpha_p": RATE}, p1, 1e-6))
        decays = np.linspace(0.02, 0.4, 400)
        _, last = _mode(np.full(400, 1 / RATE), np.ones(400), target, spread, 400.0, decays)
        fold = float(decays[last < 1e-3][0])
        folds.append(Point({"tau": target, "sigma_sq": spread}, fold, 3e-3))
    yield Reading(
        {"kept": stable, "most": most},
        [
            Measured("kept", "exact", "where the flow by hand ends from large weights", ends),
            Measured("most", "exact", "the first of 400 decays at which the flow by hand ends at 0", folds),
        ],
    )


@LEDGER.claim(
    "tian2021:directpred-basin",
    where="Sec. 4",
    says="DirectPred need not begin outside of the basin of collapse: small weights grow: {grow}",
    recorded="conditional",
    why="W_p is set and has no start; W has one. With a weight decay the predictor √s is as small as the weights, and"
    " small weights decay as before."
    " What ε adds, ε max_j s_j, lets a mode grow beside one that is large, not from small weights of all modes.",
    given="F = W Σ Wᵀ known exactly, squared distances without a normalisation; λ_i > 0",
    seen=SEEN,
    grow=True,
)
def directpred() -> Iterator[Reading]:
    """The rate of the derived flow at small weights, and steps by hand with P set from F, from W = 0.02."""
    found = mode_flow(FIELDS["directpred"])  # type: ignore[arg-type]
    names = {one.name: one for one in found.rate.free_symbols}
    # Small weights of all modes: the largest eigenvalue is of the order of u².
    rate = found.rate.subs({names["sigma_max"]: s_i * u**2})
    for name, at, other in (
        ("no weight decay", 0.0, 0.02),
        ("a weight decay, all weights small", 0.05, 0.02),
        ("a weight decay, beside a mode that is large", 0.05, 0.8),
    ):
        here = found.rate if other > 0.1 else rate
        put = {"eta": sympy.Float(at), "sigma_max": sympy.Float(1.5 * other**2), "epsilon": sympy.Rational(1, 10)}
        value = here.subs({names[one]: number for one, number in put.items() if one in names})
        value = value.subs({a_i: 1, s_i: sympy.Rational(3, 2)})
        grows = bool(value.subs(u, sympy.Rational(1, 50)) > 0)
        quantity = "whether a small mode grows in a step of SGD by hand, P set from F and ε = 1/10"
        seen = _grows(at, other, 0.1)
        measured = Measured("grow", "autodiff", quantity, [Point({"w": 0.02}, seen)], note=f"η = {at}")
        yield Reading({"grow": grows}, [measured], name)


def _grows(at: float, other: float, boost: float) -> bool:
    """Two modes, W = diag(0.02, other): whether the first is larger after a step, X = I and X′ = I/2."""
    W_ = torch.tensor(np.diag([0.02, other]), requires_grad=True)
    second = 1.5 * (W_ @ W_.T).detach()
    values, vectors = torch.linalg.eigh(second)
    P_ = (vectors * (values.clamp(min=0).sqrt() + boost * values.max())) @ vectors.T
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(3, 2, -1)
    x, one, two = (torch.tensor(part.T.copy()) for part in signs)
    first, aim = x + np.sqrt(0.5) * one, ((x + np.sqrt(0.5) * two) @ W_.T).detach()
    loss = 0.5 * ((first @ W_.T @ P_.T - aim) ** 2).sum(-1).mean() + 0.5 * at * (W_**2).sum()
    (slope,) = torch.autograd.grad(loss, W_)
    return bool(slope[0, 0] < 0)
