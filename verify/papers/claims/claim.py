"""A published claim: what is printed, and how its subject is derived and measured without looking at the print.

A printed statement is a set of named *slots*: formulas, conditions, words or truth values. The function of a claim
never sees it. It gives *readings*, one for each way in which a careful reader can take the statement (most have one),
and each reading holds what quartic derives for the slots and what was measured of them. Whether the print is right is
decided afterwards (`verify.papers.claims.judging`), which is why a misprint, a repair and the print itself are judged
in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sympy

from derive import InputError
from derive.errors import did_you_mean, nearest
from verify.evidence.agreement import CLAIMS
from verify.evidence.evidence import Evidence, RouteName, Verdict
from verify.papers.claims.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Kind = Literal["misprint", "error"]

# What a noisy measurement has to distinguish from the prediction before it counts: the usual slips.
RIVALS = (0.5, 2.0, 0.75, -1.0)


@dataclass(frozen=True, eq=False)
class Point:
    """One measurement: the values of the letters, and what was found there.

    Attributes:
        at: numbers and arrays by the letters' names, as `verify.papers.claims.values.evaluate` takes them.
        found: the measured number, array, truth value or word.
        error: a standard error, or a tolerance that rounding and truncation stay below; 0 for truth values.

    """

    at: Mapping[str, Any]
    found: Any
    error: float = 0.0


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found for one slot by one route that shares no code with the derivation.

    Attributes:
        of: the slot.
        route: how: "exact", "autodiff", "remainder", "monte-carlo" or "trained".
        quantity: what was measured, in words.
        points: where, and what was found.
        noisy: whether the points' errors are standard errors rather than tolerances.
        seed: of the random numbers.
        note: settings that a reader needs.

    """

    of: str
    route: RouteName
    quantity: str
    points: Sequence[Point]
    noisy: bool = False
    seed: int | None = None
    note: str = ""

    def against(self, said: Any, definitions: Mapping[Any, Any] | None = None) -> Evidence:
        """The measurement compared with a statement for its slot: the evidence of the point that is furthest off."""
        if not self.points:
            return Evidence(self.route, self.quantity, ran=False, seed=self.seed, note="nothing was measured")
        if definitions and isinstance(said, sympy.Basic | sympy.MatrixBase):
            # Symbols that were measured too keep their measured values.
            letters = {name for point in self.points for name in point.at}
            said = said.subs({one: meant for one, meant in definitions.items() if str(one) not in letters})
        judged = [(self._agrees(point, predicted), point, predicted)
                  for point in self.points for predicted in (evaluate(said, point.at),)]  # fmt: skip
        agrees: bool | None = True
        if any(one is False for one, _, _ in judged):
            agrees = False
        elif any(one is None for one, _, _ in judged):
            agrees = None
        shown = [one for one in judged if one[0] is agrees]
        _, worst, predicted = max(shown, key=lambda one: _distance(one[2], one[1]))
        return Evidence(
            self.route,
            self.quantity,
            predicted=_plain(predicted),
            measured=_plain(worst.found),
            error=worst.error,
            error_kind="standard error" if self.noisy else "tolerance",
            agrees=agrees,
            seed=self.seed,
            note="; ".join(part for part in (self.note, _where(worst, len(self.points))) if part),
        )

    def _agrees(self, point: Point, predicted: Any) -> bool | None:
        if isinstance(predicted, str | bool) or isinstance(point.found, str | bool):
            return bool(predicted == point.found)
        if np.shape(predicted) != np.shape(point.found) or np.iscomplexobj(predicted):
            return False
        found, said = (np.asarray(one, dtype=float) for one in (point.found, predicted))
        if not np.isfinite(found).all() or np.isnan(said).any():
            # A point without a measurement decides nothing, nor does one without a value; an infinity is a value.
            return None
        distance = _distance(predicted, point)
        if not self.noisy:
            return bool(distance <= 1)
        apart = (_distance(rival * np.asarray(predicted), point) > CLAIMS.beyond() for rival in RIVALS)
        return CLAIMS.decide(distance, sees=all(apart))


def _distance(predicted: Any, point: Point) -> float:
    """How far a prediction is from what was found, in units of the point's error; infinite where words differ."""
    if isinstance(predicted, str | bool) or isinstance(point.found, str | bool):
        return 0.0 if predicted == point.found else float("inf")
    if np.iscomplexobj(predicted):
        # What was found is real.
        return float("inf")
    off = float(np.max(np.abs(np.asarray(predicted, dtype=float) - np.asarray(point.found, dtype=float))))
    if not np.isfinite(off):
        return float("inf")
    return off / point.error if point.error else (0.0 if off == 0 else float("inf"))


def _plain(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if np.iscomplexobj(value):
        return str(np.round(value, 6))
    if np.ndim(value) == 0:
        return float(value)
    return np.array2string(np.asarray(value, dtype=float), precision=6, separator=", ").replace("\n", "")


def _where(point: Point, points: int) -> str:
    """The numbers of a point, where they are few enough to read."""
    shown = [f"{name} = {np.array2string(np.asarray(value), precision=4, separator=', ')}".replace("\n", "")
             for name, value in point.at.items() if np.size(value) <= 4]  # fmt: skip
    furthest = "" if isinstance(point.found, str | bool) else ", the furthest off"
    count = f"{points} points{furthest}" if points > 1 else ""
    return ": ".join(part for part in (count, ", ".join(shown)) if part)


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to take a printed statement, with what is derived and measured of its slots.

    Attributes:
        derived: slot → what quartic derives for it. A slot that no engine derives is left out.
        measured: the measurements, of every slot.
        name: how the statement is read, or under which condition; empty where it can be taken in one way only.
        definitions: what symbols of the printed formulas stand for under this reading, in symbols that have values.
        how: how it was derived, in a few words.

    """

    derived: Mapping[str, Any]
    measured: Iterable[Measured]
    name: str = ""
    definitions: Mapping[Any, Any] = field(default_factory=dict)
    how: str = "derived from the definition"

    def __post_init__(self) -> None:
        """Keep the measurements: a generator would be used up by the first judgement."""
        object.__setattr__(self, "measured", tuple(self.measured))


@dataclass(frozen=True, eq=False)
class Claim:
    """A published statement and what is known about it.

    Attributes:
        id: "paper:name".
        where: the place in the paper.
        says: the statement in plain words, with {slot} where a slot's formula stands.
        printed: slot → the printed formula, condition, word or truth value.
        recorded: the verdict that was found before, which a live run has to find again.
        investigate: gives the readings; None for a claim that this version has no means to test.
        why: one or two sentences: what is wrong, or which condition is left out.
        kind: for a refuted claim, "misprint" or "error".
        falls: ids of claims, or sentences, that rest on an erroneous claim and fall with it.
        counterexample: a function of NumPy or mpmath alone, see `verify.papers.claims.counterexamples`.
        given: what the corrected statement takes for granted: law, sampling, order, which points it is about.
        tried: for a refuted claim, the most charitable reading and why it fails too.
        seen: what of the paper the statement was read in.
        from_memory: whether the print was not at hand, so that the claim is judged as "if printed so".
        twin: the id of the claim that another paper prints in the same words.
        slow: whether the investigation takes more than some seconds: its result is then stored.
        waits_for: why a claim without an investigation was not run.

    """

    id: str
    where: str
    says: str
    printed: Mapping[str, Any]
    recorded: Verdict
    investigate: Callable[[], Iterable[Reading]] | None = None
    why: str = ""
    kind: Kind | None = None
    falls: tuple[str, ...] = ()
    counterexample: Callable[[], Mapping[str, Any]] | None = None
    given: str = ""
    tried: str = ""
    seen: str = ""
    from_memory: bool = False
    slow: bool = False
    waits_for: str = ""
    twin: str | None = None

    def _repr_html_(self) -> str:
        from verify.reports.notebook import of_claim

        return of_claim(self)

    @property
    def paper(self) -> str:
        """The key of the paper: what stands before the colon of the id."""
        return self.id.partition(":")[0]

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The readings; worked out once, torch on one thread: its threads wait for one another on small tensors."""
        if self.investigate is None:
            return ()
        if not find_spec("torch"):
            return tuple(self.investigate())
        from verify.running.threads import one_thread

        with one_thread():
            return tuple(self.investigate())


@dataclass(eq=False)
class Ledger:
    """The claims of one paper.

    Args:
        paper: its key, which begins every id.
        title: its title.
        source: authors, venue and number, in one line.

    >>> from verify.papers.claims import Ledger, Reading, exactly, formula_of
    >>> from verify.papers.claims.formulas import A0, Tr, W
    >>> from derive import catalogue
    >>> ledger = Ledger("mine", "A paper of mine", "Unpublished")
    >>> @ledger.claim("mine:origin", where="Eq. 1", says="L = {L}", recorded="holds", L=-Tr(W * A0 * W.T))
    ... def origin():
    ...     loss = catalogue("infonce")
    ...     yield Reading({"L": formula_of(loss.expand(order=2))}, exactly("L", "infonce", order=2))
    >>> from verify.papers.claims import judge
    >>> judge(ledger["mine:origin"]).verdict
    'holds'

    """

    paper: str
    title: str
    source: str = ""
    claims: dict[str, Claim] = field(default_factory=dict)

    def claim(
        self,
        id: str,  # noqa: A002 (the word that the ledger and its JSON use)
        *,
        where: str,
        says: str,
        recorded: Verdict,
        why: str = "",
        kind: Kind | None = None,
        falls: tuple[str, ...] = (),
        counterexample: Callable[[], Mapping[str, Any]] | None = None,
        given: str = "",
        tried: str = "",
        seen: str = "",
        from_memory: bool = False,
        slow: bool = False,
        **printed: Any,
    ) -> Callable[[Callable[[], Iterable[Reading]]], Callable[[], Iterable[Reading]]]:
        """Put a claim into the ledger; the decorated function investigates it.

        Args:
            id: "paper:name".
            where: the place in the paper.
            says: the statement in plain words, with {slot} for each of ``printed``.
            recorded: the verdict that a run has to find.
            why: for a claim that does not hold as printed, the reason in one or two sentences.
            kind: for a refuted claim, "misprint" or "error".
            falls: what falls with an error: ids or sentences.
            counterexample: for a refuted claim, see `verify.papers.claims.counterexamples`.
            given: what the corrected statement takes for granted.
            tried: for a refuted claim, the most charitable reading and why it fails too.
            seen: what of the paper the statement was read in.
            from_memory: whether the print was not at hand.
            slow: whether to store the result rather than to run it each time.
            printed: slot → formula, condition, word or truth value, as printed.

        Raises:
            InputError: an id of another paper, or one that occurs twice, or slots that the statement does not use.

        """

        def register(investigate: Callable[[], Iterable[Reading]]) -> Callable[[], Iterable[Reading]]:
            told = {"why": why, "kind": kind, "falls": falls, "counterexample": counterexample, "given": given}
            read = {"tried": tried, "seen": seen, "from_memory": from_memory, "slow": slow}
            self._add(Claim(id, where, says, printed, recorded, investigate, **told, **read))  # type: ignore[arg-type]
            return investigate

        return register

    def about(
        self,
        loss: Any,
        id: str,  # noqa: A002 (as above)
        *,
        where: str,
        recorded: Verdict,
        says: str = "",
        at: Mapping[str, object] | None = None,
        why: str = "",
        kind: Kind | None = None,
        given: str = "",
        tried: str = "",
        seen: str = "",
        from_memory: bool = False,
        slow: bool = False,
        **printed: Any,
    ) -> None:
        r"""Put in a claim about one loss, whose routes are found by themselves: see `verify.papers.claims.about`.

        Args:
            loss: a catalogue name with modifiers, FILE.py:NAME, or a `derive.Loss`.
            id: "paper:name".
            where: the place in the paper.
            recorded: the verdict that a run has to find.
            says: the statement in plain words, with {slot} for each of ``printed``; a plain one unless given.
            at: values of parameters for which the claim is made.
            why: as for `claim`, and so are kind, given, tried, seen, from_memory and slow.
            kind: see there.
            given: see there.
            tried: see there.
            seen: see there.
            from_memory: see there.
            slow: see there.
            printed: what is printed of ``expansion``, ``B``, ``dimensional``, ``complete``, ``power`` or ``threshold``,
                as text or LaTeX.

        Raises:
            InputError: an unknown slot, or a formula that cannot be read, with its place.

        >>> ledger = Ledger("mine", "A paper of mine")
        >>> ledger.about("infonce", "mine:origin", where="Eq. 1", recorded="holds", B="A_0", power=r"\frac23 \lambda_i")
        >>> from verify.papers.claims import judge
        >>> judge(ledger["mine:origin"]).verdict
        'holds'

        """
        from verify.papers.claims.about import about

        found = about(loss, printed, at)
        told = {"why": why, "kind": kind, "given": given, "tried": tried}
        read = {"seen": seen, "from_memory": from_memory, "slow": slow}
        claim = Claim(id, where, says or found.says, found.printed, recorded, found.investigate, **told, **read)  # type: ignore[arg-type]
        self._add(claim)

    def not_run(self, id: str, *, where: str, says: str, waits_for: str) -> None:  # noqa: A002 (as above)
        """Put a claim into the ledger that nothing here can test yet."""
        self._add(Claim(id, where, says, {}, "not-run", waits_for=waits_for))

    def also(
        self,
        id: str,  # noqa: A002 (as above)
        of: str,
        *,
        where: str,
        of_ledger: Ledger,
        renumbered: Callable[[str], str] = str,
    ) -> None:
        """Put in a claim that another paper prints too.

        Args:
            id: its id here.
            of: its id there, or the id of a claim that is a twin itself.
            where: the place in this paper.
            of_ledger: the other paper's.
            renumbered: turns the other paper's numbers of equations in a sentence into this one's.

        """
        other = of_ledger[of]
        words: dict[str, Any] = {name: renumbered(getattr(other, name)) for name in ("says", "why", "given", "tried")}
        falls = tuple(renumbered(one) for one in other.falls)
        self._add(replace(other, id=id, where=where, investigate=lambda: other.readings, falls=falls, twin=of, **words))

    def _add(self, claim: Claim) -> None:
        if claim.paper != self.paper or not claim.id.partition(":")[2]:
            message = f"claim {claim.id!r}: an id of this ledger reads {self.paper!r}, a colon and a name"
            raise InputError(message)
        if claim.id in self.claims:
            message = f"claim {claim.id!r} occurs twice in the ledger of {self.paper!r}"
            raise InputError(message)
        missing = [slot for slot in claim.printed if f"{{{slot}}}" not in claim.says]
        if missing:
            message = f"claim {claim.id!r}: its statement has no place {{{missing[0]}}} for the slot {missing[0]!r}"
            raise InputError(message)
        self.claims[claim.id] = claim

    def __getitem__(self, id: str) -> Claim:  # noqa: A002 (as above)
        """The claim of an id.

        Raises:
            InputError: there is none, naming the nearest.

        """
        if id in self.claims:
            return self.claims[id]
        raise InputError(did_you_mean(f"the ledger of {self.paper!r} has no claim {id!r}", nearest(id, self.claims)))

    def __iter__(self) -> Any:
        """The claims in the order in which they were put in."""
        return iter(self.claims.values())

    def __len__(self) -> int:
        """How many claims there are."""
        return len(self.claims)
