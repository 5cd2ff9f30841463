"""The report on a study of a last layer, as text that fits a screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from verify.evidence.description import Description, Line, Section
from verify.evidence.terminal import written as written_out
from verify.networks.last_layer import sphere_findings

if TYPE_CHECKING:
    from verify.networks.last_layer.prediction import Order
    from verify.networks.last_layer.second_moments import Spectrum
    from verify.networks.last_layer.strengths import AtStrength, Study

MARKS = {True: "✓", False: "✗", None: "undecided"}
SHOWN = 4


def text(
    found: Study, about: Sequence[tuple[str, str]], written: Sequence[str] = (), *, width: int | None = None
) -> str:
    """The report.

    Args:
        found: the study.
        about: names and sentences for the head: network, data, layer.
        written: names of files.
        width: at which lines are folded; None does not fold them.
    """
    said = replace(describe(found, about, written), title="")
    return written_out(said, width, label=12, headings=True)


def describe(found: Study, about: Sequence[tuple[str, str]] = (), written: Sequence[str] = ()) -> Description:
    """The description of a study: the answers, what was looked at, each strength, and what changes between them."""
    changes = [Line("transition", one.text) for one in found.transitions]
    files = [Line("written", ", ".join(written))] if written else []
    head = Section("looked at", (*(Line(*one) for one in about), *_head(found)))
    sphere = (Section(f"{one.label}, on the sphere", tuple(sphere_findings.lines(one))) for one in found.sphere)
    several = len(found.answers) > 1
    answers = (Section(one.label if several else "", tuple(one.lines())) for one in found.answers)
    parts = (*answers, head, *sphere, *map(_at, found.at), Section("", (*changes, *files)))
    title = f"the last layer under {found.objective.name}"
    return Description(title, sections=parts, verdict="refuted" if found.contradicted else "undecided", kind="study")


def _head(found: Study) -> Iterator[Line]:
    objective = found.objective
    values = ", ".join(f"{name} = {value}" for name, value in objective.values.items() if name != "N")
    batch = f"{'stands for the population' if objective.population else 'batches'}, n = {objective.batch}"
    yield Line("loss", f"{objective.name}{f' at {values}' if values else ''}; {batch}")
    if objective.note:
        yield Line("", objective.note)
    if found.sizes:
        yield Line("parts", f"{' + '.join(map(str, found.sizes))} singular values of W, the largest first")


def to_json(found: Study, about: Sequence[tuple[str, str]] = (), written: Sequence[str] = ()) -> dict[str, Any]:
    """Plain JSON values; what is not known is null."""
    objective = found.objective
    return {
        **dict(about),
        "loss": objective.name,
        "values": {name: str(value) for name, value in objective.values.items()},
        "batch": objective.batch,
        "note": objective.note or None,
        "parts": list(found.sizes),
        "answers": [one.to_json() for one in found.answers],
        "sphere": [sphere_findings.to_json(one) for one in found.sphere],
        "at": [_at_json(one) for one in found.at],
        "transitions": [
            {
                "what": one.what,
                "strength": _number(one.strength),
                "standard_error": _number(one.error),
                "between": None if one.why else list(one.between),
                "note": one.why or None,
            }
            for one in found.transitions
        ],
        "contradicted": found.contradicted,
        "written": list(written),
    }


def _at(one: AtStrength) -> Section:
    return Section(one.label, tuple(_lines(one)))


def _lines(one: AtStrength) -> Iterator[Line]:
    if one.eigenvalues is not None:
        yield Line("B", _spectrum(one.eigenvalues))
    if one.directions is not None:
        up, flat, down = one.directions.signs
        yield Line("", f"along W's {up + flat + down} right singular vectors: {up} > 0, {flat} ≈ 0, {down} < 0")
    sign = {True: "  sign ✓", False: "  sign ✗", None: "  sign undecided"}[one.sign_as_predicted]
    yield Line("order 2", _order(one.orders[0]) + sign)
    yield Line("order 4", _order(one.orders[1]))
    at = ", ".join(f"{r:.3g}" for r in one.over.at)
    beyond = " at the end of the grid" if one.over.at_the_end else ""
    unknown = [str(k + 1) for k, kept in enumerate(one.over.kept) if kept is None]
    which = f" (part{'s' * (len(unknown) > 1)} {' and '.join(unknown)})" if unknown else ""
    yield Line("minimum", f"({at}){beyond}: {one.over.phase}{which}")


def _order(order: Order) -> str:
    measured = f"measured {order.measured:.4g} ± {order.measured_error:.1g}"
    if not isfinite(order.predicted):
        return f"{measured}; not predicted without a definition"
    gaussian = f"; if Gaussian {order.gaussian:.4g}" if isfinite(order.gaussian) else ""
    predicted = f"moments {order.predicted:.4g} ± {order.predicted_error:.1g}"
    return f"{predicted}, {measured} {MARKS[order.agrees]}{gaussian}"


def _spectrum(spectrum: Spectrum) -> str:
    up, flat, down = spectrum.signs
    groups = spectrum.multiplicities
    largest = ", ".join(f"{value:.3g}{f' (×{count})' if count > 1 else ''}" for value, count in groups[:SHOWN])
    more = ", …" if len(groups) > SHOWN else ""
    return f"{up} eigenvalues > 0, {flat} ≈ 0, {down} < 0; {largest}{more}"


def _at_json(one: AtStrength) -> dict[str, Any]:
    return {
        "label": one.label,
        "strength": one.strength,
        "orders": [_order_json(order) for order in one.orders],
        "sign_as_predicted": one.sign_as_predicted,
        "B": None if one.eigenvalues is None else _spectrum_json(one.eigenvalues),
        "along_W": None if one.directions is None else _spectrum_json(one.directions),
        "minimum": list(one.over.at),
        "at_the_end": one.over.at_the_end,
        "kept": list(one.over.kept),
        "slopes": [{"value": value, "standard_error": _number(error)} for value, error in one.over.slopes()],
        "phase": one.over.phase,
    }


def _order_json(order: Order) -> dict[str, Any]:
    return {
        "order": order.order,
        "by_moments": _number(order.predicted),
        "by_moments_error": _number(order.predicted_error),
        "measured": order.measured,
        "measured_error": _number(order.measured_error),
        "difference_error": _number(order.difference_error),
        "if_gaussian": _number(order.gaussian),
        "agrees": order.agrees,
    }


def _spectrum_json(spectrum: Spectrum) -> dict[str, Any]:
    return {"values": list(spectrum.values), "standard_errors": list(spectrum.errors), "signs": list(spectrum.signs)}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
