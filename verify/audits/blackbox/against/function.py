"""Code compared with a second implementation: values, gradients, regularity, terms, and where they differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain

from derive import InputError
from verify.audits.blackbox.against.batches import SIZES, batches, far
from verify.audits.blackbox.against.comparison import Comparison
from verify.audits.blackbox.against.gradients import Gradients, compare_gradients
from verify.audits.blackbox.against.parting import order_on_a_batch, order_on_average
from verify.audits.blackbox.against.saying import of_gradients, of_values
from verify.audits.blackbox.against.subject import Subject, described, expansion_of
from verify.audits.blackbox.against.terms import differences
from verify.audits.blackbox.against.values import Values, compare_values
from verify.audits.blackbox.batch_sizes import too_large
from verify.evidence.evidence import Evidence
from verify.truths.function import BlackBox

# Above this many seconds a call on a large batch is too slow to be repeated many times.
SLOW = 0.2

ALIKE = ("equal", "offset", "small", "stray", "factor", "affine")


def against_function(
    mine: Subject, theirs: Subject, *, order: int, seed: int, tick: Callable[[str], None]
) -> Comparison:
    """Compare two torch losses, by their values first.

    Args:
        mine: the code.
        theirs: the second implementation.
        order: through which terms are compared.
        seed: of the batches.
        tick: called with a word before each step.

    """
    name = theirs.whole.name
    names = ("the code", name)
    kinds = {"code": described(mine.smooth), "other": described(theirs.smooth)}
    if not (mine.steady and theirs.steady):
        which = "the code" if not mine.steady else name
        note = f"{which} draws random numbers or keeps state: two values on one batch are not to be compared"
        skipped = Evidence("exact", f"values beside {name}", ran=False, note=note)
        return Comparison(
            name, "function", (("values", f"not compared: {note}"),), None, None, kinds, evidence=(skipped,)
        )
    rounding = max(mine.smooth.rounding, theirs.smooth.rounding)
    sizes = sorted({*SIZES, mine.smooth.smallest_batch, theirs.smooth.smallest_batch})
    tick("values")
    quick = _quick(mine.whole, seed) and _quick(theirs.whole, seed)
    on = chain(far(seed), batches(seed, sizes)) if quick else batches(seed, sizes)
    values = compare_values(mine.whole, theirs.whole, on, rounding=rounding, names=names, seed=seed)
    lines = [("values", of_values(values, name)), *(("", note) for note in values.notes)]
    evidence = [_of_values(values, lines[0][1], name, seed)]
    slopes: Gradients | None = None
    if values.kind in ALIKE:
        tick("gradients")
        slopes = compare_gradients(mine.whole, theirs.whole, values.pairs, rounding=rounding, names=names)
        lines.append(("gradients", of_gradients(slopes, name)))
        evidence.append(_of_gradients(slopes, lines[-1][1], name, seed))
    else:
        lines.append(("gradients", "not compared: the values are not those of one function"))
    lines.append(("regularity", _regularity(mine, theirs, name)))
    agrees = _together(values, slopes)
    tick("terms")
    differ, parts, more = _inside(mine, theirs, order=order, seed=seed, rounding=rounding, values=values)
    if differ is not None and values.agrees is False:
        said = differ[0] if differ else "equal"
        evidence.append(
            Evidence("symbolic", f"terms of {name}", "equal", said, agrees=not differ, exact=bool(differ), part="term")
        )
    return Comparison(name, "function", (*lines, *more), values, slopes, kinds, differ, parts, agrees, tuple(evidence))


def _quick(box: BlackBox, seed: int) -> bool:
    """Whether a loss can be called on the large and the wide batches, several times each."""
    smaller: tuple[int, float] | None = None
    for batch in far(seed):
        if smaller is not None and too_large(batch.size, *smaller):
            return False
        started = time.perf_counter()
        try:
            box(batch.z)
        except InputError:
            # Batches that it does not take are reported by the comparison.
            continue
        seconds = time.perf_counter() - started
        if seconds > SLOW:
            return False
        smaller = (batch.size, seconds)
    return True


def _inside(
    mine: Subject, theirs: Subject, *, order: int, seed: int, rounding: float, values: Values
) -> tuple[tuple[str, ...] | None, int | None, list[tuple[str, str]]]:
    """Compare the terms, and find the order at which the losses differ, or their cores where those are asked for."""
    lines: list[tuple[str, str]] = []
    name, what = theirs.whole.name, "the losses"
    here = values
    if mine.has_core:
        what = "the cores"
        sizes = sorted({*SIZES, mine.inside_smooth.smallest_batch, theirs.inside_smooth.smallest_batch})
        names = ("the core of the code", f"the core of {name}")
        on = batches(seed + 1, sizes)
        here = compare_values(mine.inside, theirs.inside, on, rounding=rounding, names=names, seed=seed)
        lines.append(("cores", of_values(here, name)))
    if here.kind in ("equal", "offset"):
        if mine.inside_smooth.kind == "analytic":
            lines.append(("terms", f"not compared by themselves: the values of {what} are equal"))
        return (), None, lines
    if any(one.inside_smooth.kind != "analytic" for one in (mine, theirs)):
        hint = "" if mine.has_core else "; --core compares what is inside of normalisations"
        lines.append(("terms", f"not compared: one of {what} has no expansion at W = 0{hint}"))
        return None, None, lines
    differ: tuple[str, ...] | None = None
    second = expansion_of(theirs.inside, theirs.inside_smooth, order, seed, mine.encoders) if mine.found else None
    if mine.found is None or second is None:
        lines.append(("terms", f"not compared: one of {what} has no formula in traces"))
    else:
        told = "in the code", f"in {name}"
        numbers = mine.numbers, second.numbers
        differ = tuple(differences(mine.found.expansion, second.expansion, numbers=numbers, said=told))
        lines += [("terms", differ[0] if differ else f"equal through order {mine.found.expansion.order}")]
        lines += [("", each) for each in differ[1:]]
    smallest = max(mine.inside_smooth.smallest_batch, theirs.inside_smooth.smallest_batch)
    one, other = mine.inside, theirs.inside
    on_batch = order_on_a_batch(one, other, rounding=rounding, smallest=smallest, seed=seed)
    on_average = order_on_average(one, other, rounding=rounding, smallest=smallest, encoders=mine.encoders, seed=seed)
    lines.append(("parts", f"{what} part {_orders(on_batch, on_average)}"))
    if mine.has_core and values.agrees is not False:
        lines.append(("", "that cores are different functions is not a contradiction where the losses are equal"))
    return differ, on_average or on_batch, lines


def _orders(on_batch: int | None, on_average: int | None) -> str:
    """The orders in words."""
    batch = "at no order that was seen" if on_batch is None else f"at order {on_batch}"
    if on_average is None:
        return f"{batch} on a batch; averaged over Gaussian data, at no order that was seen"
    return f"{batch} on a batch, at order {on_average} when averaged over Gaussian data"


def _together(values: Values, slopes: Gradients | None) -> bool | None:
    """Evidence that the two are equal by values and by gradients."""
    if values.agrees is False or (slopes is not None and values.agrees and slopes.agrees is False):
        return False
    return True if values.agrees and slopes is not None and slopes.kind in ("equal", "nothing") else None


def _of_values(values: Values, said: str, name: str, seed: int) -> Evidence:
    if values.kind == "nothing":
        return Evidence("exact", f"values beside {name}", ran=False, note=said)
    what, apart = f"values beside {name}", values.agrees is False
    return Evidence("exact", what, "equal", _short(values), agrees=values.agrees, seed=seed, note=said, exact=apart)


def _short(values: Values) -> str:
    """The relation in a word or two."""
    related = values.relation
    if related is None:
        return values.kind
    factor = f"{related.factor} times" if related.factor else "equal"
    return f"{factor}, plus {related.offset}" if related.offset else factor


def _of_gradients(slopes: Gradients, said: str, name: str, seed: int) -> Evidence:
    what = f"gradients beside {name}"
    if slopes.kind == "nothing":
        return Evidence("autodiff", what, ran=False, note=slopes.note)
    found = f"{' and '.join(slopes.ratio)} times" if slopes.ratio else slopes.kind
    apart = slopes.agrees is False
    return Evidence("autodiff", what, "equal", found, agrees=slopes.agrees, seed=seed, note=said, exact=apart)


def _regularity(mine: Subject, theirs: Subject, name: str) -> str:
    one, other = described(mine.smooth), described(theirs.smooth)
    return f"both are {one}" if one == other else f"the code is {one}, {name} is {other}"
