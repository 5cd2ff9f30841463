"""Every route of an audit on every mutant of a loss: what is true is found once, and each mutant is held against it.

The truths are dear and the comparisons cheap, so that a route is measured first (`measure` of its module) and then told
of one wrong expansion after the other (`compare`). A route *kills* a mutant when any of its evidence contradicts it,
and lets it *survive* when nothing does and something agrees; where the evidence decides nothing it is *undecided*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from derive import Expansion, Loss, catalogue, closed_form
from verify import autodiff, monte_carlo, remainder, trained
from verify.evaluated_truth import EvaluatedTruth
from verify.evidence import Evidence
from verify.mutants import definitions, expansions, replicas
from verify.mutants.mutant import Mutant, distinct
from verify.settings import Case, case, counted_symbols
from verify.taylor import cauchy, circle, safe_radius

Outcome = Literal["killed", "survived", "undecided", "does not apply"]
Comparison = Callable[[Expansion], Sequence[Evidence]]

ORDER = 4
# The losses beside the catalogue: penalties, weight decay and a bias.
MODIFIED = ("infonce+weight-decay+norm-penalty", "spectral+bias")
# A route of its own here: the closed form to all orders, where there is one. It is symbolic.
SYMBOLIC = "symbolic"
DRAWS = 20_000


@dataclass(frozen=True)
class Verdicts:
    """What the routes say of the mutants of one subject.

    Attributes:
        subject: a loss, a landscape, a claim.
        outcomes: mutant's name → (operator, route → outcome).
        equivalent: names of mutants that are proved to say the same as the original.
        original: route → outcome of what is right; "killed" would be a false alarm.

    """

    subject: str
    outcomes: Mapping[str, tuple[str, Mapping[str, Outcome]]]
    equivalent: Sequence[str]
    original: Mapping[str, Outcome]

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "subject": self.subject,
            "mutants": {name: [operator, dict(by_route)] for name, (operator, by_route) in self.outcomes.items()},
            "equivalent": list(self.equivalent),
            "original": dict(self.original),
        }


def outcome(evidence: Iterable[Evidence]) -> Outcome:
    """What a route's evidence makes of a mutant.

    >>> outcome([Evidence("exact", "c", agrees=True), Evidence("exact", "d", agrees=False)]), outcome([])
    ('killed', 'does not apply')
    """
    agreed = [one.agrees for one in evidence if one.ran]
    if not agreed:
        return "does not apply"
    if False in agreed:
        return "killed"
    return "survived" if True in agreed else "undecided"


def of_loss(name: str, *, seed: int = 0, draws: int = DRAWS, routes: Sequence[str] | None = None) -> Verdicts:
    """All mutants of a catalogue loss, by all routes.

    Args:
        name: with its modifiers.
        seed: of W, the covariances and the draws.
        draws: random batches at each of four settings.
        routes: those to run; all unless given.

    """
    loss = catalogue(name)
    true = loss.expand(ORDER)
    made = [
        *expansions.slips(true),
        *definitions.slips(loss, ORDER),
        *replicas.merged_replicas(loss, ORDER),
        *replicas.wrong_coincidences(loss, ORDER),
    ]
    kept, equivalent = distinct(made, expansions.key(true), expansions.key)
    comparisons = {route: of for route, of in measured(loss, seed, draws, routes).items() if of is not None}
    return judged(name, kept, equivalent, true, comparisons)


def judged(
    subject: str,
    kept: Sequence[Mutant],
    equivalent: Sequence[Mutant],
    original: Any,
    comparisons: Mapping[str, Callable[[Any], Sequence[Evidence]]],
) -> Verdicts:
    """Each mutant by each route."""

    def by_route(value: Any) -> dict[str, Outcome]:
        return {route: outcome(compare(value)) for route, compare in comparisons.items()}

    return Verdicts(
        subject,
        {one.name: (one.operator, by_route(one.value)) for one in kept},
        [one.name for one in equivalent],
        by_route(original),
    )


def measured(
    loss: Loss, seed: int = 0, draws: int = DRAWS, routes: Sequence[str] | None = None
) -> dict[str, Comparison | None]:
    """What is true of a loss by each route, as functions of an expansion; None for a route that does not apply."""
    makers: dict[str, Callable[[], Comparison | None]] = {
        SYMBOLIC: lambda: _by_closed_form(loss),
        "exact": lambda: _by_definition(loss, seed),
        "autodiff": lambda: _by_autodiff(loss, seed),
        "remainder": lambda: _by_remainder(loss, seed),
        "monte-carlo": lambda: _by_monte_carlo(loss, seed, draws),
        "trained": lambda: _by_training(loss, seed),
    }
    return {route: make() for route, make in makers.items() if routes is None or route in routes}


def _cases(loss: Loss, seed: int, *, sizes: Sequence[int] = (2, 3)) -> list[Case]:
    """As an audit has them: a symbol that counts data is tried at two sizes."""
    return [case(loss, {}, seed=seed, size=size) for size in (sizes if counted_symbols(loss) else sizes[:1])]


def _by_closed_form(loss: Loss) -> Comparison | None:
    closed = closed_form(loss)
    if closed is None:
        return None
    right = expansions.key(closed.series(ORDER))

    def compare(expansion: Expansion) -> list[Evidence]:
        return [Evidence("symbolic", "closed form", agrees=expansions.key(expansion) == right)]

    return compare


def _by_definition(loss: Loss, seed: int) -> Comparison:
    """The definition's own Taylor coefficients on cubature nodes, by Cauchy's integral: no torch, no series."""
    found = []
    for at in _cases(loss, seed):
        truth = EvaluatedTruth(at.put_into(loss), at.setting)
        ts = circle(safe_radius(lambda points, truth=truth: truth.averaged(points, ORDER), 0.5))  # type: ignore[misc]
        even = range(2, ORDER + 1, 2)
        values = cauchy(truth.averaged(ts, ORDER), ts, even)
        coefficients = dict(zip(even, map(float, values), strict=True))
        found.append(autodiff.RayCoefficients(at, coefficients, "Cauchy's integral of the definition"))

    def compare(expansion: Expansion) -> list[Evidence]:
        return [autodiff.compare(one, expansion) for one in found]

    return compare


def _by_autodiff(loss: Loss, seed: int) -> Comparison | None:
    found = [autodiff.measure(at, ORDER) for at in _cases(loss, seed)]

    def compare(expansion: Expansion) -> list[Evidence]:
        return [autodiff.compare(one, expansion) for one in found if one is not None]

    return compare if all(one is not None for one in found) else None


def _by_remainder(loss: Loss, seed: int) -> Comparison:
    size = 3 if counted_symbols(loss) else 2
    dimension = 2 if loss.batch_size is None else 1
    at = case(loss, {}, seed=seed, size=size, dimension=dimension, positive=True)
    found = remainder.measure(loss, at, ORDER)
    return lambda expansion: [remainder.compare(found, expansion)]


def _by_monte_carlo(loss: Loss, seed: int, draws: int) -> Comparison:
    size = 3 if counted_symbols(loss) else 2
    cases = [case(loss, {}, seed=seed + 100 + k, size=size, dimension=3) for k in range(4)]
    found = monte_carlo.measure(cases, ORDER, draws)
    return lambda expansion: monte_carlo.compare(found, expansion)


def _by_training(loss: Loss, seed: int) -> Comparison | None:
    """Models trained where the true landscape gives their modes a little power, held against each mutant's minimum."""
    found = trained.models_near(loss, loss.expand(ORDER), seed)
    return None if found is None else lambda expansion: [trained.held_against(found, loss, expansion)]
