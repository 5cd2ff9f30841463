"""Parts of a loss that are not a polynomial, by hand: functions of P = W X Wᵀ that means of exponentials close to.

Each has its value and its slopes dL/dP_X, and knows where it is defined. Beyond its domain the mean of the exponential
diverges to +∞, and the value is +∞ times the sign of what stands before the logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import sympy

from statements.polynomials import Array, Form, Letters

Slopes = dict[str, Array]


class Function(Protocol):
    """A part of a loss with numbers for its parameters."""

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value, and dL/dP_X for each letter that occurs."""
        ...


class Symbolic(Protocol):
    """The same with parameters."""

    def at(self, values: Mapping[str, float]) -> Function:
        """With numbers put in."""
        ...


def _number(value: object, values: Mapping[str, float]) -> float:
    expression = sympy.sympify(value)
    return float(sympy.N(expression.subs({one: values[one.name] for one in expression.free_symbols}), 20))


def _summed(form: Form, P: Letters) -> Array:
    return np.asarray(sum(weight * P[letter] for letter, weight in form.items()))


def _spread(form: Form, slope: Array) -> Slopes:
    return {letter: weight * slope for letter, weight in form.items()}


@dataclass(frozen=True)
class LogDet:
    """weight · log det(I + μ P)."""

    weight: object
    form: Form
    mu: object

    def at(self, values: Mapping[str, float]) -> LogDet:
        """With numbers put in."""
        return LogDet(_number(self.weight, values), self.form, _number(self.mu, values))

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value and its slopes."""
        M = np.eye(len(next(iter(P.values())))) + self.mu * _summed(self.form, P)
        if np.linalg.eigvalsh(M)[0] <= 0:
            return -np.inf * self.weight, _spread(self.form, 0 * M)
        return self.weight * np.linalg.slogdet(M)[1], _spread(self.form, self.weight * self.mu * np.linalg.inv(M))


@dataclass(frozen=True)
class Resolvent:
    """weight · Tr[P (I + μ P)⁻¹]."""

    weight: object
    form: Form
    mu: object

    def at(self, values: Mapping[str, float]) -> Resolvent:
        """With numbers put in."""
        return Resolvent(_number(self.weight, values), self.form, _number(self.mu, values))

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value and its slopes."""
        R = np.linalg.inv(np.eye(len(next(iter(P.values())))) + self.mu * _summed(self.form, P))
        return self.weight * float(np.trace(np.eye(len(R)) - R)) / self.mu, _spread(self.form, self.weight * R @ R)


@dataclass(frozen=True)
class Squared:
    """weight · Tr[X P (I + μ P)⁻¹], X another matrix."""

    weight: object
    form: Form
    mu: object
    of: Form

    def at(self, values: Mapping[str, float]) -> Squared:
        """With numbers put in."""
        return Squared(_number(self.weight, values), self.form, _number(self.mu, values), self.of)

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value and its slopes: d(P R) = R dP R for R = (I + μ P)⁻¹."""
        X, M = _summed(self.of, P), _summed(self.form, P)
        R = np.linalg.inv(np.eye(len(M)) + self.mu * M)
        slopes = _spread(self.of, self.weight * (M @ R + R @ M) / 2)
        for letter, slope in _spread(self.form, self.weight * R @ X @ R).items():
            slopes[letter] = slopes.get(letter, 0) + slope
        return self.weight * float(np.trace(X @ M @ R)), slopes


@dataclass(frozen=True)
class InverseRoot:
    """weight · det(I + μ P)^(−½), μ > 0."""

    weight: object
    form: Form
    mu: object

    def at(self, values: Mapping[str, float]) -> InverseRoot:
        """With numbers put in."""
        return InverseRoot(_number(self.weight, values), self.form, _number(self.mu, values))

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value and its slopes."""
        M = np.eye(len(next(iter(P.values())))) + self.mu * _summed(self.form, P)
        value = self.weight * float(np.linalg.det(M)) ** -0.5
        return value, _spread(self.form, -value / 2 * self.mu * np.linalg.inv(M))


@dataclass(frozen=True)
class Exponential:
    """weight · e^(μ tr P) − weight."""

    weight: object
    form: Form
    mu: object

    def at(self, values: Mapping[str, float]) -> Exponential:
        """With numbers put in."""
        return Exponential(_number(self.weight, values), self.form, _number(self.mu, values))

    def with_slopes(self, P: Letters) -> tuple[float, Slopes]:
        """The value and its slopes."""
        M = _summed(self.form, P)
        value = self.weight * float(np.exp(min(self.mu * np.trace(M), 700.0)))
        return value - self.weight, _spread(self.form, value * self.mu * np.eye(len(M)))


@dataclass(frozen=True)
class Peaks:
    """weight · max_k q_k, what weight · log Σ_k w_k e^(q_k) grows like; q_k of random views.

    Attributes:
        weight: in front.
        forms: each a list of (coefficient, (view, view)), a view being (datum, number) with data 0 the anchor and
            1, 2, … draws; () is the number 0.

    """

    weight: object
    forms: tuple[tuple[tuple[object, tuple[tuple[int, int], tuple[int, int]]], ...], ...]
    draws: object = 0
    drawn: tuple[tuple[tuple[object, tuple[tuple[int, int], tuple[int, int]]], ...], ...] = ()

    def at(self, values: Mapping[str, float]) -> Peaks:
        """With numbers put in; each draw's forms are written out, with its number for datum 1."""

        def numbers(form: tuple, draw: int) -> tuple:  # type: ignore[type-arg]
            def moved(view: tuple[int, int]) -> tuple[int, int]:
                return (draw, view[1]) if view[0] else view

            return tuple((_number(one, values), (moved(u), moved(v))) for one, (u, v) in form)

        forms = [numbers(form, 0) for form in self.forms]
        for draw in range(1, round(_number(self.draws, values)) + 1):
            forms += [numbers(form, draw) for form in self.drawn]
        return Peaks(_number(self.weight, values), tuple(forms))

    def of_rows(self, W: Array, x: Array) -> tuple[float, Array]:
        """The mean of the maximum over given draws, and its gradient in W.

        Args:
            W: (d1, d0).
            x: (draws, data, 2, d0), two views of each datum.

        """
        z = x @ W.T
        values = np.zeros((len(self.forms), len(z)))
        for k, form in enumerate(self.forms):
            for one, (u, v) in form:
                values[k] += one * np.einsum("ni,ni->n", z[:, u[0], u[1]], z[:, v[0], v[1]])
        best = values.argmax(0)
        gradient = np.zeros_like(W)
        for k, form in enumerate(self.forms):
            here = best == k
            for one, (u, v) in form:
                left = z[here, u[0], u[1]].T @ x[here, v[0], v[1]]
                gradient += one * (left + z[here, v[0], v[1]].T @ x[here, u[0], u[1]])
        return self.weight * float(values.max(0).mean()), self.weight * gradient / len(z)
