"""What a definition is near W = 0 when it has no expansion there: its order of homogeneity.

f → t·f multiplies a homogeneous loss by t^degree. A loss of normalised features has degree 0: it is constant
along every ray W → tW, and its value at 0 depends on the direction one comes from.
"""

from __future__ import annotations

from derive.definition.expression import (
    Average,
    Coordinate,
    CoordinateSum,
    Delta,
    Exp,
    Expression,
    HalfSquare,
    Inner,
    InverseEntry,
    Log,
    LogDet,
    Power,
    Product,
    Scalar,
    Sum,
    ViewAverage,
)


def homogeneity(node: Expression) -> int | None:
    """The degree in W, or None where the definition is not homogeneous."""
    match node:
        case Scalar():
            return 0
        case Inner() | HalfSquare():
            return 2
        case Coordinate():
            return 1
        case Sum(terms):
            degrees = {homogeneity(term) for term in terms}
            return degrees.pop() if len(degrees) == 1 else None
        case Product(factors):
            degrees_of_factors = [homogeneity(factor) for factor in factors]
            known = [degree for degree in degrees_of_factors if degree is not None]
            return sum(known) if len(known) == len(factors) else None
        case Power(base, exponent):
            degree = homogeneity(base)
            if degree is None:
                return None
            scaled = degree * exponent
            return int(scaled) if scaled.is_Integer else None
        case Exp(part) | Log(part) | LogDet(part, _, _):
            return 0 if homogeneity(part) == 0 else None
        case Average(body, _, _) | ViewAverage(body, _, _, _) | CoordinateSum(body, _):
            return homogeneity(body)
        case Delta():
            return 0
        case InverseEntry(entry, _, _, _):
            degree = homogeneity(entry)
            return None if degree is None else -degree
    message = f"no degree is known for {type(node).__name__}; was a new node added to derive.definition.expression?"
    raise TypeError(message)
