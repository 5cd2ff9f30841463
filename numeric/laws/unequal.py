"""Views under two augmentations, from A0 and C and the strength of the second."""

from __future__ import annotations

from derive import InputError
from derive.expansion.laws import Unequal
from numeric.kinds import TwoKinds
from numeric.laws.views import in_numbers
from numeric.sampling import Covariances


@in_numbers.register
def _(law: Unequal, covariances: Covariances) -> TwoKinds:
    if isinstance(covariances, TwoKinds):
        return covariances
    if type(covariances) is not Covariances:
        message = "views under two augmentations are made from A0 and C, or given as numeric.kinds.TwoKinds"
        raise InputError(message)
    A0, C = covariances.A0, covariances.C
    return TwoKinds(A0, C, A=A0, A2=A0, C2=float(law.factor) * C)  # type: ignore[arg-type]
