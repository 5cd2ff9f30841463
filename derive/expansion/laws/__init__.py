"""Joint distributions of the views of data: one protocol, a file for each law, and the names that laws are given by.

A law of your own is a class with the methods of `Law`, and a function in `numeric.laws` if it is to be drawn from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from derive.errors import InputError
from derive.expansion.laws.classes import Classes
from derive.expansion.laws.elliptical import Elliptical
from derive.expansion.laws.gaussian import Gaussian
from derive.expansion.laws.heteroscedastic import Heteroscedastic
from derive.expansion.laws.law import Law
from derive.expansion.laws.mean import Uncentred
from derive.expansion.laws.scales import Contaminated, Laplace, StudentT
from derive.expansion.laws.unequal import Unequal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "LAWS",
    "Classes",
    "Contaminated",
    "Elliptical",
    "Gaussian",
    "Heteroscedastic",
    "Laplace",
    "Law",
    "StudentT",
    "Uncentred",
    "Unequal",
]

Per = Literal["datum", "view"]


def _elliptical(*, per: Per = "datum", **moments: object) -> Law:
    law, unknown = Elliptical(per=per).given(moments)
    if unknown:
        message = f"law elliptical has no {min(unknown)!r}; it has moments s1, s3, s4, … of the scale, and per"
        raise InputError(message)
    return law


def _student_t(*, nu: object, per: Per = "datum") -> Law:
    return Elliptical(per=per, scale=StudentT(nu))


def _laplace(*, per: Per = "datum") -> Law:
    return Elliptical(per=per, scale=Laplace())


def _contaminated(*, share: object, factor: object, per: Per = "datum") -> Law:
    return Elliptical(per=per, scale=Contaminated(share, factor))


def _classes(
    *,
    count: object = None,
    weights: Sequence[object] = (),
    covariances: str = "own",
    means: str = "own",
    size: object = 1,
) -> Law:
    many: Any = len(weights) or 2 if count is None else count
    return Classes(many, weights, covariances, means, size)  # type: ignore[arg-type]


# What may be written after --law, before the colon; what may be written after it are the keywords.
LAWS: Mapping[str, Callable[..., Any]] = {
    "gaussian": Gaussian,
    "elliptical": _elliptical,
    "student-t": _student_t,
    "laplace": _laplace,
    "contaminated": _contaminated,
    "unequal": Unequal,
    "mean": Uncentred,
    "classes": _classes,
    "heteroscedastic": Heteroscedastic,
}
