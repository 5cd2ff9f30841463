"""Code compared with a second loss: another implementation, or a definition.

What is compared, in this order: the values on random batches of several sizes, the gradients and their ratio, what each
loss is near W = 0, the terms of both expansions, and the order at which they part. Each gives a sentence
and evidence of its own, also where nothing was compared.
"""

from __future__ import annotations

from collections.abc import Callable

from derive import InputError, Loss
from derive.algebra.graphs import CLASSMATE
from verify.audits.blackbox.against.comparison import Comparison
from verify.audits.blackbox.against.definition import against_definition, in_numbers, known_names
from verify.audits.blackbox.against.function import against_function
from verify.audits.blackbox.against.subject import Subject, subject
from verify.audits.blackbox.expansions import Expanded
from verify.audits.blackbox.regularity import Regularity
from verify.truths.function import BlackBox

__all__ = ["Comparison", "compare", "in_numbers", "known_names"]


def compare(
    whole: BlackBox,
    inside: BlackBox,
    inside_smooth: Regularity,
    found: Expanded | None,
    other: BlackBox | Loss,
    *,
    order: int = 4,
    encoders: int = 1,
    seed: int = 0,
    tick: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare code with a second loss.

    Args:
        whole: the code itself.
        inside: the loss that was expanded: the core of the code where that was asked for, else ``whole`` itself.
        inside_smooth: its regularity near 0.
        found: its expansion; None where it has none.
        other: another implementation, or a definition with numbers for its parameters (see `in_numbers`).
        order: through which terms are compared.
        encoders: 2 where the views are W x and V y, else 1; a definition has as many.
        seed: of all random numbers.
        tick: called with a word before each step.

    Raises:
        InputError: the two cannot be compared; the message says what to do.

    >>> from verify.audits.blackbox.regularity import regularity
    >>> one = BlackBox(lambda z1, z2: -(z1 * z2).sum(1).mean())
    >>> other = BlackBox(lambda z1, z2: -(z1 * z2).sum(1).sum(), "summed")
    >>> found = compare(one, one, regularity(one), None, other)
    >>> found.lines[0][1].split(",")[0], found.agrees
    ("the code's is summed's times 1/N", False)

    """
    if isinstance(other, Loss) and CLASSMATE in other.roles:
        message = (
            f"{other.name} has views of other data of a class, and a torch function loss(z1, z2) is not told the"
            " classes; audit the definition alone"
        )
        raise InputError(message)
    if inside is whole:
        mine = Subject(whole, inside_smooth, whole, inside_smooth, found, encoders)
    else:
        looked_at = subject(whole, use_core=False, seed=seed)
        mine = Subject(whole, looked_at.smooth, inside, inside_smooth, found, encoders)
    if isinstance(other, Loss):
        return against_definition(mine, other, order=order, seed=seed, tick=tick)
    tick("the other loss")
    return against_function(mine, subject(other, use_core=mine.has_core, seed=seed), order=order, seed=seed, tick=tick)
