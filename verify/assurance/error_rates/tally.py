"""The count of a check's verdicts over many runs of a derivation that is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.evidence.evidence import Evidence


@dataclass(frozen=True)
class Tally:
    """How many runs there were, and what the check said.

    Attributes:
        runs: of a right derivation.
        alarms: that were contradicted.
        undecided: that were left open.
        fixed: that lie beyond a fixed number of standard errors, whatever the size of the sample.

    """

    runs: int
    alarms: int
    undecided: int
    fixed: int

    def __add__(self, other: Tally) -> Tally:
        """The tally of both together."""
        return Tally(*(a + b for a, b in zip(self.fields, other.fields, strict=True)))

    @property
    def fields(self) -> tuple[int, int, int, int]:
        """In their order."""
        return self.runs, self.alarms, self.undecided, self.fixed

    @classmethod
    def of(cls, evidence: Iterable[Sequence[Evidence]], sigmas: float) -> Tally:
        """From the evidence of each run.

        >>> one = Evidence("trained", "c", 1.0, 1.5, 0.1, "standard error", agrees=False)
        >>> Tally.of([[one], [one, Evidence("trained", "d")]], sigmas=6.0)
        Tally(runs=2, alarms=2, undecided=0, fixed=0)
        """
        total = cls(0, 0, 0, 0)
        for run in evidence:
            said = [one.agrees for one in run]
            alarm = False in said
            beyond = any(one.z is not None and abs(one.z) > sigmas for one in run)
            total += cls(1, int(alarm), int(not alarm and True not in said), int(beyond))
        return total
