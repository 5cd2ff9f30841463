"""Phase diagrams of derived landscapes, against the conditions, the points one by one, and lines in closed form."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from derive import InputError, catalogue
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from numeric.landscape.landscape import landscape_in_numbers
from numeric.landscape.phases import PHASES, phase_diagram
from numeric.sampling import Covariances


def oriented(sigma, theta):
    return [1.0, 1.0], np.stack([sigma**2 * (1 - theta), sigma**2 * theta], -1)


def test_the_phases_of_beta_infonce_meet_where_the_origin_turns():
    # B = ½ A0 − ½ C: mode 1 collapses where σ²(1 − θ) ≥ 1, mode 2 where σ²θ ≥ 1, for features of variance 1.
    found = landscapes(catalogue("beta-infonce").expand(order=4))
    sigma, theta = np.linspace(0, 3, 61), np.linspace(0, 1, 41)
    diagram = phase_diagram(found, ("sigma", sigma), ("theta", theta), oriented, {"beta": 0.5})
    x, y = np.meshgrid(sigma, theta)
    clear = (abs(x**2 * (1 - y) - 1) > 1e-9) & (abs(x**2 * y - 1) > 1e-9)
    kept = np.stack([x**2 * (1 - y) < 1, x**2 * y < 1], -1)
    assert (diagram.kept == kept)[clear].all()
    assert clear.mean() > 0.99
    assert set(diagram.phase.ravel().tolist()) == set(range(len(PHASES)))
    # On the line itself, at θ = 0 and σ = 1, the mode is critical, and so it is collapsed.
    (at,) = np.flatnonzero(sigma == 1.0)
    assert diagram.kept[0, at].tolist() == [False, True]


def test_a_wrong_coefficient_does_not_meet_the_condition():
    expansion = catalogue("beta-infonce").expand(order=4)
    (found,) = landscapes(expansion)
    wrong = replace(found, linear=found.linear | {"S": found.linear["S"] / 2})
    axes = ("sigma", np.linspace(0.1, 3, 30)), ("theta", np.linspace(0, 1, 20))
    for one, agrees in ((found, True), (wrong, False)):
        diagram = phase_diagram(one, *axes, oriented, {"beta": 0.5})
        margin = diagram.margin(collapse(expansion).dimensional)
        clear = abs(margin) > 1e-12  # on the line itself rounding decides
        assert ((margin <= 0) == (diagram.phase > 0))[clear].all() == agrees


CASES = [
    ("beta-infonce", ("beta", 0.1, 0.95), {}, {}),
    ("infonce-batch+weight-decay", ("gamma", 0.05, 1.5), {"N": 6.0}, {}),
    ("infonce+norm-penalty", ("kappa", 0.1, 8.0), {"c": 0.3}, {}),
    ("infonce-batch+norm-penalty", ("kappa", 0.1, 8.0), {"c": 0.3, "N": 9.0}, {}),
    ("barlow-twins+weight-decay", ("lambda", 0.3, 2.0), {"gamma": 0.4}, {}),
    ("vicreg-soft", ("lambda", 0.3, 4.0), {"kappa": 1.5, "c": 0.4}, {}),
]


@pytest.mark.parametrize(("name", "axis", "values", "extra"), CASES, ids=[case[0] for case in CASES])
def test_the_grid_agrees_with_the_conditions_and_with_the_points_one_by_one(name, axis, values, extra):
    expansion = catalogue(name).expand(order=4)
    cases, said = landscapes(expansion), collapse(expansion)
    rng = np.random.default_rng(11)
    a = rng.uniform(0.2, 1.0, 3)
    parameter, low, high = axis

    def modes(_, strength):
        return a, strength[..., None] * np.array([0.3, 1.0, 1.5])

    xs, ys = rng.uniform(low, high, 5), rng.uniform(0.2, 3.0, 4)
    diagram = phase_diagram(cases, (parameter, xs), ("strength", ys), modes, values, **extra)
    for row, column in product(range(4), range(5)):
        put = {**values, parameter: xs[column], "d1": 3}
        (case,) = [one for one in cases if one.holds(put)][:1]
        c = diagram.c[row, column]
        solved = landscape_in_numbers(case, Covariances(np.diag(a), np.diag(c)), {"nu": 0.4, **put}, d1=3)
        lowest = solved.stationary_points()[0]
        # WᵀW of both: the modes' lengths depend on the basis.
        np.testing.assert_allclose(np.diag(diagram.powers[row, column]), solved.gram(lowest), atol=1e-9)
        kept = diagram.kept[row, column]
        for condition, here in ((said.dimensional, not kept.all()), (said.complete, not kept.any())):
            if condition is not None:
                assert bool(condition.holds(a, c, put)) == here
                assert bool(diagram.margin(condition)[row, column] <= 0) == here


def test_a_fixed_norm_is_the_limit_of_the_penalty():
    a, c = np.array([0.2, 0.6, 1.0]), np.array([1.0, 0.5, 0.2])
    norms, noise = np.linspace(0.1, 1.0, 4), np.linspace(0.5, 2.0, 3)

    def modes(strength, _):
        return a, strength[..., None] * c

    axes = ("strength", noise), ("c", norms)
    loss, penalty = (landscapes(catalogue(name).expand(order=4)) for name in ("infonce", "infonce+norm-penalty"))
    fixed = phase_diagram(loss, *axes, modes, norm=norms[:, None] * np.ones(3))
    strong = phase_diagram(penalty, *axes, modes, {"kappa": 1e6})
    np.testing.assert_allclose(fixed.powers, strong.powers, atol=1e-4)
    np.testing.assert_allclose((fixed.powers * (fixed.a + fixed.c)).sum(-1), norms[:, None] * np.ones(3))
    # A bias carries what the modes would rather leave out.
    free = phase_diagram(loss, *axes, modes, norm=norms[:, None] * np.ones(3), bias=True)
    assert free.powers.shape == (4, 3, 4)
    assert (free.powers[..., :3] <= fixed.powers + 1e-12).all()
    assert (free.powers[..., 3] > 0).any()


def test_more_rows_change_nothing_but_what_depends_on_them():
    found = landscapes(catalogue("beta-infonce").expand(order=4))
    few, many = (
        phase_diagram(found, ("beta", [0.3, 0.6]), ("s", [1.0, 2.0]), lambda _, s: ([1.0], s[..., None]), d1=d1)
        for d1 in (None, 7)
    )
    np.testing.assert_array_equal(few.powers, many.powers)


BETA = landscapes(catalogue("beta-infonce").expand(order=4))
X, Y = ("sigma", [1.0, 2.0]), ("theta", [0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: phase_diagram(BETA, X, Y, oriented), "beta-infonce has no value for beta; give values={'beta': …}"),
        (lambda: phase_diagram(BETA, X, X, oriented), "x and y are both 'sigma'; give two parameters"),
        (lambda: phase_diagram(BETA, ("sigma", []), Y, oriented), "x must be a name and a list of finite numbers"),
        (
            lambda: phase_diagram(BETA, ("gamma", [1.0]), ("beta", [0.5]), ([1.0], [1.0])),
            "beta-infonce has no parameter 'gamma'; it has beta",
        ),
        (
            lambda: phase_diagram(BETA, ("beta", [1.0]), Y, oriented, {"beta": 0.5}),
            "'beta' is an axis and has a value; leave it out of values",
        ),
        (lambda: phase_diagram(BETA, X, Y, oriented, {"beta": np.inf}), "beta = inf is not a finite number"),
        (lambda: phase_diagram(BETA, X, Y, oriented, {"beta": 0.5}, d1=1), "d1 = 1 rows are too few for 2 modes"),
        (lambda: phase_diagram(BETA, X, Y, oriented, {"beta": 0.5}, norm=0.0), "norm must be a positive number"),
        (lambda: phase_diagram(BETA, X, Y, oriented, {"beta": 0.5}, bias=True), "a free bias enters the norm alone"),
        (lambda: phase_diagram(BETA, X, Y, oriented, {"beta": -0.5}), "a coefficient of (w_i·w_j)² is negative"),
        (lambda: phase_diagram(BETA, X, Y, ([1.0], [1.0]), {"beta": 0.5}), "beta-infonce has no parameter 'sigma'"),
        (lambda: phase_diagram(BETA, X, Y, lambda *_: ([1.0], [-1.0]), {"beta": 0.5}), "modes gave eigenvalues that"),
        (
            lambda: phase_diagram(BETA, X, Y, lambda x, y: (x, y), {"beta": 0.5}),
            "modes gave the shapes (1, 2) and (1, 2)",
        ),
        (
            lambda: phase_diagram(
                landscapes(catalogue("barlow-twins").expand(order=4))[:1], ("lambda", [0.5]), Y, oriented
            ),
            "no case of the landscape of barlow-twins holds at some point",
        ),
    ],
)
def test_a_wrong_diagram_is_refused(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert message in str(raised.value)
