"""The result of comparing code with a second loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

from verify.audits.blackbox.against.gradients import Gradients
from verify.audits.blackbox.against.saying import of_values_json
from verify.audits.blackbox.against.values import Values
from verify.evidence.evidence import Evidence


@dataclass(frozen=True)
class Comparison:
    """The result of comparing code with a second loss.

    Attributes:
        other: the name of the second loss.
        kind: whether that is a torch function or a definition.
        lines: (label, sentence) in the order of the comparison.
        values: the comparison of values of the losses themselves; None where they cannot be compared.
        gradients: that of gradients; None where they cannot be compared.
        regularity: that of each loss near 0, by name.
        differences: the terms that differ; None where terms were not compared.
        parts_at: the order in W at which the averages differ, else that on a batch; None where none is seen.
        agrees: True where the losses are equal, False where they are not, None where that is undecided.
        evidence: the comparisons.

    """

    other: str
    kind: str
    lines: tuple[tuple[str, str], ...] = ()
    values: Values | None = None
    gradients: Gradients | None = None
    regularity: Mapping[str, str] = field(default_factory=dict)
    differences: tuple[str, ...] | None = None
    parts_at: int | None = None
    agrees: bool | None = None
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        slopes = self.gradients
        # For programs ½ is written 1/2; NFKD splits it into 1, a fraction slash and 2.
        ratios = [normalize("NFKD", one).replace("\u2044", "/") for one in slopes.ratio] if slopes else []
        return {
            "with": self.other,
            "kind": self.kind,
            "agrees": self.agrees,
            "values": None if self.values is None else of_values_json(self.values),
            "gradients": None
            if slopes is None
            else {
                "relation": slopes.kind,
                "ratio": ratios[0] if len(ratios) == 1 else ratios or None,
                "batches": slopes.batches,
                "note": slopes.note or None,
            },
            "regularity": dict(self.regularity),
            "differences": None if self.differences is None else list(self.differences),
            "parts_at": self.parts_at,
            "lines": [{"label": label, "text": text} for label, text in self.lines],
        }
