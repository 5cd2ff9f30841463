"""A loss of cosines as the mean cosine of two views of a datum, and means over pairs of independent data.

Most published losses of unit vectors are of this kind, at least in the limit of a large batch:

    L = constant − a E cos(x, x′) + Σ of repulsions,

with repulsions w E_x log E_χ exp(k cos(x, χ)), w log E_x,χ exp(k cos(x, χ)) and w E_x,χ cos(x, χ)ʲ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import sympy

from derive.algebra.graphs import CLASSMATE
from derive.algebra.scalars import normal_form
from derive.definition.expression import Average, Exp, Expression, Log, Product, Scalar, Sum, free_views
from derive.definition.factors import split_off, summands, unscaled
from derive.definition.lengths import cosines_and_lengths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from derive.definition.views import View
    from derive.losses.loss import Loss

# The mean over x of log E_χ exp(k cos), the log of the mean over both, and the mean of a power of the cosine.
Kind = Literal["log mean", "log of all", "power"]


class Repulsion(NamedTuple):
    """One mean over pairs of independent data.

    Attributes:
        kind: see the module.
        weight: w.
        rate: k, or the power j.

    """

    kind: Kind
    weight: sympy.Expr
    rate: sympy.Expr


@dataclass(frozen=True)
class PairForm:
    """A loss of cosines by its means over pairs.

    Attributes:
        constant: what does not depend on f.
        aligned: a, the weight of −E cos(x, x′).
        repulsions: the means over independent data.

    """

    constant: sympy.Expr
    aligned: sympy.Expr
    repulsions: tuple[Repulsion, ...]

    @property
    def text(self) -> str:
        """The parts in one line.

        >>> from derive import catalogue
        >>> pair_form(catalogue("spectral+normalised").filled()).text
        '-2 E cos(x, x′) + 1 E cos(x, χ)^2'
        """
        written = {
            "log mean": "{0} E log E exp({1} cos(x, χ))",
            "log of all": "{0} log E exp({1} cos(x, χ))",
            "power": "{0} E cos(x, χ)^{1}",
        }
        parts = [written[one.kind].format(one.weight, one.rate) for one in self.repulsions]
        return " + ".join([f"{-self.aligned} E cos(x, x′)", *parts])


def pair_form(loss: Loss) -> PairForm | None:
    """A loss by its means over pairs; None where it is of another kind, draws finite samples, or sees classes.

    >>> from derive import catalogue
    >>> found = pair_form(catalogue("infonce+normalised"))
    >>> found.aligned, found.repulsions
    (1/tau, (Repulsion(kind='log mean', weight=1, rate=1/tau),))
    >>> pair_form(catalogue("siglip+normalised")) is None
    True
    """
    if CLASSMATE in loss.roles:
        return None
    constant, aligned = sympy.S.Zero, sympy.S.Zero
    found: dict[tuple[Kind, sympy.Expr], sympy.Expr] = {}
    key: tuple[Kind, sympy.Expr]
    for weight, node in _parts(loss.expression):
        match node:
            case Scalar(value):
                constant += weight * value
            case Log(Average(body, over, None)):
                one = _exponential(body, set(over))
                if one is None:
                    return None
                shift, rate, whole = one
                constant += weight * shift
                key = ("log of all" if whole else "log mean", rate)
                found[key] = found.get(key, sympy.S.Zero) + weight
            case _:
                cosine = _cosine(node)
                if cosine is None:
                    return None
                if not cosine.together:
                    key = ("power", sympy.Integer(cosine.power))
                    found[key] = found.get(key, sympy.S.Zero) + weight * cosine.number
                elif cosine.power == 1:
                    aligned -= weight * cosine.number
                else:
                    return None
    repulsions = (Repulsion(kind, normal_form(weight), normal_form(rate)) for (kind, rate), weight in found.items())
    # Odd powers vanish in the mean, as f and −f are equally likely.
    kept = (one for one in repulsions if one.weight != 0 and not (one.kind == "power" and one.rate % 2 == 1))
    return PairForm(normal_form(constant), normal_form(aligned), tuple(kept))


def _parts(node: Expression) -> Iterator[tuple[sympy.Expr, Expression]]:
    """Summands, each as a number times what depends on f."""
    for weight, part in summands(node):
        number, rest = unscaled(part)
        # The mean of what is constant.
        yield weight * number, rest.body if isinstance(rest, Average) and isinstance(rest.body, Scalar) else rest


class _Cosine(NamedTuple):
    """number × cos(u, v)^power; together says whether u and v are views of one datum."""

    together: bool
    power: int
    number: sympy.Expr


def _cosine(node: Expression) -> _Cosine | None:
    """A power of a cosine, or the mean of one; None for anything else."""
    if isinstance(node, Average):
        return None if node.count is not None else _cosine(node.body)
    cosines, lengths, others = cosines_and_lengths((node,))
    number, rest = split_off(others)
    if len(cosines) != 1 or lengths or rest:
        return None
    ((u, v, power),) = cosines
    return _Cosine(u.datum == v.datum, power, number)


def _exponential(body: Expression, over: set[View]) -> tuple[sympy.Expr, sympy.Expr, bool] | None:
    """log Σ exp(k cos + s), the cosines equal in the mean at each anchor: its constant, k, and whether none is free."""
    terms = body.terms if isinstance(body, Sum) else (body,)
    found: list[tuple[sympy.Expr, sympy.Expr, frozenset[View]]] = []
    for term in terms:
        factors = term.factors if isinstance(term, Product) else (term,)
        number = sympy.S.One
        argument: Expression | None = None
        for factor in factors:
            if isinstance(factor, Scalar):
                number *= factor.value
            elif isinstance(factor, Exp) and argument is None:
                argument = factor.argument
            else:
                return None
        one = None if argument is None else _affine(argument, over)
        if one is None:
            return None
        shift, rate, anchor = one
        found.append((number * sympy.exp(shift), rate, anchor))
    # Means at two views of an anchor differ, and the log of their sum is no function of one direction.
    if len({(rate, anchor) for _, rate, anchor in found}) != 1:
        return None
    _, rate, anchor = found[0]
    return sympy.log(sympy.Add(*(number for number, _, _ in found))), rate, not anchor


def _affine(node: Expression, over: set[View]) -> tuple[sympy.Expr, sympy.Expr, frozenset[View]] | None:
    """s and k of s + k cos(u, v), u and v independent, and which of the two are free, at most one."""
    shift, rate = sympy.S.Zero, sympy.S.Zero
    ends: set[frozenset[View]] = set()
    for weight, part in _parts(node):
        if isinstance(part, Scalar):
            shift += weight * part.value
            continue
        cosine = _cosine(part)
        if cosine is None or cosine.together or cosine.power != 1 or isinstance(part, Average):
            return None
        ends.add(free_views(part))
        rate += weight * cosine.number
    if len(ends) != 1 or rate == 0:
        return None
    (pair,) = ends
    anchor = pair - over
    return (normal_form(shift), normal_form(rate), anchor) if len(anchor) < len(pair) else None
