"""Losses of the language drawn at random, each with its truth through order 4 and beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import sympy

from derive import Loss
from statements.parts import CLOSED, COORDINATES, LINEAR, QUARTIC, WITHOUT_BIAS, Part, decay, penalty
from statements.polynomials import Data, Polynomial
from statements.samples import SAMPLES

R = sympy.Rational
NUMBERS = tuple(map(R, ("1", "1", "2", "1/2", "3/2", "1/3", "3")))
NAMES = ("alpha", "beta", "mu", "nu", "xi", "eta", "delta", "omega")
rho, N = sympy.symbols("rho N")
TIMES = (*map(R, ("1", "1/2", "2")), 1 / sympy.Symbol("tau"))
COUNTS = (2, 2, 3, 4, 6)


@dataclass(frozen=True)
class Drawn:
    """A loss and what is true of it.

    Attributes:
        seed: that makes it again.
        loss: the definition.
        parts: what it is made of, in words.
        through4: less the constant.
        exact: the polynomial in the loss to all orders.
        beyond: what is not a polynomial.
        known: whether `exact` and `beyond` are the whole loss, and not its growth alone.
        limit: the parameter that goes to infinity, whose penalty fixes E|f|².
        target: what that is fixed to.
        kind: of which family it is.

    """

    seed: int
    loss: Loss
    parts: tuple[str, ...]
    through4: Polynomial
    exact: Polynomial
    beyond: tuple[Any, ...] = ()
    known: bool = True
    limit: str | None = None
    target: sympy.Expr | None = None
    kind: str = ""

    @property
    def parameters(self) -> set[str]:
        """The names of its parameters, d1 not among them."""
        return set(self.loss.parameters) - {"d1"}

    def values(self, random: Random) -> dict[str, float]:
        """Numbers for the parameters: positive, N ≥ 2, ρ between 0 and 1, ζ negative and φ of either sign."""
        found = {}
        for name in sorted(self.parameters):
            if name == "N":
                found[name] = float(random.choice(COUNTS))
            elif name == "rho":
                found[name] = random.uniform(0.02, 0.98)
            elif name == "zeta":
                found[name] = -float(np.exp(random.uniform(-2.3, 2.3)))
            elif name == "phi":
                found[name] = random.gauss(0.0, 1.5)
            else:
                found[name] = float(np.exp(random.uniform(-2.3, 2.3)))
        return found


def drawn(seed: int) -> Drawn:
    """A random loss."""
    random = Random(seed)
    kind = random.choice(("polynomial", "polynomial", "coordinates", "closed", "closed", "samples", "degenerate"))
    bias = kind != "samples" and random.random() < 0.15
    names = iter(random.sample(NAMES, len(NAMES)))
    parts: list[tuple[str, Part]] = []

    def weight(*, positive: float = 0.5) -> sympy.Expr:
        return _weight(random, names, positive)

    def add(family: Mapping[str, Any], chosen: list[str], given: list[Any], *, positive: float) -> None:
        for name in chosen:
            by = weight(positive=positive)
            parts.append((f"{by} × {name}", family[name](*given).weighted(by)))

    def some(family: Mapping[str, Any], least: int, most: int) -> list[str]:
        return random.sample(sorted(family), random.randint(least, most))

    add(LINEAR, some(LINEAR, 0 if random.random() < 0.15 else 1, 2), [bias], positive=0.35)
    mostly = random.choice((0.5, 0.85, 1.0))
    if kind == "polynomial":
        add(QUARTIC, some(QUARTIC, 1, 3), [bias], positive=mostly)
    elif kind == "coordinates":
        chosen = [name for name in some(COORDINATES, 1, 3) if not (bias and name.endswith("batch"))]
        add(COORDINATES, chosen, [bias], positive=mostly)
        add(QUARTIC, some(QUARTIC, 0, 1), [bias], positive=mostly)
    elif kind == "closed":
        known = [name for name in CLOSED if not bias or name in WITHOUT_BIAS]
        for name in random.sample(known, random.choice((1, 1, 2))):
            by = weight(positive=mostly)
            parts.append((f"{by} × {name}", CLOSED[name](random.choice(TIMES)).weighted(by)))
        if random.random() < 0.3:
            add(QUARTIC, some(QUARTIC, 1, 1), [bias], positive=mostly)
    elif kind == "samples":
        alpha = random.choice((sympy.S.One, sympy.Symbol("lamda"), R(1, 2)))
        (name,) = some(SAMPLES, 1, 1)
        by = random.choice((sympy.S.One, sympy.S.One, R(1, 2), -sympy.S.One, sympy.Symbol("beta")))
        names = (one for one in list(names) if one != "beta")
        parts.append((f"{by} × {name}", SAMPLES[name](random.choice(TIMES), alpha).weighted(by)))
        if random.random() < 0.3:
            add(QUARTIC, some(QUARTIC, 1, 1), [bias], positive=mostly)
    else:
        parts += _degenerate(random, bias=bias)
    if not parts:
        return drawn(seed + 1_000_003)
    fixed = random.random() < 0.25
    limit = "kappa" if fixed and random.random() < 0.4 and kind not in ("closed", "samples") else None
    kappa = sympy.Symbol("kappa") if limit or random.random() < 0.6 else random.choice(NUMBERS)
    c = sympy.Symbol("c") if random.random() < 0.6 else random.choice(NUMBERS)
    gamma = sympy.Symbol("gamma") if random.random() < 0.6 else random.choice(NUMBERS)
    decays = random.random() < 0.2
    return assembled(
        parts, seed, kind, norm=(kappa, c) if fixed else None, gamma=gamma if decays else None, bias=bias, limit=limit
    )


def assembled(
    parts: list[tuple[str, Part]],
    seed: int = 0,
    kind: str = "",
    *,
    norm: tuple[sympy.Expr, sympy.Expr] | None = None,
    gamma: sympy.Expr | None = None,
    bias: bool = False,
    limit: str | None = None,
) -> Drawn:
    """A loss and its truth from parts.

    Args:
        parts: each with what it is called.
        seed: of the settings at which it is checked.
        kind: of which family it is.
        norm: κ and c of a norm penalty.
        gamma: the strength of weight decay.
        bias: whether the model has one.
        limit: the parameter that goes to infinity.

    """
    loss = Loss(sum(part.node for _, part in parts), name=f"random-{seed}")
    through4, exact = Polynomial(), Polynomial()
    beyond: list[Any] = []
    for _, part in parts:
        through4 += part.through4
        exact += part.whole
        beyond += part.beyond
    said = [name for name, _ in parts]
    if norm is not None:
        loss = loss.with_norm_penalty(*norm)
        through4 += penalty(*norm, bias=bias)
        exact += penalty(*norm, bias=bias)
        said.append(f"{norm[0]} × norm penalty to {norm[1]}" + (" in the limit" if limit else ""))
    if gamma is not None:
        loss = loss.with_weight_decay(gamma)
        through4 += decay(gamma)
        exact += decay(gamma)
        said.append(f"{gamma} × weight decay")
    if bias:
        loss = loss.with_bias()
        said.append("bias")
    known = all(part.known for _, part in parts)
    target = norm[1] if norm is not None and limit else None
    return Drawn(seed, loss, tuple(said), through4, exact, tuple(beyond), known, limit, target, kind)


def _weight(random: Random, names: Any, positive: float) -> sympy.Expr:
    """A coefficient: a number, a parameter, or one whose sign depends on a parameter."""
    sign = 1 if random.random() < positive else -1
    kind = random.random()
    if kind < 0.5:
        return sign * random.choice(NUMBERS)
    if kind < 0.72:
        return sign * sympy.Symbol(next(names))
    if kind < 0.84:
        return sign * random.choice((sympy.Symbol(next(names)) - 1, 1 - sympy.Symbol(next(names))))
    if kind < 0.9:
        return sign * sympy.Symbol(next(names)) / (1 + sympy.Symbol(next(names)))
    if kind < 0.93:
        return sign * random.choice((N - 1, (N - 1) / N, N - 2, (N - 3) / N))
    if kind < 0.96:
        # Declared to be negative, or to be any real number.
        return sign * random.choice((sympy.Symbol("zeta", negative=True), sympy.Symbol("phi", real=True)))
    return sign * random.choice(
        (sympy.log(1 - rho), sympy.sqrt(2) - 1, sympy.log(2), 1 - rho, sympy.cos(2), sympy.log(3) - 1)
    )


def _degenerate(random: Random, *, bias: bool) -> list[tuple[str, Part]]:
    """Landscapes at an edge: no quartic, q₁ + q₂ = 0, no linear part, products of traces alone."""
    one = random.choice(NUMBERS)
    pairs = {
        "no quartic": [],
        "q1 + q2 = 0": [("spectral", one), ("norm squared", -one)],
        "single less product of A": [("paired", one), ("alignment squared", -one)],
        "a product alone": [("norm squared", one)],
        "a product of A alone": [("alignment squared", random.choice((one, -one)))],
        "a mixed product": [("alignment by norm", one)],
        "cancelling": [("spectral", one), ("crossed", -one)],
        "distances alone": [("distances", one)],
    }
    name = random.choice(sorted(pairs))
    return [(f"{weight} × {part}", QUARTIC[part](bias).weighted(weight)) for part, weight in pairs[name]]


def data(random: Random, d0: int, *, commuting: bool) -> Data:
    """Covariances with eigenvalues between 0.05 and 3, and of C also smaller ones."""

    def one() -> np.ndarray:
        values = np.exp([random.uniform(-3, 1.1) for _ in range(d0)])
        if commuting:
            return np.diag(values)
        entries = np.array([[random.gauss(0, 1) for _ in range(d0)] for _ in range(d0)])
        rotation, _ = np.linalg.qr(entries)
        return np.asarray(rotation * values @ rotation.T)

    return Data(one(), one())
