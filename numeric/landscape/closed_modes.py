"""Which modes are kept at the global minimum of a closed form whose modes are coupled by products of traces.

With H = Σ^½ WᵀW Σ^½ such a loss is −Tr[B̃ H] and a function of the eigenvalues of H, so that the minimum has H diagonal
where B̃ is, and keeps the modes along which the loss falls most (`derive.landscape.exact_modes`). It is a function of
the powers alone, which a second-order descent minimises from large and from small ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import sympy
from numpy.typing import NDArray

from derive.landscape.exact_modes import why_coupled
from numeric.landscape.descent import Smooth, descend
from numeric.landscape.kept import DESCENDED, SMALL, Changes, Kept, Powers, nearest_changes
from numeric.landscape.spectrum import Spectrum

if TYPE_CHECKING:
    from derive import ClosedForm

Array = NDArray[np.float64]
# The square roots of the powers at which descents begin, and a difference between their ends that counts.
BEGIN, TIE = (0.7, 0.05), 1e-9


@dataclass(frozen=True, eq=False)
class Closed:
    """A closed form whose modes are coupled.

    Attributes:
        closed: the closed form, its parameters set but for d1; see `coupled_by_traces`.
        d1: the number of rows of W.

    """

    closed: ClosedForm
    d1: int

    def kept(self, data: Spectrum) -> Kept:
        """Which modes are kept."""
        return Kept.of_powers(self.powers(data.s)(data.lam[None])[0], precision=DESCENDED)

    def changes(self, data: Spectrum) -> Changes:
        """Where modes begin to be kept, as correlations."""
        return nearest_changes(self.powers(data.s), data.lam, DESCENDED)

    def powers(self, s: Array) -> Powers:
        """The powers at the lower of the points at which descents end.

        Args:
            s: the variances of the modes, (n,).

        """
        function = _OfPowers(self.closed, self.d1)

        def found(lam: Array) -> Array:
            data = np.stack([lam, np.broadcast_to(1 / s, lam.shape)], -1)
            top = np.argsort(function.first(np.zeros_like(lam), data), axis=-1, kind="stable")[:, : self.d1]
            some = np.take_along_axis(data, top[..., None], 1)
            best, least = np.full(top.shape, np.nan), np.full(len(top), np.inf)
            for begin in BEGIN:
                x = np.hstack([np.full(top.shape, begin), some.reshape(len(some), -1)])
                w = descend(function.smooth(top.shape[-1]), x, steps=500).x[:, : top.shape[-1]]
                loss = function.value(w**2, some)
                better = np.isfinite(loss) & (loss < least - TIE) & (np.abs(w).max(-1) ** 2 < 1 / SMALL)
                best[better], least[better] = w[better] ** 2, loss[better]
            powers = np.zeros_like(lam)
            np.put_along_axis(powers, top, np.where(best < SMALL, 0.0, best), -1)
            return powers

        return found


def coupled_by_traces(closed: ClosedForm) -> bool:
    """Whether `Closed` solves it: beside the linear part it has words of Σ alone."""
    polynomial = [term.invariants for term in closed.polynomial.terms if term.order > 2]
    letters = {letter for term in polynomial for one in term for _, word, _ in one for letter in word}
    letters |= {one.letter for one in closed.resolvents}
    return why_coupled(closed).startswith("products of traces") and letters <= {"S"}


@dataclass(frozen=True, eq=False)
class _OfPowers:
    """The loss as a function of the powers h (p, n), with λ_i and 1/s_i of the modes beside them (p, n, 2).

    Attributes:
        closed: the closed form.
        d1: the number of rows of W.

    """

    closed: ClosedForm
    d1: int

    @cached_property
    def _words(self) -> list[tuple[float, list[str]]]:
        terms = self.closed.polynomial.terms
        return [(self._number(one.coefficient), [w for each in one.invariants for _, w, _ in each]) for one in terms]

    @cached_property
    def _logs(self) -> list[tuple[float, float]]:
        return [(self._number(one.coefficient), self._number(one.mu)) for one in self.closed.log_determinants]

    @cached_property
    def _resolvents(self) -> list[tuple[float, float]]:
        return [(self._number(one.coefficient), self._number(one.mu)) for one in self.closed.resolvents]

    def value(self, h: Array, data: Array) -> Array:
        """The loss, (p,)."""
        total = np.zeros(len(h))
        for coefficient, words in self._terms(data):
            total = total + coefficient * np.prod([(v * h**k).sum(-1) for k, v in words], axis=0)
        for coefficient, mu in self._logs:
            total = total + coefficient * np.log(1 + mu * h).sum(-1)
        for coefficient, mu in self._resolvents:
            total = total + coefficient * (h**2 / (1 + mu * h)).sum(-1)
        return np.asarray(total)

    def first(self, h: Array, data: Array) -> Array:
        """The derivatives by the powers, (p, n)."""
        total = np.zeros_like(h)
        for coefficient, words in self._terms(data):
            sums = [(v * h**k).sum(-1, keepdims=True) for k, v in words]
            for i, (k, v) in enumerate(words):
                total = total + coefficient * _without(sums, i) * k * v * h ** (k - 1)
        for coefficient, mu in self._logs:
            total = total + coefficient * mu / (1 + mu * h)
        for coefficient, mu in self._resolvents:
            total = total + coefficient * h * (2 + mu * h) / (1 + mu * h) ** 2
        return total

    def second(self, h: Array, data: Array) -> Array:
        """Their second derivatives, (p, n, n)."""
        diagonal, across = np.zeros_like(h), np.zeros((*h.shape, h.shape[-1]))
        for coefficient, words in self._terms(data):
            sums = [(v * h**k).sum(-1, keepdims=True) for k, v in words]
            slopes = [k * v * h ** (k - 1) for k, v in words]
            for i, (k, v) in enumerate(words):
                diagonal = diagonal + coefficient * _without(sums, i) * k * (k - 1) * v * h ** max(k - 2, 0)
                for j in set(range(len(words))) - {i}:
                    outer = slopes[i][:, :, None] * slopes[j][:, None, :]
                    across = across + coefficient * np.asarray(_without(sums, i, j))[..., None] * outer
        for coefficient, mu in self._logs:
            diagonal = diagonal - coefficient * (mu / (1 + mu * h)) ** 2
        for coefficient, mu in self._resolvents:
            diagonal = diagonal + 2 * coefficient / (1 + mu * h) ** 3
        return across + diagonal[:, :, None] * np.eye(h.shape[-1])

    def smooth(self, n: int) -> Smooth:
        """As a function of the powers' square roots w, with the modes' data beside them: (p, 3 n).

        A descent takes up some of its points at a time, so each brings its own data; nothing changes along these.
        """

        def parts(x: Array) -> tuple[Array, Array]:
            return x[:, :n], x[:, n:].reshape(len(x), n, 2)

        def value(x: Array) -> Array:
            w, data = parts(x)
            return self.value(w**2, data)

        def gradient(x: Array) -> Array:
            w, data = parts(x)
            return np.hstack([2 * w * self.first(w**2, data), np.zeros((len(x), 2 * n))])

        def hessian(x: Array) -> Array:
            w, data = parts(x)
            found = np.zeros((len(x), 3 * n, 3 * n))
            found[:, :n, :n] = 4 * w[:, :, None] * self.second(w**2, data) * w[:, None, :]
            found[:, range(n), range(n)] += 2 * self.first(w**2, data)
            return found

        return Smooth(value, gradient, hessian)

    def _terms(self, data: Array) -> list[tuple[float, list[tuple[int, Array]]]]:
        """Each term as a coefficient and traces Σ_i v_i h_i^k, (k, v) each."""
        lam, inverse = data[..., 0], data[..., 1]
        of_letter = {"S": np.ones_like(lam), "A": lam, "C": 1 - lam, "I": inverse}
        return [
            (coefficient, [(len(word), np.prod([of_letter[x] for x in word], axis=0)) for word in words])
            for coefficient, words in self._words
        ]

    def _number(self, value: sympy.Expr) -> float:
        return float(value.subs(dict.fromkeys(value.free_symbols, self.d1)))


def _without(factors: list[Array], *left_out: int) -> Array | float:
    kept = [one for i, one in enumerate(factors) if i not in left_out]
    return np.asarray(np.prod(kept, axis=0)) if kept else 1.0
