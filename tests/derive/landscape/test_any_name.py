"""A parameter's name changes nothing: each loss with its parameter called otherwise gives the same, renamed back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy
from sympy.core.function import AppliedUndef

from derive import Loss, Mean, SecondMoment, diagonal_sum, exp, half_sq, inner, log, off_diagonal_sum, views
from derive.algebra.letters import Letter, by_name, sum_j
from derive.definition.plain_text import read
from derive.landscape.collapse import collapse
from derive.landscape.stationary import stationary
from derive.landscape.summary import Described, described
from numeric import kernel

x, x_pos, chi = views("x, x_pos, chi")
P, S = SecondMoment(x, x_pos), SecondMoment(x, x)
NAMES = [
    "m",
    "d",
    "d0",
    "a_i",
    "c_i",
    "a_j",
    "c_j",
    "s_i",
    "s4",
    "theta",
    "q_j",
    "q",
    "w",
    "t",
    "h_i",
    "b_i",
    "lambda_i",
    "lambda_k",
    "rho",
    "epsilon",
    "lambda_j",
    "b_j",
    "b_k",
    "u_i",
    "T_1",
    "T_2",
    "kappa",
    "c",
    "gamma",
    "S",
    "A",
    "E",
    "I",
    "pi",
    "N",
    "beta",
    "zeta",
    "lambda",
    "lambda_",
    "k",
    "q_1",
    "W",
    "A0",
    "Sigma",
    "C",
    "sum_j",
    "x",
    "g_i",
    "w_i",
    "d_1",
    "mu",
    "sign",
    "M",
]
LOSSES: dict[str, Callable[[sympy.Symbol], Loss]] = {
    "spectral": lambda p: Loss(
        -inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) + p * Mean(inner(x, x), over=x) ** 2
    ),
    "mixed": lambda p: Loss(
        -inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) + p * Mean(inner(x, x_pos) ** 2, over=(x, x_pos))
    ),
    "infonce": lambda p: Loss(p * half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi))),
    "batch": lambda p: Loss(-p * inner(x, x_pos) + log(Mean(exp(inner(x, chi) / 2), over=chi, count=3))),
    "bias": lambda p: Loss(-p * inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi)).with_bias(),
    "norm": lambda p: Loss(-inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi)).with_norm_penalty(
        sympy.Integer(2), p
    ),
    "coordinates": lambda p: Loss(
        diagonal_sum(lambda i: (1 - P[i, i]) ** 2) + p * off_diagonal_sum(lambda i, j: P[i, j] ** 2)
    ),
    "decay": lambda p: Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi))).with_weight_decay(p),
    "count": lambda p: Loss(-inner(x, x_pos) + log((p - 1) * Mean(exp(inner(x, chi)), over=chi, count=p - 1))),
}
NU = sympy.Symbol("nu")


def formulas(value: Any, old: sympy.Symbol) -> Any:
    """All formulas that a result holds, the parameter renamed back."""
    if isinstance(value, sympy.core.relational.Relational):
        return [value.rel_op, *(formulas(side, old) for side in value.args)]
    if isinstance(value, sympy.And | sympy.Or):
        parts = [formulas(one, old) for one in value.args]
        return [type(value).__name__, *sorted(parts, key=str)]
    if isinstance(value, sympy.Expr):
        # In numbers, since a name changes the order in which factors and signs are written.
        value = value.xreplace({old: NU}).replace(_unknown, lambda one: sympy.Add(*one.args) * sympy.Rational(3, 7))
        at = {one: sympy.Rational(sum(map(ord, one.name)) % 89 + 2, 31) for one in value.free_symbols}
        return str(sympy.N(value.xreplace(at), 25)) if value.is_finite is not False else str(value)
    if isinstance(value, dict):
        return {key: formulas(one, old) for key, one in value.items()}
    return [formulas(one, old) for one in value] if isinstance(value, list | tuple) else value


def _unknown(value: sympy.Basic) -> bool:
    return isinstance(value, sum_j | AppliedUndef)


def found_of(found: Described) -> list[Any]:
    conditions = [
        None if one is None else (one.formula, one.q, one.quantifier, one.where, one.others and one.others[0][0])
        for one in (found.collapse.dimensional, found.collapse.complete)
    ]
    points = [(one.shift, one.trace, one.loss, one.isotropic.q1, one.isotropic.q2) for one in found.stationary]
    critical = found.transition and (found.transition.descent, found.transition.coupling)
    exact = found.exact and (found.exact.level, found.exact.phi, list(found.exact.heights))
    below = found.recession and (found.recession.verdict, found.recession.condition, found.recession.bound)
    return [conditions, points, critical, exact, below, [one.where for one in found.cases]]


@cache
def answer(kind: str, name: str) -> list[Any]:
    parameter = sympy.Symbol(name)
    loss = LOSSES[kind](parameter)
    return formulas(found_of(described(loss, loss.expand(order=4))), parameter)


# Each name with one of the losses, in turn; with all of them before a release.
PAIRS = [
    pytest.param(kind, name, marks=() if (i + j) % len(LOSSES) == 0 else pytest.mark.slow)
    for i, name in enumerate(NAMES)
    for j, kind in enumerate(LOSSES)
]


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_a_name_changes_no_answer(kind: str, name: str) -> None:
    assert answer(kind, name) == answer(kind, "nu")


def test_a_symbol_that_is_the_theory_s_own_would_change_one() -> None:
    """What the test above must reject: the theory's letter in a parameter's place."""
    loss = LOSSES["spectral"](NU)
    expansion = loss.expand(order=4)
    swapped = expansion.with_terms(
        (term.invariants, term.coefficient.xreplace({NU: Letter("a_i")})) for term in expansion.terms
    )
    found = collapse(swapped).dimensional
    assert found is not None
    assert formulas(found.formula.xreplace({Letter("a_i"): NU}), NU) != answer("spectral", "nu")[0][0][0]


@pytest.mark.parametrize("name", NAMES)
def test_kernels_have_the_same_values(name: str) -> None:
    W = np.array([[0.3, -0.2, 0.5], [0.1, 0.4, -0.6]])
    A0, C = np.diag([1.0, 0.5, 0.2]), np.eye(3)
    for kind in ("spectral", "mixed"):
        values = [
            kernel(LOSSES[kind](sympy.Symbol(one)).expand(order=4)).value(W, A0, A0 + C, 0.7) for one in (name, "nu")
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_text_and_latex_tell_letters_and_parameters_apart(name: str) -> None:
    """Where two different symbols occur no two are written alike."""
    loss = LOSSES["spectral"](sympy.Symbol(name))
    lines = [dict(stationary(one.expand(order=4))[0].lines()) for one in (loss, LOSSES["spectral"](NU))]
    # As many different words as with a name of no other meaning.
    written = [one["θ_" if "θ_" in one else "θ"] for one in lines]
    words = [set(re.findall(r"[^\W\d][\w₁₂]*", one)) for one in written]
    assert len(words[0]) == len(words[1]) == 3


@pytest.mark.parametrize("name", NAMES)
def test_coefficients_of_json_are_read_back(name: str) -> None:
    parameter = sympy.Symbol(name)
    loss = Loss(
        -sympy.exp(1) * parameter * inner(x, x_pos) + sympy.sqrt(parameter + 2) * Mean(inner(x, chi) ** 2, over=chi)
    )
    expansion = loss.expand(order=4)
    written = json.loads(json.dumps(expansion.to_json()))
    back = [read(term["coefficient"], written["parameters"]) for term in written["terms"]]
    assert [sympy.simplify(one - term.coefficient) for one, term in zip(back, expansion.terms, strict=True)] == [0, 0]
    assert all(set(by_name(one)) == {name} for one in back)


@pytest.mark.parametrize("name", NAMES)
def test_a_declared_sign_counts_under_any_name(name: str) -> None:
    """A parameter that may be negative leaves the sign of the quartic part open, whatever it is called."""
    for assumed, opened in (({"real": True}, True), ({}, False)):
        parameter = sympy.Symbol(name, **assumed)
        loss = Loss(-inner(x, x_pos) + parameter * Mean(inner(x, chi) ** 2, over=chi))
        (points,) = stationary(loss.expand(order=4))
        assert points.given().endswith(" ≠ 0") == opened
        assert (" < 0" in points.index()) == opened
        assert ("whether" in points.minima() or "where" in points.minima()) == opened


def test_the_mask_and_the_rotation_yield_to_a_parameter_of_their_name() -> None:
    points = {
        name: dict(stationary(LOSSES["spectral"](sympy.Symbol(name)).expand(order=4))[0].lines()) for name in "MULh"
    }
    assert points["M"]["WᵀW"] == "Σ^(−½) U M_ diag(h) Uᵀ Σ^(−½)"
    assert points["M"]["h_i"] == "½ (λ_i − θ) > 0 for the kept modes i ∈ M_"
    assert points["U"]["WᵀW"] == "Σ^(−½) U_ M diag(h) U_ᵀ Σ^(−½)"
    assert "U_ Λ U_ᵀ" in points["U"]
    assert "L_" in points["L"]
    assert points["h"]["WᵀW"] == "Σ^(−½) U M diag(h_) Uᵀ Σ^(−½)"
