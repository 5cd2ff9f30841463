"""Slips within a derivation: replicas taken for one another, and draws of a sample that coincide too often or never.

*Replicas.* A product of means, E[q] E[r], is a moment over two independent replicas of a datum. Taken for one and the
same, it is E[q r]. One moment of the series is changed at a time, and what that changes in the traces is added to the
expansion: ΔL = coefficient × (contraction of the changed moment − contraction of the right one).

*Coincidences.* Of p indices over K draws b are different with the weight K(K − 1)…(K − b + 1)/K^p, so that a
coefficient is a polynomial in 1/K, whose k-th power counts what k coincidences add. With K kept apart from the N that
stands elsewhere in the definition, one of these powers is lost, counted twice or taken with the wrong sign; then K is
put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import sympy

from derive import Expansion, Loss
from derive.algebra.graphs import VIEW, Graph, Vertex, canonical, components, relabelled
from derive.algebra.scalars import Coefficient
from derive.algebra.words import Invariants
from derive.definition.expression import Average, Expression, children
from derive.expansion.laws import Gaussian
from derive.expansion.laws.averaging import trace_polynomial
from derive.expansion.moments import Moment, MomentSeries
from verify.assurance.mutants.definitions import with_part
from verify.assurance.mutants.mutant import Mutant

# The number of draws, kept apart.
K = sympy.Symbol("K")


def merged_replicas(loss: Loss, order: int) -> Iterator[Mutant]:
    """Two replicas of one moment taken for one."""
    right, series = loss.expand(order), loss.moments(order)
    merged: dict[Moment, Coefficient] = {}
    for moment, value in series.raw.items():
        one = tuple(sorted(map(canonical, moment)))
        merged[one] = value if one not in merged else merged[one] + value
    for number, (moment, value) in enumerate(sorted(merged.items(), key=lambda item: item[0])):
        if series.scalars.to_sympy(value) == 0:
            continue
        edges = _apart(moment)
        data = sorted({v.group for edge in edges for v in edge if v.kind == VIEW})
        for first, second in combinations(data, 2):
            joined = tuple(
                sorted(canonical(relabelled(piece)) for piece in components(_identified(edges, second, first)))
            )
            if joined == moment:
                continue
            change: dict[Moment, Coefficient] = {moment: value * -1, joined: value}
            delta = trace_polynomial(
                MomentSeries(change, series.scalars, sympy.S.Zero, order), Gaussian(), bias=loss.bias
            )
            terms = [(term.invariants, term.coefficient) for term in right.terms]
            terms += [(invariants, series.scalars.to_sympy(weight)) for invariants, weight in delta.items()]
            yield Mutant(
                "wrong replicas", f"moment {number}: data {first} and {second} are one", right.with_terms(terms)
            )


def _apart(moment: Moment) -> list[tuple[Vertex, Vertex]]:
    """The edges of all factors, with numbers of data and coordinates that no two of them share."""
    edges: list[tuple[Vertex, Vertex]] = []
    start = 0
    for graph in moment:
        edges += [(_moved(u, start), _moved(v, start)) for u, v in graph]
        start += 1 + max((v.group for edge in graph for v in edge), default=0)
    return edges


def _moved(v: Vertex, by: int) -> Vertex:
    return v._replace(group=v.group + by)


def _identified(edges: list[tuple[Vertex, Vertex]], old: int, new: int) -> Graph:
    def joined(v: Vertex) -> Vertex:
        return v._replace(group=new) if v.kind == VIEW and v.group == old else v

    return tuple((joined(u), joined(v)) for u, v in edges)


def wrong_coincidences(loss: Loss, order: int) -> Iterator[Mutant]:
    """A power of 1/K lost, counted twice or of the wrong sign: in all terms, and in each."""
    counts = {sample.count for sample in loss.samples}
    if len(counts) != 1:
        return
    (count,) = counts
    right = loss.expand(order)
    apart = replace(loss, expression=_with_count(loss.expression), batch=loss.batch_size).expand(order)
    parts = {term.invariants: _powers(term.coefficient) for term in apart.terms}
    powers = sorted({k for one in parts.values() for k in one if k})
    for k in powers:
        for name, factor in (("lost", 0), ("counted twice", 2), ("with the wrong sign", -1)):
            said = f"{'a coincidence' if k == 1 else f'{k} coincidences'} {name}"
            everywhere = _put_back(right, parts, count, dict.fromkeys(parts, (k, factor)))
            yield Mutant("coincidence weights", said, everywhere)
            for number, invariants in enumerate(parts):
                if k in parts[invariants]:
                    changed = _put_back(right, parts, count, {invariants: (k, factor)})
                    yield Mutant("coincidence weights", f"{said} in term {number}", changed)


def _with_count(node: Expression) -> Expression:
    for k, part in enumerate(children(node)):
        node = with_part(node, k, _with_count(part))
    return replace(node, count=K) if isinstance(node, Average) and node.count is not None else node


def _powers(coefficient: sympy.Expr) -> dict[int, sympy.Expr]:
    """A coefficient by powers of 1/K."""
    x = sympy.Dummy()
    polynomial = sympy.Poly(sympy.expand(coefficient.subs(K, 1 / x)), x)
    return {power: value for (power,), value in polynomial.terms()}


def _put_back(
    right: Expansion,
    parts: Mapping[Invariants, Mapping[int, sympy.Expr]],
    count: sympy.Expr,
    changes: Mapping[Invariants, tuple[int, int]],
) -> Expansion:
    terms = []
    for invariants, powers in parts.items():
        where, factor = changes.get(invariants, (0, 1))
        total = sympy.Add(*((factor if k == where else 1) * value / count**k for k, value in powers.items()))
        terms.append((invariants, total))
    return right.with_terms(terms)
