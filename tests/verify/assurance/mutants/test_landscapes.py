"""Mutants of landscapes: of the couplings of a loss, and of the list of stationary points of a random problem."""

from dataclasses import replace

import pytest
import sympy

pytest.importorskip("torch")

from derive import catalogue
from derive.landscape.landscape import landscapes
from verify.assurance import basins
from verify.assurance.mutants import landscapes as made
from verify.assurance.random_landscapes import random_problem
from verify.routes import minima


def non_symbolic(found):
    return {name for name, (_, said) in found.outcomes.items() if "killed" not in said.values()}


def test_every_coupling_is_seen():
    found = made.of_couplings("spectral")
    assert found.original == {"optimiser": "survived", "autodiff": "survived"}
    assert len(found.outcomes) == 15
    assert non_symbolic(found) == set()


def test_a_landscape_without_a_minimum_is_held_against_the_loss_where_there_is_one():
    found = made.of_couplings("spectral")
    assert found.outcomes["singles SS flipped"][1] == {"optimiser": "killed", "autodiff": "killed"}


def test_of_two_modes_alike_one_mask_is_enough():
    """Without it the list still has the other, which stands for all directions of the eigenspace."""
    found = made.of_lists(13)
    assert found.subject == "problem 13 (degenerate)"
    assert [one for one in found.equivalent if one.endswith("dropped")]
    assert non_symbolic(found) == set()


@pytest.mark.parametrize("seed", [3, 5, 8])
def test_every_wrong_list_is_found_out(seed):
    """Among them each list that lacks one point: random starts alone leave most saddles out."""
    found = made.of_lists(seed)
    assert set(found.original.values()) == {"survived"}
    assert len(found.outcomes) > 25
    assert non_symbolic(found) == set()


def test_starts_of_fewer_modes_reach_every_saddle():
    problem = random_problem(0)
    listed = problem.solved.stationary_points()
    few = basins.compare(problem, basins.ends_of(problem, 20), listed)
    within = basins.compare(problem, [basins.ends_within(problem)], listed)
    assert few.exceptions == within.exceptions == []
    assert few.visited[0][0] < within.visited[0][0] == len(listed)


def test_what_the_optimiser_found_is_held_against_another_landscape():
    loss = catalogue("infonce")
    (right,) = landscapes(loss.expand(4))
    found = minima.lowest(loss.expand(4), {}, 0)
    assert minima.held_against(found, right).agrees is True
    for part in ("linear", "singles"):
        wrong = replace(right, **{part: {key: 2 * value for key, value in getattr(right, part).items()}})
        assert minima.held_against(found, wrong).agrees is False
    evidence = minima.held_against(found, replace(right, singles={("S", "S"): -sympy.S.One}))
    assert evidence.agrees is False
    assert evidence.quantity.endswith("the theory lists no minimum")
