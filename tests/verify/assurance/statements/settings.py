"""A loss at numbers: data, dimensions and values, its landscapes there, and where optimisers end on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from statements.drawing import Drawn, data
from statements.formulas import environment, of_modes
from statements.functions import Exponential, Function, LogDet, Peaks, Resolvent, Squared
from statements.minimising import End, Growth, Landscape, ends, growth
from statements.polynomials import Array, Data, Numbers


@dataclass
class Tally:
    """What was found of the statements of one audit.

    Attributes:
        right: statements that held in every check made of them, by kind.
        wrong: by kind, with an example in numbers.
        skipped: checks that numbers do not decide, and why.
        open: what is not determined, by reason.

    """

    right: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)

    def judge(self, kind: str, statement: str, *, holds: bool, example: str) -> None:
        """Count a statement that was checked; one that was wrong before stays wrong."""
        if not holds and kind not in {one for one, _ in self.wrong}:
            self.wrong.append((kind, f"{statement} — {example}"))
        elif holds:
            self.right[kind] += 1

    def skip(self, why: str) -> None:
        """Count a check that numbers do not decide."""
        self.skipped[why] += 1


@dataclass(frozen=True, eq=False)
class Setting:
    """A loss at numbers.

    Attributes:
        loss: with its truth.
        values: of its parameters.
        data: A0 and C.
        d1: rows of W.
        seed: of the optimisers' starts.

    """

    loss: Drawn
    values: Mapping[str, float]
    data: Data
    d1: int
    seed: int

    @property
    def numbers(self) -> dict[str, float]:
        """Values with d1."""
        return {**self.values, "d1": float(self.d1)}

    @cached_property
    def letters(self) -> dict[str, Array]:
        """The matrices by name."""
        return self.data.letters(bias=self.loss.loss.bias)

    @cached_property
    def eigenvalues(self) -> tuple[Array, Array]:
        """a_i and c_i: of A0 and C where they are diagonal, else of both in units in which Σ is the identity."""
        if self.commuting:
            return self.data.A0.diagonal().copy(), self.data.C.diagonal().copy()
        values, vectors = np.linalg.eigh(self.data.A0 + self.data.C)
        root = vectors / np.sqrt(values) @ vectors.T
        a = np.linalg.eigvalsh(root @ self.data.A0 @ root)
        return a, 1 - a

    @property
    def commuting(self) -> bool:
        """Whether both matrices are diagonal."""
        return all(np.count_nonzero(one - np.diag(one.diagonal())) == 0 for one in (self.data.A0, self.data.C))

    @cached_property
    def through4(self) -> Landscape:
        """The landscape through order 4."""
        if self.loss.target is None:
            return self.penalised
        # At a fixed norm the penalty is nothing, whatever its strength.
        assert self.loss.limit is not None
        polynomial = self.loss.through4.at({**self.numbers, self.loss.limit: 0.0})
        norm = float(self.loss.target.subs({one: self.numbers[one.name] for one in self.loss.target.free_symbols}))
        return Landscape(polynomial, self.letters, self.d1, norm=norm)

    @cached_property
    def penalised(self) -> Landscape:
        """The same with a penalty of finite strength."""
        return Landscape(self.loss.through4.at(self.numbers), self.letters, self.d1)

    @cached_property
    def functions(self) -> list[Any]:
        """What stands beside the polynomial of the loss itself."""
        return [one.at(self.numbers) for one in self.loss.beyond]

    @cached_property
    def whole(self) -> Landscape:
        """The loss itself, less its constant."""
        functions: tuple[Function, ...] = tuple(one for one in self.functions if not isinstance(one, Peaks))
        return Landscape(self.loss.exact.at(self.numbers), self.letters, self.d1, functions)

    @cached_property
    def ends(self) -> list[End]:
        """Of optimisers on the landscape through order 4, the lowest first."""
        return ends(self.through4, np.random.default_rng(self.seed))

    @cached_property
    def whole_ends(self) -> list[End]:
        """The same on the loss itself."""
        return ends(self.whole, np.random.default_rng(self.seed))

    @cached_property
    def growth4(self) -> Growth:
        """Whether the landscape through order 4 is bounded below."""
        if self.loss.limit:
            return Growth(bounded=True, margin=1.0)
        return growth(self.through4.polynomial, self.letters, self.d1, (), self.data, np.random.default_rng(self.seed))

    @cached_property
    def growth(self) -> Growth:
        """Whether the loss itself is bounded below."""
        grows = [one for one in self.functions if isinstance(one, Exponential)]
        if grows:
            # e^(μ Tr P_A) outgrows the rest along every W, A0 being positive definite.
            sign = sum(one.weight for one in grows)
            return Growth(bounded=sign > 0, margin=1.0)
        edges = [one for one in self.functions if isinstance(one, LogDet | Resolvent | Squared) and one.mu < 0]
        if edges:
            return self._at_the_edge(edges)
        peaks = [one for one in self.functions if isinstance(one, Peaks)]
        # Tr[X P (I + μ P)⁻¹] grows like Tr X/μ, on the range of P all being on one.
        far = dict(self.whole.polynomial.terms)
        for one in self.functions:
            if isinstance(one, Squared):
                for letter, weight in one.of.items():
                    key = ("linear", letter)
                    far[key] = far.get(key, 0.0) + one.weight * weight / one.mu
        return growth(Numbers(far), self.letters, self.d1, peaks, self.data, np.random.default_rng(self.seed))

    @staticmethod
    def _at_the_edge(edges: list[Any]) -> Growth:
        """Where I + μ P is singular first: 1/(1 + μ p) outgrows its logarithm, and all else is finite."""
        first = min(one.mu for one in edges)
        there = [one for one in edges if abs(one.mu - first) < 1e-12]
        poles = sum(one.weight for one in there if not isinstance(one, LogDet))
        logarithms = sum(one.weight for one in there if isinstance(one, LogDet))
        # log det → −∞ there, a pole → +∞.
        rises = poles or -logarithms
        return Growth(bounded=None if rises == 0 else rises > 0, margin=abs(rises))

    @cached_property
    def env(self) -> dict[str, Any]:
        """Names in formulas."""
        a, c = self.eigenvalues
        return environment(self.values) | of_modes(a, c) | {"d0": float(len(a)), "d1": float(self.d1)}

    def text(self) -> str:
        """What is needed to see it."""
        a, c = self.eigenvalues
        shown = ", ".join(f"{name} = {value:.4g}" for name, value in self.values.items())
        kind = "" if self.commuting else ", not commuting"
        return f"d0 = {len(a)}, d1 = {self.d1}, a = {a.round(3).tolist()}, c = {c.round(3).tolist()}{kind}" + (
            f", {shown}" if shown else ""
        )


def settings(loss: Drawn, count: int) -> list[Setting]:
    """Settings at random: one to three dimensions, fewer and more rows, data that commute and, where they may, not."""
    random = Random(loss.seed)
    plain = any(key[1] == "I" for key in loss.through4.terms)
    found = []
    for k in range(count):
        d0 = (2, 2, 3, 1, 2)[k % 5]
        d1 = d0 + loss.loss.bias + random.choice((0, 0, 0, 1)) if k % 3 else random.randint(1, 3)
        commuting = plain or random.random() < 0.6
        values = loss.values(random)
        found.append(Setting(loss, values, data(random, d0, commuting=commuting), d1, 1000 * loss.seed + k))
    return found
