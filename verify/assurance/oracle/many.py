"""Many random losses by both engines, in units that a sweep goes on with after a kill."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Any

from derive.algebra.graphs import CLASSMATE
from derive.definition.expression import Average, CoordinateSum, Exp, Log, Power, walk
from verify.assurance.oracle.comparing import compare
from verify.assurance.oracle.random_losses import Case
from verify.assurance.oracle.two_kinds import Kinds, case_in
from verify.running.limits import TimeUpError, time_limit
from verify.running.sweeps.sweep import Settings, Sweep, seed_of

# Cases of a unit: a few seconds' work.
OF_UNIT = 100


def many(count: int, seed: int, limit: float, kinds: Kinds = "one") -> Sweep:
    """A sweep over ``count`` cases, rounded up to whole units.

    Args:
        count: how many.
        seed: each case has its own, made of this one and its number.
        limit: seconds that a case may take; one that takes longer counts as not compared.
        kinds: "one" kind of view, two "augmentations" or two "encoders"; or one, of data with a "mean", of "classes",
            with "noise" that depends on the datum, or of other data of a class, "classmates".

    """
    units: tuple[Settings, ...] = tuple(
        {"seed": seed, "first": first, "count": OF_UNIT, "limit": limit, "kinds": kinds}
        for first in range(0, count, OF_UNIT)
    )
    return Sweep("oracle", "verify.assurance.oracle.many:unit", units)


def case_of(seed: int, number: int, kinds: Kinds = "one") -> Case:
    """One of the cases."""
    return case_in(Random(seed_of("oracle", seed, number)), kinds)


def unit(*, seed: int, first: int, count: int, limit: float, kinds: Kinds = "one") -> dict[str, Any]:
    """Compare some cases.

    Returns:
        ``compared``, ``refused`` (both engines say: odd orders), ``too long`` (their numbers), ``different`` (number
        and what differs), ``definitions`` (a hash each), and ``features``, how many cases have what.

    """
    found: dict[str, Any] = {"compared": 0, "refused": 0, "too long": [], "different": [], "definitions": []}
    features: Counter[str] = Counter()
    for number in range(first, first + count):
        case = case_of(seed, number, kinds)
        try:
            with time_limit(limit, f"case {number} of seed {seed} hangs"):
                both = compare(case)
        except TimeUpError:
            found["too long"].append(number)
            continue
        except Exception as error:  # noqa: BLE001 (whatever it is, neither engine should raise it)
            found["different"].append([number, f"{type(error).__name__}: {error}"])
            continue
        if not both.agree:
            found["different"].append([number, both.text()])
        found["refused" if both.derived is None else "compared"] += 1
        found["definitions"].append(hashlib.sha256(case.loss.text().encode()).hexdigest()[:16])
        features.update(_features(case))
        features["not zero"] += any(both.oracle[1:])
    return found | {"features": dict(sorted(features.items()))}


def summed(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The units' results together; definitions are counted, each once."""
    features: Counter[str] = Counter()
    for one in results:
        features.update(one["features"])
    return {
        "compared": sum(one["compared"] for one in results),
        "refused": sum(one["refused"] for one in results),
        "definitions": len({text for one in results for text in one["definitions"]}),
        "different": [pair for one in results for pair in one["different"]],
        "too long": [number for one in results for number in one["too long"]],
        "features": dict(sorted(features.items())),
    }


def _features(case: Case) -> Iterator[str]:
    nodes = list(walk(case.loss.expression))
    yield f"order {case.order}"
    yield f"d1 = {case.law.d1}"
    yield f"d0 = {len(case.law.A0)}"
    if case.law.second is not None:
        yield f"d0' = {len(case.law.second.A2)}"
        yield case.loss.name if case.loss.name != "loss" else "a random loss"
    for name, kinds in (("exp", Exp), ("log", Log), ("sum over coordinates", CoordinateSum), ("power", Power)):
        if any(isinstance(node, kinds) for node in nodes):
            yield name
    means = [node for node in nodes if isinstance(node, Average)]
    yield f"{min(len(means), 4)}{'+' * (len(means) > 3)} means"
    if any(node.count is not None for node in means):
        yield f"a sample, N = {case.values.get('N', Fraction(2))}"
    if any(isinstance(part, Average) for node in means for part in list(walk(node))[1:]):
        yield "nested means"
    if CLASSMATE in case.loss.roles:
        yield "other data of a class"
    if case.law.bias is not None:
        yield "bias"
    if case.law.points is not None:
        yield "a fixed set"
    if case.law.mean is not None:
        yield "a mean"
    if case.law.of_data:
        yield "noise that depends on the datum"
    elif case.law.classes:
        yield f"{len(case.law.classes)} classes"
    if case.law.scale is not None:
        yield f"elliptical, a scale per {case.law.per}"
    yield f"parameters set: {case.flow}" if case.values else "no parameters"
