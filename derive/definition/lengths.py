"""Products in which f is divided by its length: cosines and powers of lengths, in place of inner products and roots."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sympy

from derive.definition.expression import Expression, Inner, Power, Product, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from derive.definition.views import View


class Cosine(NamedTuple):
    """⟨f(left), f(right)⟩/(|f(left)| |f(right)|), raised to a whole power; left and right are different views."""

    left: View
    right: View
    power: int


class Length(NamedTuple):
    """|f(view)|, raised to a power."""

    view: View
    power: sympy.Expr


def cosines_and_lengths(factors: Sequence[Expression]) -> tuple[list[Cosine], list[Length], list[Expression]]:
    """The factors of a product as cosines, powers of lengths, and other factors.

    Inner products of a view with itself are squared lengths. An inner product of two views is a cosine where the
    product divides by the length of one of them; elsewhere it is left among the other factors.

    >>> from derive import cosine, views
    >>> x, chi = views("x, chi")
    >>> (angle,), (length,), _ = cosines_and_lengths((cosine(x, chi) / Power(Inner(x, x), sympy.S.Half)).factors)
    >>> angle.left.name, angle.right.name, angle.power, length.view.name, length.power
    ('x', 'chi', 1, 'x', -1)

    """
    lengths: dict[View, sympy.Expr] = {}
    inner: dict[tuple[View, View], int] = {}
    rest: list[tuple[Expression, tuple[View, View] | None]] = []
    for factor in _multiplied_out(factors):
        base, exponent = (factor.base, factor.exponent) if isinstance(factor, Power) else (factor, sympy.S.One)
        if isinstance(base, Inner) and base.left == base.right:
            lengths[base.left] = lengths.get(base.left, sympy.S.Zero) + 2 * exponent
        elif isinstance(base, Inner) and exponent.is_Integer and exponent > 0:
            # In the order in which the first inner product of the two has them.
            pair = (base.left, base.right)
            pair = pair[::-1] if pair[::-1] in inner else pair
            inner[pair] = inner.get(pair, 0) + int(exponent)
            rest.append((factor, pair))
        else:
            rest.append((factor, None))
    cosines = []
    for (u, v), power in inner.items():
        if any(lengths.get(end, sympy.S.Zero).is_negative for end in (u, v)):
            cosines.append(Cosine(u, v, power))
            for end in (u, v):
                lengths[end] = lengths.get(end, sympy.S.Zero) + power
    written = {(one.left, one.right) for one in cosines}
    others = [factor for factor, pair in rest if pair not in written]
    return cosines, [Length(view, power) for view, power in lengths.items() if power != 0], others


def _multiplied_out(factors: Iterable[Expression]) -> Iterator[Expression]:
    """The factors of products, of whole powers of products, and of powers of lengths."""
    for factor in factors:
        match factor:
            case Product(inside):
                yield from _multiplied_out(inside)
            case Power(Product(inside), exponent) if exponent.is_Integer:
                yield from _multiplied_out(Power(one, exponent) for one in inside)
            case Power(Scalar(value), exponent):
                yield Scalar(value**exponent)
            case Power(Power(Inner(u, v) as squared, root), exponent) if u == v:
                yield Power(squared, root * exponent)
            case _:
                yield factor
