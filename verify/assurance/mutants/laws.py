"""Slips over data of a law: a mean centred away, a weight lost, a class for a datum, noise the same for all data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import sympy

from derive import Classes, Expansion, Gaussian, Heteroscedastic, Law, Loss
from derive.algebra.alphabet import LETTERS, in_slot, is_centred, plainly, slot_of
from derive.algebra.graphs import CLASSMATE, PLAIN
from derive.algebra.slots import has_slots, settled
from derive.algebra.words import Invariants, paired
from derive.definition.expression import Average, Expression, free_views, labels, walk
from derive.definition.rewriting import relabelled
from derive.definition.views import View
from verify.assurance.mutants.mutant import Mutant


def slips(expansion: Expansion, law: Law, loss: Loss | None = None) -> Iterator[Mutant]:
    """The slips that an expansion over data of a law may have, apart from those of any expansion.

    Args:
        expansion: of data of the law.
        law: with a mean, classes or noise that depends on the datum; others have none of these slips.
        loss: that it is of, for the slips of views that share a class, and of noise.

    >>> from derive import Uncentred, catalogue
    >>> law = Uncentred()
    >>> [one.name for one in slips(catalogue("spectral").expand(4, data=law), law)]
    ['the mean centred away', 'the mean centred away at order 2', 'the mean centred away at order 4']
    """
    centred = [term for term in expansion.terms if _is_centred(term.invariants)]
    if len(centred) == len(expansion.terms):
        return
    if isinstance(law, Heteroscedastic):
        yield from _of_noise(expansion, loss)
        return
    what = "the classes' means and sums" if isinstance(law, Classes) else "the mean"

    def only(kept: Iterator[tuple[Invariants, sympy.Expr]]) -> Expansion:
        return expansion.with_terms((words, value) for words, value in kept)

    yield Mutant(
        "term dropped or doubled", f"{what} centred away", only((t.invariants, t.coefficient) for t in centred)
    )
    for order in sorted({term.order for term in expansion.terms}):
        left = (t for t in expansion.terms if t.order != order or t in centred)
        name = f"{what} centred away at order {order}"
        yield Mutant("term dropped or doubled", name, only((t.invariants, t.coefficient) for t in left))
    if loss is not None:
        yield from _of_relations(loss, expansion.order, law)
    if not isinstance(law, Classes) or not any(has_slots(term.invariants) for term in expansion.terms):
        return
    yield Mutant(
        "coefficient",
        "the weights of sums over classes lost",
        only((t.invariants, t.coefficient * (law.count if has_slots(t.invariants) else 1)) for t in expansion.terms),
    )
    yield Mutant(
        "wrong replicas",
        "the covariances of a datum drawn with classes of their own",
        only((_drawn_anew(t.invariants), t.coefficient) for t in expansion.terms),
    )


def _of_noise(expansion: Expansion, loss: Loss | None) -> Iterator[Mutant]:
    """C(z) taken for its average, and either of its moments lost."""
    if loss is not None:
        forgotten = loss.expand(expansion.order, basis=expansion.basis, data=Gaussian())
        name = "the dependence of the noise on the datum forgotten"
        yield Mutant(
            "symbol exchanged", name, expansion.with_terms((t.invariants, t.coefficient) for t in forgotten.terms)
        )
    for name, lost in (("with the datum", True), ("with itself", False)):
        left = (t for t in expansion.terms if _is_centred(t.invariants) or _has_data(t.invariants) != lost)
        made = expansion.with_terms((t.invariants, t.coefficient) for t in left)
        yield Mutant("term dropped or doubled", f"means of the noise's covariance {name} lost", made)


def _has_data(given: Invariants) -> bool:
    """Whether W z occurs."""
    letters = (LETTERS[letter].ends for one in given for _, word, _ in one for letter in word)
    return any(slot_of(end) is not None for ends in letters for end in ends)


def _of_relations(loss: Loss, order: int, law: Law) -> Iterator[Mutant]:
    """Views of other data of a class taken for views of the datum itself, or of any datum."""
    named = {view for node in walk(loss.expression) for view in labels(node) if isinstance(view, View)}
    mates = sorted(view for view in named if view.role == CLASSMATE)
    if not mates:
        return
    same = relabelled(loss.expression, {view: view._replace(role=PLAIN) for view in mates})
    yield Mutant("symbol exchanged", "the datum itself for others of its class", _expanded(loss, same, order, law))
    free = [view for view in mates if view in free_views(loss.expression)]
    if free:
        apart = {view: View(f"{view.datum}{number}", f"{view.datum}{number}") for number, view in enumerate(free, 2)}
        other: Expression = Average(relabelled(loss.expression, apart), tuple(apart.values()), None)
        yield Mutant("symbol exchanged", "any data for others of the class", _expanded(loss, other, order, law))


def _expanded(loss: Loss, expression: Expression, order: int, law: Law) -> Expansion:
    return replace(loss, expression=expression).expand(order, data=law)


def _is_centred(given: Invariants) -> bool:
    return all(is_centred(letter) for one in given for _, word, _ in one for letter in word)


def _drawn_anew(given: Invariants) -> Invariants:
    """Each covariance of a class with a class of its own, and so the average."""
    if not has_slots(given):
        return given
    fresh = count(8)
    anew = tuple(
        tuple(
            (i, "".join(one if LETTERS[one].slot is None else in_slot(plainly(one), next(fresh)) for one in word), j)
            for i, word, j in one
        )
        for one in given
    )
    return paired(settled(anew))
