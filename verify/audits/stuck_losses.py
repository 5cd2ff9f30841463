"""What training losses are stuck at: published losses, the factors that their codes put in front, and usual settings.

Each is a definition, whose value at collapse is derived (`derive.sphere.collapsed`); none of the values stands here.
The settings are those of papers and codes: they rank what fits, and never decide it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from derive import Loss, Mean, catalogue, cosine, exp, inner, log, views
from derive.sphere.collapsed import levels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from derive.sphere.collapsed import Level

Array = NDArray[np.float64]

N, K, M, tau, tau_base = sympy.symbols("N K M tau tau_base")
x, x_pos, chi, chi_pos = views("x, x_pos, chi, chi_pos")


@dataclass(frozen=True)
class Published:
    """A loss as it is published.

    Attributes:
        title: its name.
        loss: its definition, of unit vectors where it normalises.
        factors: what a code puts in front, by where it does; 1 is always tried.
        values: of parameters that are always the same in practice.
        equal: what is equal where all of its vectors are, if that is not the outputs.

    """

    title: str
    loss: Loss
    factors: Mapping[str, sympy.Expr] = field(default_factory=dict)
    values: Mapping[str, sympy.Expr] = field(default_factory=dict)
    equal: str = ""

    def levels(self) -> Iterator[tuple[str, Level]]:
        """Its values at collapse, each with its state in words."""
        for level in levels(self.loss.set(self.values)):
            yield self.equal or level.state, level


def _moco() -> Loss:
    positive = inner(x, x_pos) / tau
    # The queue is drawn apart from the batch.
    loss = Loss(-positive + log(K * Mean(exp(inner(x, chi) / tau), over=chi, count=K) + exp(positive)), batch=N)
    return loss.normalised()


def _supcon() -> Loss:
    """SupCon over a batch: M others of the anchor's class, and a denominator over the views of all other data."""
    (x_same,) = views("x_same", shares="class")
    negatives = (N - 1) * Mean(
        exp(inner(x, chi) / tau) + exp(inner(x, chi_pos) / tau), over=(chi, chi_pos), count=N - 1
    )
    positives = Mean(inner(x, x_same) / tau, over=x_same, of=x, count=M)
    return Loss(-positives + log(negatives + exp(inner(x, x_pos) / tau))).normalised()


def _prototypes() -> Loss:
    """Cross entropy of a uniform target with the softmax of K scores ⟨f(x), f(χ)⟩/τ, χ a prototype."""
    scores = inner(x, chi) / tau
    return Loss(-Mean(scores, over=chi, count=K) + log(K * Mean(exp(scores), over=chi, count=K)))


RATIO = {"times τ/τ_base, as SupCon's code has it": tau / tau_base}
PUBLISHED: tuple[Published, ...] = (
    Published("NT-Xent (SimCLR)", catalogue("ntxent+normalised")),
    Published("SupCon", _supcon(), RATIO),
    Published("InfoNCE over a batch", catalogue("infonce-batch+normalised")),
    Published("CLIP", catalogue("clip+normalised")),
    # Its code multiplies by 2τ, and sums both views; the mean of CLIP is half of that sum.
    Published("MoCo v3", Loss(4 * tau * catalogue("clip+normalised").expression)),
    Published("MoCo, a queue of K", _moco()),
    Published("DCL", catalogue("dcl+normalised")),
    *(
        Published(title, _prototypes(), equal="all K scores equal, targets too")
        for title in ("DINO or SwAV (K prototypes)", "cross entropy over K classes")
    ),
    Published("SigLIP", catalogue("siglip+normalised"), values={"t": sympy.Integer(10), "b": sympy.Integer(10)}),
    Published("SimSiam", Loss(-cosine(x, x_pos))),
    Published("BYOL", Loss(2 - 2 * cosine(x, x_pos))),
    Published("spectral contrastive", catalogue("spectral+normalised"), values={"tau": sympy.S.One}),
    Published("alignment and uniformity", catalogue("alignment-uniformity+normalised").set({"t": 2, "lambda": 1})),
    Published("Barlow Twins", catalogue("barlow-twins"), values={"lambda": sympy.Rational(51, 10000)}),
    Published(
        "VICReg",
        catalogue("vicreg"),
        {"its variance term halved, as its code has it": sympy.Rational(1, 2)},
        {"lambda": 25, "mu": 25, "nu": 1, "gamma_std": 1, "epsilon": sympy.Rational(1, 10**4)},
    ),
)
# A sum in place of a mean: of the two directions, of the batch.
FACTORS = {"both directions summed": sympy.Integer(2), "halved": sympy.Rational(1, 2), "summed over the batch": N}

# The rank of a setting among those in use, 0 the most common; settings of one rank are equally common.
_POWERS = {2**k: 0 for k in range(5, 14)} | {2**k: 1 for k in (1, 2, 3, 4, 14, 15, 16)}
_MULTIPLES = {m * 2**k: 1 for m in (3, 5, 7) for k in range(5, 11)} | dict.fromkeys((100, 200, 500, 1000, 2000), 1)
USUAL: Mapping[str, Mapping[Any, float]] = {
    # Every batch through 1,024 is tried, unusual ones last: multiples of eight, even and odd ones.
    "N": {n: 2 if n % 8 == 0 else 2.5 if n % 2 == 0 else 3 for n in range(2, 1025)} | _MULTIPLES | _POWERS,
    "K": {65536: 0, 16384: 0, 4096: 0, 3000: 0, 1000: 0, 100: 0, 10: 0}
    | dict.fromkeys((256, 512, 1024, 2048, 8192, 32768, 300, 500, 2000, 10000, 60000, 1280, 150, 30, 20), 1),
    "tau": dict.fromkeys(map(sympy.Rational, ("1/2", "1/10", "7/100", "1/5", "1")), 0)
    | dict.fromkeys(map(sympy.Rational, ("1/20", "1/25", "3/10", "3/20", "2/25", "1/50", "1/100", "1/4", "2/5")), 1),
    "tau_base": {sympy.Rational(7, 100): 0, sympy.S.One: 1},
    "d1": {2**k: 0 for k in range(6, 14)} | dict.fromkeys((1000, 3000, 384, 768), 1),
    "t": {10: 0, 2: 0, 1: 1, 5: 1},
    "b": {10: 0, 0: 1},
}


def columns(names: tuple[str, ...], given: Mapping[str, sympy.Expr]) -> tuple[dict[str, Array], Array]:
    """Every combination of usual settings, a column a parameter, and how far each is from the most common."""
    usual = [{given[name]: 0} if name in given else USUAL[name] for name in names]
    if not usual:
        return {}, np.zeros(1)
    values = np.meshgrid(*(np.array([float(value) for value in one]) for one in usual), indexing="ij")
    ranks = np.meshgrid(*(np.array([float(rank) for rank in one.values()]) for one in usual), indexing="ij")
    return dict(zip(names, (one.ravel() for one in values), strict=True)), np.sum(ranks, axis=0).ravel()
