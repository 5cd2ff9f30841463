"""Captions and App. C in words: Fig. 3's lower panel, the depth of Fig. 7's networks, the counts of App. C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy

from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import captions as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.phases import downstream

if TYPE_CHECKING:
    from collections.abc import Iterator

# As printed in App. C: samples a class.
COUNTS = {
    "high": (4890, 87, 5000, 0, 74, 0, 0, 212, 4788, 4947),
    "medium": (4268, 4296, 1741, 420, 945, 161, 4633, 1015, 131, 2386),
    "balanced": (2000,) * 10,
}


@ICLR.claim(
    "iclr:appc-counts",
    where="App. C",
    says="20000 samples in each scenario: the printed counts add up to {high} (high imbalance), {medium} (medium),"
    " {balanced} (none)",
    recorded="refuted",
    kind="misprint",
    why="The two imbalanced lists are 2 and 4 short, as rounding of proportions leaves it; nothing rests on it.",
    given="The ten numbers of each list as they are printed, added up.",
    tried="Read as 'about 20000' it holds; the text says 'by sampling 20000 samples'.",
    counterexample=counterexamples.sum_of_the_counts,
    high=sympy.Integer(20000),
    medium=sympy.Integer(20000),
    balanced=sympy.Integer(20000),
)
def counts() -> Iterator[Reading]:
    """Sums of integers, by SymPy and by NumPy."""
    added = {slot: sympy.Add(*map(sympy.Integer, one)) for slot, one in COUNTS.items()}
    measured = [Measured(slot, "exact", "the sum of the ten counts", [Point({}, float(np.sum(one)))])
                for slot, one in COUNTS.items()]  # fmt: skip
    yield Reading(added, measured, how="added up")


@ICLR.claim(
    "iclr:fig7-layers",
    where="Fig. 7, App. B and caption",
    says="the networks of Fig. 7 have {text} layers by the text of App. B and {caption} by the caption",
    recorded="conditional",
    why="One figure shows networks of one depth: the two numbers agree where the text counts the layer of inputs and"
    " the caption does not. Counted alike one of them is off by one. It does not matter to what the figure shows: of"
    " either depth the origin turns from a maximum to a minimum as the augmentation grows.",
    given="Fully connected networks, the last layer W counted; tanh and ReLU; β-InfoNCE at β = ½.",
    counterexample=counterexamples.one_figure_of_two_depths,
    text=sympy.Integer(3),
    caption=sympy.Integer(2),
)
def depths() -> Iterator[Reading]:
    """A depth for which the curvature at a = 0 has both signs can be that of the figure; it is one number."""
    for depth, inputs, name in (
        (2, 1, "the text counts the inputs as a layer, and the caption does not"),
        (3, 0, "layers of weights in both, three as in the text"),
        (2, 0, "layers of weights in both, two as in the caption"),
    ):
        shown = [_turns(depth, activation) for activation in (np.tanh, lambda x: np.maximum(x, 0.0))]
        seen = float(depth) if all(shown) else float("nan")
        quantity = "the depth of a network whose curvature at a = 0 turns from − to + as the augmentation grows"
        yield Reading(
            {"text": sympy.Integer(depth + inputs), "caption": sympy.Integer(depth)},
            [
                Measured(slot, "exact", quantity, [Point({}, seen + more)], seed=0)
                for slot, more in (("text", inputs), ("caption", 0))
            ],
            name=name,
            how="one figure, one depth",
        )


def _turns(depth: int, activation: object) -> bool:
    """Whether −Tr[WBWᵀ] of random features changes its sign from σ = 0.3 to σ = 6, B = ½A0 − ½C of the features."""
    rng = np.random.default_rng(depth)
    hat = rng.standard_normal((400, 8))
    hidden = [rng.standard_normal((size, 32)) / np.sqrt(size) for size in (8, 32)[: depth - 1]]
    last = rng.standard_normal((32, 2)) / 6
    signs = []
    for sigma in (0.3, 6.0):
        first, second = (hat + sigma * rng.standard_normal(hat.shape) for _ in range(2))
        for layer in hidden:
            first, second = (activation(one @ layer) for one in (first, second))  # type: ignore[operator]
        one, two = ((view - np.concatenate((first, second)).mean(0)) @ last for view in (first, second))
        # The moment of two views less what it lacks to the spread: ½(K − (S − K)).
        pair, spread = float((one * two).sum(1).mean()), float(((one**2).sum(1) + (two**2).sum(1)).mean() / 2)
        signs.append(-(pair - (spread - pair)) / 2)
    return bool(signs[0] < 0 < signs[1])


@ICLR.claim(
    "iclr:fig3-downstream",
    where="Fig. 3, caption, lower panel",
    says="β-InfoNCE, β = ½: as the collapses happen the downstream error {content} for the isotropic augmentation and"
    " {style} for the one that targets the style",
    recorded="conditional",
    why="The regressor of Sec. 4.2 minimises E over the data, and then the style makes no difference. Models trained"
    " at the printed settings and regressions on 2,000 labels have an error of 3·10⁻⁹ at θ = 1 with the style and"
    " 3·10⁻⁷ without, where 1 is that of no representation: on an axis that ends at 10⁻⁷ neither is seen, and it"
    " does not fall. With few labels it does fall: the style misleads by chance correlations.",
    given="The global minimum of the loss of a linear model, x₁ and x₂ independent, y = x₁, ridge 0.001; the error"
    " over the population.",
    counterexample=counterexamples.ridge_error_without_style,
    content="rises",
    style="falls",
)
def as_measured() -> Iterator[Reading]:
    """As `iclr:downstream`, for the two lines of the caption."""
    yield from downstream()
