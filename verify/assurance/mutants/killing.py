"""Every route of an audit on every mutant of a loss: what is true is found once, and each mutant is compared with it.

Truths are expensive and comparisons cheap, so a route measures once and then judges one wrong expansion after the other
(`verify.routes.route`). A route *kills* a mutant when any of its evidence contradicts it, and lets it *survive* when
nothing does and something agrees; where the evidence decides nothing it is *undecided*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from derive import Expansion, InputError, Law, Loss, catalogue
from verify.assurance.mutants import definitions, expansions, laws, replicas
from verify.assurance.mutants.mutant import Mutant, distinct
from verify.evidence.evidence import Evidence
from verify.routes import by_definition, definition, parity, trained, trained_regimes
from verify.routes import closed_form as closed
from verify.routes.route import Route
from verify.routes.subject import Subject
from verify.truths.settings import GAUSSIAN

Outcome = Literal["killed", "survived", "undecided", "does not apply"]
Comparison = Callable[[Expansion], Sequence[Evidence]]

ORDER = 4
# Losses in addition to the catalogue: penalties, weight decay and a bias.
MODIFIED = ("infonce+weight-decay+norm-penalty", "spectral+bias")
# The closed form to all orders, where there is one, is symbolic here.
SYMBOLIC = "symbolic"
DRAWS = 20_000


def _near_the_transition(subject: Subject) -> list[trained.Models]:
    """The regime that an expansion predicts: away from it models test the exact landscape alone."""
    return [trained.models(subject, next(trained_regimes.regimes(subject)), trained.seeds_for(subject))]


# The routes of an audit that an expansion can fail: those that are called exact look at symmetries and at minima, and
# the definition itself is exact in their place.
ROUTES: dict[str, Route[Subject, Any, Expansion]] = {
    SYMBOLIC: closed.ROUTE,
    "exact": by_definition.ROUTE,
    **{one.name: one for one in definition.ROUTES if one.name not in ("exact", parity.ROUTE.name)},
    "trained": replace(trained.ROUTE, measure=_near_the_transition),
}


@dataclass(frozen=True)
class Verdicts:
    """The verdicts of the routes on the mutants of one subject.

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
    """The outcome of a mutant, by a route's evidence.

    >>> outcome([Evidence("exact", "c", agrees=True), Evidence("exact", "d", agrees=False)]), outcome([])
    ('killed', 'does not apply')
    """
    agreed = [one.agrees for one in evidence if one.ran]
    if not agreed:
        return "does not apply"
    if False in agreed:
        return "killed"
    return "survived" if True in agreed else "undecided"


def of_loss(
    name: str, *, seed: int = 0, draws: int = DRAWS, routes: Sequence[str] | None = None, law: Law = GAUSSIAN
) -> Verdicts:
    """All mutants of a catalogue loss, by all routes; on data with a mean or classes those of its expansion.

    Under two augmentations, the law `Unequal`, views are of two kinds, as through two encoders, and some of the slips
    take one kind for the other.

    Args:
        name: with its modifiers.
        seed: of W, the covariances and the draws.
        draws: random batches at each of four settings.
        routes: those to run; all unless given.
        law: of the data.

    """
    loss = catalogue(name).under(law)
    true = loss.expand(ORDER, data=law)
    made = [*laws.slips(true, law, loss), *expansions.slips(true)]
    if not law.arrays:
        # Definitions and replicas are derived for Gaussian views.
        made += definitions.slips(loss, ORDER)
        made += replicas.merged_replicas(loss, ORDER)
        made += replicas.wrong_coincidences(loss, ORDER)
    kept, equivalent = distinct(made, expansions.key(true), expansions.key)
    comparisons = {route: of for route, of in measured(loss, seed, draws, routes, law).items() if of is not None}
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
    loss: Loss, seed: int = 0, draws: int = DRAWS, routes: Sequence[str] | None = None, law: Law = GAUSSIAN
) -> dict[str, Comparison | None]:
    """What is true of a loss by each route, as functions of an expansion; None for a route that does not apply."""
    subject = Subject(loss, order=ORDER, seed=seed, draws=draws, law=law)
    return {name: _held(route, subject) for name, route in ROUTES.items() if routes is None or name in routes}


def _held(route: Route[Subject, Any, Expansion], subject: Subject) -> Comparison | None:
    try:
        found = route.measured(subject)
    except InputError:
        return None
    return lambda expansion: route.compare(found, expansion)
