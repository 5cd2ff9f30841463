"""A route: one way to hold a claim against a measurement that shares no code with it.

What is true is measured once, and any number of claims are compared with it: a derivation, a printed formula, its
mutants. A route is a value of type `Route`; those of a definition are listed in `verify.routes.definition`, those of a
torch function in `verify.audits.blackbox.checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from derive import InputError
from verify.evidence.evidence import Evidence, RouteName

Subject_ = TypeVar("Subject_")
Measured = TypeVar("Measured")
Claim = TypeVar("Claim")


def _always(_: object) -> str:
    return ""


@dataclass(frozen=True)
class Route(Generic[Subject_, Measured, Claim]):
    """One way to check a claim about a subject.

    Attributes:
        name: its name in evidence.
        quantity: shown in the line of a route that could not be taken; "" for no such line.
        measure: measures a subject; may raise InputError that says why nothing can be measured.
        compare: compares what was measured with a claim.
        why_not: why it cannot be taken for a subject, asked before anything is measured; "" where it can.

    >>> three = Route("exact", "a number", measure=float,
    ...               compare=lambda found, claim: [Evidence("exact", "a number", claim, found, agrees=claim == found)])
    >>> [one.agrees for one in three.evidence("3", 3.0)], [one.agrees for one in three.evidence("3", 4.0)]
    ([True], [False])
    >>> closed = Route("exact", "a number", three.measure, three.compare, why_not=lambda subject: f"{subject} is open")
    >>> [(one.ran, one.note) for one in closed.evidence("x", 3.0)]
    [(False, 'x is open')]

    """

    name: RouteName
    quantity: str
    measure: Callable[[Subject_], Measured]
    compare: Callable[[Measured, Claim], Sequence[Evidence]]
    why_not: Callable[[Subject_], str] = _always

    def measured(self, subject: Subject_) -> Measured:
        """What is true of a subject.

        Raises:
            InputError: the route cannot be taken; the message says why.

        """
        why = self.why_not(subject)
        if why:
            raise InputError(why)
        return self.measure(subject)

    def evidence(self, subject: Subject_, claim: Claim) -> tuple[Evidence, ...]:
        """A claim compared with what is true of a subject, or the line of a route that could not be taken."""
        try:
            found = self.measured(subject)
        except InputError as error:
            return (Evidence(self.name, self.quantity, ran=False, note=str(error)),) if self.quantity else ()
        return tuple(self.compare(found, claim))
