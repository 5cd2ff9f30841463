"""The trained route of an audit: models are trained on the hand-written loss, and their power is compared with theory.

Two regimes are chosen in which a prediction is sharp (`verify.routes.trained_regimes`), both with two modes. The number
that is compared is Tr[W Σ Wᵀ], which no rotation of the embedding changes. An expansion whose own minimum lies too far
is held against the models where they are (`verify.routes.at_rest`). Two encoders have a regime of their own
(`verify.routes.trained_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from derive import CATALOGUE, MODIFIERS, InputError, catalogue
from numeric.laws import in_numbers
from verify.evidence.agreement import DOMAIN, SEEN, SHARE, Compared, compared
from verify.evidence.evidence import Evidence
from verify.routes import at_rest
from verify.routes.route import Route
from verify.routes.trained_pairs import PairData, left_out, quartic, trained_powers, with_further
from verify.routes.trained_regimes import (
    Regime,
    exact_values,
    has_landscape,
    minimum,
    minimum_through_6,
    regimes,
    through_8,
    values_of,
    with_order_6,
)

if TYPE_CHECKING:
    from derive import Expansion
    from verify.routes.subject import Subject

Array = NDArray[np.float64]

QUANTITY = "Tr[W Σ Wᵀ] of trained models"
# Half of the seeds begin with more power than is predicted, half with less: where the two halves end apart, they have
# not come to rest.
SEEDS = 6
# Where no landscape is derived, more seeds and batches: a part of order 4 alone tells such data from Gaussian ones.
MORE_SEEDS, MORE_BATCHES = 10, 4
BEGIN = (1.5, 0.6)
STEPS = 600
RATE = 2e-2
# Data per step and model: in batches where the loss has a batch size; where all pairs of data enter; and where only
# moments do, whose errors must not show.
DATA = {"batches": 600, "pairs": 120, "moments": 2000}
# For data with heavier tails it is multiplied by this factor.
MORE = 2


@dataclass(frozen=True, eq=False)
class Models:
    """Models that were trained in one regime.

    Attributes:
        subject: the loss.
        regime: the regime.
        powers: Tr[W Σ Wᵀ], one per seed.
        data: the number of data per step.
        grams: WᵀW, one per seed; None for two encoders.

    """

    subject: Subject
    regime: Regime
    powers: Array
    data: int
    grams: Array | None = None

    @property
    def apart(self) -> bool:
        """Whether models that began with more power and with less have ended apart."""
        more, less = self.powers[::2], self.powers[1::2]
        error = sqrt(more.var(ddof=1) / len(more) + less.var(ddof=1) / len(less))
        return bool(abs(more.mean() - less.mean()) > SEEN * error + SHARE * self.regime.predicted)


def models(subject: Subject, regime: Regime, seeds: int = SEEDS) -> Models:
    """Models of several seeds (an even number)."""
    return _trained(subject, regime, seeds)


def measure(subject: Subject) -> list[Models]:
    """Models of every regime."""
    subject.tick("train")
    return [models(subject, regime, seeds_for(subject)) for regime in list(regimes(subject))]


def seeds_for(subject: Subject) -> int:
    """How many models an audit trains."""
    return SEEDS if has_landscape(subject.expansion) else MORE_SEEDS


def compare(found: Sequence[Models], expansion: Expansion) -> list[Evidence]:
    """The models compared with what an expansion predicts, and away from the transition with the exact landscape."""
    return [held_against(one, expansion) for one in found]


def held_against(found: Models, expansion: Expansion) -> Evidence:
    """Models of one regime compared with the minimum of an expansion, at the same data."""
    regime, data, values = found.regime, found.regime.data, values_of(found.subject)
    quantity = regime.quantity
    predicted, slack = regime.predicted, 0.0
    if isinstance(data, PairData):
        try:
            powers = quartic(expansion.truncate(4), data, values)
        except InputError as error:
            return Evidence("trained", quantity, agrees=None, note=str(error))
        predicted = float(np.abs(powers).sum())
        if powers.all():
            exact = exact_values(found.subject)
            slack = left_out(with_further(expansion, through_8(found.subject), exact), data, powers)
    elif regime.by_expansion:
        try:
            gram = minimum(expansion, data, values, found.subject)
        except InputError as error:
            return Evidence("trained", quantity, agrees=None, note=str(error))
        except TypeError:
            return Evidence("trained", quantity, agrees=None, note="a coefficient is not real at these values")
        sixth = with_order_6(expansion, found.subject)
        predicted = 0.0 if gram is None else float((gram * data.Sigma).sum())
        if gram is not None and predicted > 0:
            beyond = minimum_through_6(sixth, values, data, gram, found.subject)
            slack = np.inf if beyond is None else abs(beyond - predicted)
        if found.grams is not None and (gram is None or slack > DOMAIN * regime.predicted):
            # The expansion's own minimum, if there is one, lies where order 4 says little: it is held against the
            # models where they are.
            drawn = in_numbers(found.subject.law, data)
            decided, further = at_rest.weighed(expansion, sixth, found.grams, drawn, values)
            theory = f"its own minimum lies too far; further orders add about {further:.1g}"
            if gram is None and decided.agrees:
                decided = replace(decided, agrees=None, why="the landscape through order 4 has no lowest point")
            return _evidence(found, f"{at_rest.QUANTITY}, {regime.name}", decided, theory)
    decided = compared(predicted, found.powers.tolist(), scale=regime.predicted, truncation=slack)
    moved = "orders 6 and 8 move" if isinstance(data, PairData) else "order 6 moves"
    theory = f"by order 4, which {moved} by {slack:.2g}" if slack else "by the exact landscape"
    return _evidence(found, regime.quantity, decided, theory)


def _evidence(found: Models, quantity: str, decided: Compared, theory: str) -> Evidence:
    """A comparison as evidence, with what was trained."""
    agrees, why, regime = decided.agrees, decided.why, found.regime
    if found.apart:
        agrees, why = None, "models that began with more and with less power have not come together"
    note = f"{theory}; {len(found.powers)} seeds, {STEPS} steps of {found.data} data, {regime.shown}"
    return Evidence(
        "trained", quantity, decided.predicted, decided.measured, decided.error, "standard error",
        agrees, found.subject.seed, f"{why}; {note}" if why else note,
    )  # fmt: skip


def why_not(subject: Subject) -> str:
    """Models are trained only if wanted, on losses of the catalogue that have a landscape."""
    loss = subject.here
    base, *modifiers = loss.name.split("+")
    if not subject.train:
        return "left out by --no-train"
    if subject.order < 4:
        return "an expansion to order 4 is needed"
    if not find_spec("torch"):
        return "torch is not installed: pip install 'quartic[torch]'"
    known = base in CATALOGUE and all(name in MODIFIERS for name in modifiers)
    if not known or catalogue(loss.name).expression != loss.expression:
        return "no hand-written torch loss is known for this definition"
    if loss.encoders == 2 and set(modifiers) - {"two-encoders"}:
        return "models with two encoders are trained here without weight decay and without a norm penalty"
    if not set(modifiers) <= {"weight-decay", "norm-penalty", "two-encoders"}:
        return "the models trained here have no bias"
    return ""


def _trained(subject: Subject, regime: Regime, seeds: int) -> Models:
    """Models of several seeds, each with its own random numbers."""
    import torch

    from verify.routes.training.data import Population
    from verify.routes.training.engine import Plan, train
    from verify.routes.training.models import Model
    from verify.running.sweeps.sweep import seed_of
    from verify.truths.batched import batched

    loss, law, values = subject.here, subject.law, values_of(subject)
    base, *modifiers = loss.name.split("+")
    of, batch = batched(base), loss.batch_size
    kind = "moments" if loss.depends_on_moments else "pairs" if batch is None else "batches"
    data = DATA[kind] if law.closes else MORE * DATA[kind]
    size = data if batch is None else int(batch.subs({one: values[one.name] for one in batch.free_symbols}))
    extra: dict[str, Any] = {}
    if "weight-decay" in modifiers:
        extra["weight_decay"] = values["gamma"]
    if "norm-penalty" in modifiers:
        extra["norm_penalty"] = (values["kappa"], values["c"])
    own = {name: values[name] for name in catalogue(base).parameters if name not in ("N", "d1")}
    generator = torch.Generator().manual_seed(seed_of("audit", loss.name, regime.name, subject.seed))
    begin = _turned(generator, seeds) * torch.tensor(BEGIN).repeat(seeds // 2)[:, None, None]
    batches = max(1, data // size) * (1 if has_landscape(subject.expansion) else MORE_BATCHES)
    if isinstance(regime.data, PairData):
        scale = float(np.sqrt(regime.predicted / 2))
        plan = Plan(rate=RATE * scale, steps=STEPS, decay="cosine", tail=0.1)
        powers = trained_powers(
            base, regime.data, size, batches, seeds=seeds, begin=begin, scale=scale, plan=plan, generator=generator,
            parameters=own,
        )  # fmt: skip
        return Models(subject, regime, powers, batches * size)
    drawn = in_numbers(law, regime.data)
    a, c = (torch.from_numpy(np.sqrt(np.diag(one))).expand(seeds, 1, 2) for one in (drawn.core.A0, drawn.core.C))
    scale = float(np.sqrt(regime.predicted / 2 / regime.data.Sigma.diagonal().mean()))
    end = train(
        Model(2, 2),
        Population(size, a, c, independent=True, batches=batches, law=drawn, second=max(loss.roles)),
        of,
        Plan(rate=RATE * scale, steps=STEPS, decay="cosine", tail=0.1, **extra),
        models=seeds,
        generator=generator,
        parameters=own,
        weights={"W": begin * scale},
        # Double precision, so that different processors print the same digits.
        dtype=torch.float64,
    )
    grams = end.averaged.numpy()
    return Models(subject, regime, (grams * regime.data.Sigma).sum((1, 2)), batches * size, grams)


def _turned(generator: Any, seeds: int) -> Any:
    """Random rotations, (seeds, 2, 2)."""
    import torch

    drawn = torch.randn(seeds, 2, 2, generator=generator, dtype=torch.float64)
    return torch.linalg.qr(drawn).Q


ROUTE = Route("trained", QUANTITY, measure, compare, why_not)
