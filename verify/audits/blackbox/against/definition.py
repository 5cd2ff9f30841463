"""Code compared with a definition: on average over the same data, then term by term."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy

from derive import InputError, Loss, NotAnalyticError
from verify.audits.blackbox.against import averages
from verify.audits.blackbox.against.batches import batches
from verify.audits.blackbox.against.comparison import Comparison
from verify.audits.blackbox.against.gradients import Gradients, own_gradient
from verify.audits.blackbox.against.parting import order_on_average
from verify.audits.blackbox.against.saying import of_gradients, of_values
from verify.audits.blackbox.against.subject import Subject, described
from verify.audits.blackbox.against.terms import Numbers, differences
from verify.audits.blackbox.against.values import Values
from verify.audits.blackbox.regularity import Regularity
from verify.evidence.evidence import Evidence
from verify.truths.function import BlackBox

LIMIT = "the definition is of a population: code on a batch estimates it, and has to be equal as N → ∞ alone"
Lines = list[tuple[str, str]]


def known_names(definition: Loss) -> tuple[str, ...]:
    """The names that --set accepts because a definition has them.

    >>> from derive import catalogue
    >>> known_names(catalogue("siglip"))
    ('N', 'b', 't')

    """
    return tuple(sorted(name for name in definition.parameters if name != "d1"))


def in_numbers(definition: Loss, given: Mapping[str, sympy.Expr]) -> Loss:
    """A definition with its parameters set as in code; only N may be left.

    Raises:
        InputError: another parameter has no value.

    """
    here = definition.set({name: given[name] for name in known_names(definition) if name in given and name != "N"})
    open_ones = [name for name in here.parameters if name not in ("N", "d1")]
    if open_ones:
        message = (
            f"the definition leaves {open_ones[0]} open, where the code has a number: give it with --set"
            f" {open_ones[0]}=… or in the file"
        )
        raise InputError(message)
    return here


@dataclass(frozen=True)
class _Averages:
    """The result of comparing averages."""

    values: Values | None
    lines: Lines
    evidence: list[Evidence]
    agrees: bool | None = None


def against_definition(
    mine: Subject, definition: Loss, *, order: int, seed: int, tick: Callable[[str], None]
) -> Comparison:
    """Compare code with a definition that has numbers for its parameters.

    Raises:
        InputError: the code normalises in a way in which the definition cannot be read.

    """
    name, kinds = definition.name, {"code": described(mine.smooth)}
    if not mine.steady:
        note = "the code draws random numbers or keeps state"
        skipped = Evidence("exact", f"averages beside {name}", ran=False, note=note)
        return Comparison(
            name, "definition", (("values", f"not compared: {note}"),), regularity=kinds, evidence=(skipped,)
        )
    tick("values")
    whole = _whole(mine, definition, seed)
    lines, evidence = [*whole.lines], [*whole.evidence]
    tick("gradients")
    on = list(batches(seed, (mine.smooth.smallest_batch + 1,), (2, 3)))
    slopes = own_gradient(mine.whole, on, rounding=mine.smooth.rounding)
    said = of_gradients(slopes, "that of its values")
    lines.append(("gradients", f"of the code, by autograd, beside that of its own values: {said}"))
    evidence.append(_of_gradients(slopes, lines[-1][1], seed))
    lines.append(("regularity", f"the code is {described(mine.smooth)}"))
    agrees = whole.agrees
    if slopes.agrees is False:
        agrees = False
    differ: tuple[str, ...] | None = None
    parts: int | None = None
    if mine.inside_smooth.kind == "analytic":
        tick("terms")
        here = whole.values
        if mine.has_core:
            inside = _compared(mine.inside, mine.inside_smooth, definition, seed, "core")
            lines += inside.lines
            here = inside.values
            # The core decides where the loss itself cannot be compared, or is not equal.
            evidence += [] if agrees else inside.evidence
            agrees = inside.agrees if agrees is None else agrees
        differ, more, found = _terms(mine, definition, order)
        lines += more
        if found is not None and not (mine.has_core and whole.values is not None and whole.values.agrees):
            evidence.append(found)
            agrees = found.agrees if agrees is None or found.agrees is False else agrees
        if here is not None and here.agrees is not True and here.kind not in ("small", "nothing"):
            parts = order_on_average(
                mine.inside,
                averages.average(definition),
                rounding=mine.inside_smooth.rounding,
                smallest=mine.inside_smooth.smallest_batch,
                encoders=mine.encoders,
                seed=seed,
            )
            seen = "at no order that was seen" if parts is None else f"at order {parts}"
            lines.append(("parts", f"the averages part {seen}"))
        if mine.has_core and differ and whole.values is not None and whole.values.agrees:
            lines.append(("", "that cores are different functions is not a contradiction where the losses are equal"))
    return Comparison(
        name, "definition", tuple(lines), whole.values, slopes, kinds, differ, parts, agrees, tuple(evidence)
    )


def _whole(mine: Subject, definition: Loss, seed: int) -> _Averages:
    """Compare the code itself with the definition, which takes unit vectors if the code normalises embeddings."""
    smooth = mine.smooth
    if smooth.kind == "analytic":
        return _compared(mine.whole, smooth, definition, seed, "values")
    size = smooth.smallest_batch + 1
    if not averages.depends_on_length(mine.whole, size=size, rounding=smooth.rounding, seed=seed):
        return _compared(mine.whole, smooth, _of_unit_vectors(definition), seed, "values")
    if smooth.degree != 0:
        return _compared(mine.whole, smooth, definition, seed, "values")
    why = "it is constant along z → s z, though not in the length of each embedding (statistics of the batch?)"
    if not mine.has_core:
        message = (
            f"{mine.whole.name} normalises in a way in which the definition {definition.name} cannot be read: {why}; "
            "use --core to compare what is inside its normalisation"
        )
        raise InputError(message)
    return _Averages(None, [("values", f"the core alone is compared with the definition: {why}")], [])


def _compared(box: BlackBox, smooth: Regularity, definition: Loss, seed: int, label: str) -> _Averages:
    """Averages over small laws, and over random batches."""
    quantity = f"averages beside {definition.name}" + (", of the core" if label == "core" else "")
    why = averages.why_not(definition)
    if why:
        skipped = Evidence("exact", quantity, ran=False, note=why)
        return _Averages(None, [(label, f"not compared: {why}")], [skipped])
    at = {"smallest": smooth.smallest_batch, "seed": seed}
    values = averages.compare_averages(box, definition, rounding=smooth.rounding, constant=smooth.degree == 0, **at)
    said = of_values(values, "the definition", on="averages over small laws of the data")
    lines: Lines = [(label, said), *(("", note) for note in values.notes)]
    if values.kind == "nothing":
        return _Averages(values, lines, [Evidence("exact", quantity, ran=False, note=said)])
    agrees, of_a_population = values.agrees, definition.batch_size is None
    related = values.relation
    # A factor that does not depend on N remains in the limit.
    stays = related is not None and not any("N" in text for text in (related.factor, related.offset))
    if of_a_population and agrees is False and not stays:
        agrees = None
        lines.append(("", LIMIT))
    found = values.kind if related is None else f"{related.factor or 1} times, plus {related.offset or 0}"
    apart = agrees is False
    evidence = [Evidence("exact", quantity, "equal", found, agrees=agrees, seed=seed, note=said, exact=apart)]
    if values.kind != "beyond" and not (of_a_population and agrees is None):
        offset = values.kind == "offset"
        evidence.append(averages.on_random_batches(box, definition, offset=offset, **at))
        agrees = False if evidence[-1].agrees is False else agrees
    return _Averages(values, lines, evidence, agrees)


def _terms(mine: Subject, definition: Loss, order: int) -> tuple[tuple[str, ...] | None, Lines, Evidence | None]:
    """Compare the terms of the expansion with those of the definition."""
    if mine.found is None:
        return None, [("terms", "not compared: the code has no formula in traces")], None
    order = min(order, mine.found.expansion.order)
    try:
        derived = definition.expand(order)
    except NotAnalyticError as error:
        return None, [("terms", f"not compared: the definition has no expansion: {error}")], None
    numbers: tuple[Numbers, Numbers] = (mine.numbers, {})
    differ = tuple(differences(mine.found.expansion, derived, numbers=numbers))
    lines: Lines = [
        ("terms", differ[0] if differ else f"equal through order {order}"),
        *(("", one) for one in differ[1:]),
    ]
    agrees: bool | None = not differ
    if differ and definition.batch_size is None:
        left = differences(mine.found.expansion, derived, numbers=numbers, limit=True)
        # The limit of a coefficient that is left as numbers is not known.
        if not left or mine.numbers:
            agrees = None
            lines.append(("", "equal in the limit N → ∞" if not left else "the limit N → ∞ of a number is not known"))
    said = differ[0] if differ else "equal"
    what, apart = "terms of the definition", agrees is False
    return differ, lines, Evidence("symbolic", what, "equal", said, agrees=agrees, exact=apart, part="term")


def _of_gradients(slopes: Gradients, said: str, seed: int) -> Evidence:
    what = "gradient of the code beside that of its values"
    if slopes.kind == "nothing":
        return Evidence("autodiff", what, ran=False, note=slopes.note)
    found = f"{' and '.join(slopes.ratio)} times" if slopes.ratio else slopes.kind
    apart = slopes.agrees is False
    return Evidence("autodiff", what, "equal", found, agrees=slopes.agrees, seed=seed, note=said, exact=apart)


def _of_unit_vectors(definition: Loss) -> Loss:
    """The definition with f/|f| for f, unless it has that already."""
    normalised = definition.normalised(temperature=1)
    return definition if normalised.expression == definition.expression else normalised
