"""Views seen in two ways: both engines agree on random losses, and a role put for another is found out."""

from fractions import Fraction
from random import Random

import pytest

from derive import InputError, Loss, Mean, catalogue, distinct, inner, views
from derive.algebra.graphs import AUGMENTATION, ENCODER, PLAIN
from derive.expansion import wick
from derive.expansion.laws import elliptical, gaussian
from verify.assurance.oracle.comparing import compare
from verify.assurance.oracle.law import Law, Second, Variables
from verify.assurance.oracle.many import many, summed
from verify.assurance.oracle.polynomial import Polynomial, total
from verify.assurance.oracle.random_losses import Case
from verify.assurance.oracle.two_kinds import case_in
from verify.running.sweeps.running import run

KINDS = ("encoders", "augmentations")
# x = (2, 1)u + e, y = 3u + n.
LAW = Law(
    [[Fraction(1), Fraction(-2)], [Fraction(1, 2), Fraction(3)]],
    [[Fraction(4), Fraction(2)], [Fraction(2), Fraction(1)]],
    [[Fraction(5), Fraction(2)], [Fraction(2), Fraction(3)]],
    second=Second([[Fraction(6)], [Fraction(3)]], [[Fraction(9)]], [[Fraction(10)]], [[Fraction(-1)], [Fraction(4)]]),
)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kinds", KINDS)
def test_random_losses(kinds, seed):
    case = case_in(Random(seed), kinds)
    found = compare(case)
    assert found.agree, f"{found.text()}\n{case.text()}"


def test_cases_cover_what_two_kinds_bring():
    cases = [case_in(Random(seed), "encoders") for seed in range(300)]
    assert sum(case.loss.encoders == 2 for case in cases) > 290
    assert any(len(case.law.second.A2) != len(case.law.A0) for case in cases)
    assert {case.order for case in cases if case.loss.name == "clip"} == {2, 6}
    assert sum(case.law.points is not None for case in cases) > 5
    assert sum(case.law.scale is not None for case in cases) > 20
    texts = "".join(case.loss.text() for case in cases)
    assert all(piece in texts for piece in ("g(x′)", "f(χ)", "g(χ)", "≠", "Σ_i", "E_g"))


def letters(second, **changes):
    """The letters of covariances with some changed; 1 and 2 are the kinds of two views."""
    found, roles = dict(wick._LETTERS), {"1": PLAIN, "2": second}
    keys = {name: (roles[name[0]], roles[name[1]]) for name in ("11", "12", "21", "22")}
    of = {name: found[key] for name, key in keys.items()}
    return found | {keys[name.removeprefix("of")]: change(of) for name, change in changes.items()}


# A and its transpose exchanged everywhere are seen in words of three letters or more: Tr[W Σ Wᵀ W A Vᵀ V Σ₂ Vᵀ].
MUTANTS = {
    "Σ and Σ₂ exchanged": {"of11": lambda of: (of["22"][0], "A"), "of22": lambda of: ("S", of["22"][1])},
    "A and its transpose exchanged": {"of12": lambda of: of["21"], "of21": lambda of: of["12"]},
    "A for its transpose": {"of21": lambda of: of["12"]},
    "V for W": {"of11": lambda of: of["22"]},
    "A2 for A0": {"of11": lambda of: ("S", of["22"][1])},
    "A0 for A": {"of12": lambda _: ("", "A"), "of21": lambda _: ("", "A")},
}


@pytest.fixture
def fresh_memory():
    wick.contract.cache_clear()
    wick._contract.cache_clear()
    yield
    wick.contract.cache_clear()
    wick._contract.cache_clear()


@pytest.mark.usefixtures("fresh_memory")
@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("kinds", KINDS)
def test_a_role_put_for_another_is_found_out(kinds, name, monkeypatch):
    second = ENCODER if kinds == "encoders" else AUGMENTATION
    wrong = letters(second, **MUTANTS[name])

    def between(u, v):
        return wick.covariance(u, v) if u.kind == wick.WHITE else wrong[u.role, v.role][int(u.view != v.view)]

    for law in (gaussian.Gaussian, elliptical.Elliptical):
        monkeypatch.setattr(law, "between", staticmethod(between))
    assert not all(compare(case_in(Random(seed), kinds)).agree for seed in range(75, 135))


@pytest.mark.usefixtures("fresh_memory")
def test_a_scale_per_view_is_of_every_covariance_between_two_views(monkeypatch):
    monkeypatch.setattr(elliptical, "OF_TWO_VIEWS", frozenset("A"))
    assert not all(compare(case_in(Random(seed), "encoders")).agree for seed in range(60))


@pytest.mark.parametrize("nested", [True, False])
def test_further_views_of_both_kinds_are_never_the_same(nested):
    (x, k), (m,) = views("x, x_k"), views("x_m", encoder="g")
    first = Mean(inner(x, m), over=m, of=x, count=3)
    loss = Loss(
        Mean(inner(x, k) * first, over=k, of=x, count=3) if nested else Mean(inner(x, k), over=k, of=x, count=3) * first
    )
    found = compare(Case(loss, 4, LAW, {}, "left", "A0,Sigma"))
    assert found.agree, found.text()
    assert found.derived[4] != 0


def test_a_view_of_the_second_kind_by_standard_normal_numbers():
    """x = P u + e, y = Q u + n: E[f(x)_1 g(y)_1 f(x)_1 g(y)_1] written out in u, e, n."""
    P, Q, W, V = Fraction(2), Fraction(3), Fraction(5), Fraction(7)
    one = [[Fraction(1)]]
    second = Second([[P * Q]], [[Q * Q]], [[Q * Q + 4]], [[V]])
    law = Law([[W]], [[P * P]], [[P * P + 1]], second=second)
    x, y, y2 = (*views("x"), *views("x_text, x_more", encoder="g"))
    variables = Variables(law)
    at = variables.draw((x, y, y2))
    f, g, g2 = (Polynomial.variable(at[view][0]) for view in (x, y, y2))
    square = total([(1, f, g)])
    every = [number for places in at.values() for number in places]
    assert variables.mean(square, every).value() == W * V * P * Q
    fourth = variables.mean(total([(1, square, square)]), every).value()
    assert fourth == W**2 * V**2 * ((P * P + 1) * (Q * Q + 4) + 2 * (P * Q) ** 2)
    assert variables.mean(total([(1, g, g2)]), every).value() == V**2 * Q**2
    assert law.letter("J") == [[V * V]] != one


def test_clip_by_both_engines_at_order_6():
    found = compare(Case(catalogue("clip"), 6, LAW, {"N": Fraction(3), "tau": Fraction(1, 2)}, "left", "A0,Sigma"))
    assert found.agree, found.text()
    assert found.derived[2] != 0 != found.derived[6]


def test_a_view_seen_in_two_ways_needs_two_names():
    (x,), (same,) = views("x"), views("x", encoder="g")
    with pytest.raises(InputError, match="x names two views, seen in two ways; give the second a name of its own"):
        Loss(inner(x, same))
    (k,), (m,) = views("x_k"), views("x_m", encoder="g")
    with pytest.raises(InputError, match="are all seen in one way"):
        Mean(inner(k, m), over=distinct(k, m), of=x, count=3)


def test_an_image_and_the_text_of_another_pair_of_one_sample():
    (u,), (w,) = views("u"), views("w", encoder="g")
    pairs = Mean(inner(u, w) ** 2, over=distinct(u, w), count=3)
    assert Loss(pairs).expand(4).text() == "Tr[W Σ Wᵀ V Σ₂ Vᵀ] + O((W, V)⁶)"
    every = Mean(Mean(inner(u, w) ** 2, over=u, count=3), over=w, count=3)
    assert Loss(every).expand(4).text() == "Tr[W Σ Wᵀ V Σ₂ Vᵀ] + O((W, V)⁶)"


def test_many_are_compared_in_both_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr("verify.assurance.oracle.many.OF_UNIT", 4)
    found = summed(run(many(4, 3, 60.0, "encoders"), tmp_path / "oracle.jsonl"))
    assert found["compared"] + found["refused"] == 4
    assert (found["different"], found["too long"]) == ([], [])
    assert any(feature.startswith("d0'") for feature in found["features"])
