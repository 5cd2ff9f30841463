"""Optimisers end where the theory says, and only there; wrong theories are found out."""

import pytest

pytest.importorskip("torch")

from verify.assurance.basins import MUTANTS, Count, check, compare, ends_of
from verify.assurance.random_landscapes import KINDS, random_problem

ROUND = len(KINDS) + 1


@pytest.mark.parametrize("seed", range(2 * ROUND))
def test_no_end_is_unlisted(seed):
    found = check([random_problem(seed)], starts=20)
    assert found.exceptions == []
    assert found.ends > 30
    assert max(found.worst.values()) < 1e-8


@pytest.fixture(scope="module")
def ended():
    """Where optimisers end is the same whatever a theory lists."""
    return [(problem, ends_of(problem, 10)) for problem in map(random_problem, range(ROUND))]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_theory_is_found_out(name, ended):
    found = Count()
    for problem, ends in ended:
        compare(problem, ends, list(MUTANTS[name](problem)), found)
    assert len(found.exceptions) > 10


@pytest.mark.slow
def test_fifty_problems_from_a_thousand_starts():
    found = check([random_problem(seed) for seed in range(50)], 1000)
    assert found.exceptions == []
    reached, listed = (sum(pair[k] for pair in found.visited) for k in (0, 1))
    assert reached > 0.9 * listed
