"""What is true of a loss, worked out by hand from its definition, as data.

Views x, x′ of one datum have E f(x) f(x′)ᵀ = W A0 Wᵀ and E f(x) f(x)ᵀ = W Σ Wᵀ, Σ = A0 + C; other data are independent
and of zero mean. At second order in W only what is linear in inner products counts: ⟨x, x′⟩ → A0, |x|² → A0 + C,
½|x − x′|² → C, ½|x − χ|² → A0 + C, ⟨x, χ⟩ → 0. So cross-entropy over K logits, −s₊ + log Σ_k exp s_k, is
−s₊ + Σ_k s_k/K there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

N, d1 = sympy.symbols("N d1")
R = sympy.Rational
# Exact forms may be left off where single precision, or an epsilon of the code, hides them.
HIDDEN = 1e-6


@dataclass(frozen=True)
class Truth:
    """What a right audit may say.

    Attributes:
        kinds: the names that regularity may be given.
        A0: the coefficient of A0 in B, in N and d1; None where the second order is not a trace, or there is none.
        C: that of C.
        like: a loss of the catalogue with the same expansion, with its parameters; None where none is known.
        times: this loss over that one.
        rotation: whether it is invariant under rotations of the embeddings near 0.
        hidden: whether coefficients are known to `HIDDEN` only: a constant in single precision, or an epsilon inside.
        single: whether it computes in single precision: exact forms may be found, errors of numbers are its rounding.
        detached: whether training follows something else than its gradient.
        dimensional: whether some mode is zero at the minima: "never", or "not always" where the loss is convex in
            WᵀW, its second order falls and its fourth rises, so that modes that are all alike are all kept; None where
            that is not known.
        closed: whether a collapsed mode stays collapsed at every augmentation, for a loss of unit vectors; None where
            that is not known.

    """

    kinds: tuple[str, ...] = ("analytic",)
    A0: sympy.Expr | None = None
    C: sympy.Expr | None = sympy.S.Zero
    like: tuple[str, Mapping[str, sympy.Expr]] | None = None
    times: sympy.Expr = sympy.S.One
    rotation: bool = True
    hidden: bool = False
    single: bool = False
    detached: bool = False
    dimensional: str | None = None
    closed: bool | None = None

    @property
    def complete(self) -> str | None:
        """Whether W = 0 is a minimum: "never", "always", or "sometimes", for some data; None if it is not known."""
        if self.A0 is None or self.C is None or self.detached:
            return None
        values = [float(b.subs({N: n, d1: d})) for b in (self.A0, self.C) for n in (4, 8, 64) for d in (2, 3, 8)]
        if not any(values):
            return None
        return "never" if min(values) >= 0 else "always" if max(values) <= 0 else "sometimes"


UNIT = Truth(kinds=("homogeneous",))
CLOSED = Truth(kinds=("homogeneous",), closed=True)
# An epsilon beside a norm: constant along rays beyond it.
NEARLY_UNIT = Truth(kinds=("homogeneous", "epsilon", "undefined"))
BROKEN = Truth(kinds=("cusp", "rough", "undefined", "epsilon", "homogeneous"))
UNUSABLE = Truth(kinds=("unusable",))


@dataclass(frozen=True)
class Practice:
    """One loss.

    Attributes:
        code: what a user would name: a function, a module, or a class.
        truth: of it as it is written.
        core: of it with its normalisations replaced by the identity; None where it has none.
        settings: temperature and the like, in words.
        adapter: how it takes embeddings.
        least: the smallest batch at which its second order is looked at.

    """

    code: Callable[..., Any]
    truth: Truth
    core: Truth | None = None
    settings: str = ""
    adapter: str = "two-views"
    least: int = 2


@dataclass
class Family:
    """Losses of one kind, by name."""

    name: str
    losses: dict[str, Practice] = field(default_factory=dict)

    def add(self, truth: Truth, *, core: Truth | None = None, **other: Any) -> Callable[[Any], Any]:
        """A decorator that puts a function, or an instance of a class, among them."""

        def put(code: Any) -> Any:
            loss = code() if isinstance(code, type) else code
            self.losses[code.__name__] = Practice(loss, truth, core, **other)
            return code

        return put


def expanded(A0: Any, C: Any = 0, **other: Any) -> Truth:
    """An analytic loss by B = A0-coefficient A0 + C-coefficient C."""
    return Truth(A0=sympy.sympify(A0), C=sympy.sympify(C), **other)


def ntxent(tau: sympy.Expr, **other: Any) -> Truth:
    """NT-Xent: the denominator has the 2N − 1 other views, so −(1 − 1/(2N − 1)) ⟨x, x′⟩/τ."""
    return expanded((2 * N - 2) / ((2 * N - 1) * tau), like=("ntxent", {"tau": tau}), dimensional="not always", **other)


def infonce(tau: sympy.Expr, **other: Any) -> Truth:
    """Cross-entropy over the N second views, the positive among them: −(1 − 1/N) ⟨x, x′⟩/τ."""
    return expanded((N - 1) / (N * tau), dimensional="not always", **other)
