"""What an expansion takes: counted, estimated before it is begun, and refused beyond what time and memory hold."""

import importlib
import pkgutil
import time

import pytest

import derive
from derive import Loss, Mean, catalogue, inner, symbols, views
from derive.algebra import effort
from derive.algebra.effort import TooLargeError, counted, estimated, watched
from derive.expansion import caches as memory

x, x_pos, chi = views("x, x_pos, chi")
N = symbols("N")


@pytest.mark.parametrize(("name", "order"), [("infonce", 100), ("ntxent", 40), ("weighted-infonce", 1000)])
def test_what_would_take_years_is_refused_at_once(name, order):
    started = time.process_time()
    with pytest.raises(TooLargeError, match=rf"{name} to order {order} takes about .* years .*; order \d+ takes about"):
        catalogue(name).expand(order)
    assert time.process_time() - started < 30


def test_the_order_that_is_said_to_do_is_within_the_limit():
    with pytest.raises(TooLargeError) as refused:
        catalogue("infonce").expand(60, limit=20_000)
    order = int(str(refused.value).partition("; order ")[2].split()[0])
    assert 8 <= order < 60
    assert catalogue("infonce").expand(order, limit=20_000) == catalogue("infonce").expand(order, limit=None)
    with pytest.raises(TooLargeError):
        catalogue("infonce").expand(order + 6, limit=20_000)


@pytest.mark.parametrize(("name", "order"), [("infonce", 12), ("weighted-infonce", 10), ("ntxent", 12), ("vicreg", 12)])
def test_an_estimate_is_of_the_size_of_what_is_counted(name, order):
    loss = catalogue(name)
    steps = {}
    for k in range(2, order + 1, 2):
        memory.clear_caches()
        steps[k], _ = counted(lambda k=k: loss.expand(k))
    lower = {k: steps[k] for k in steps if k <= order - 4}
    assert steps[order] / 5 < estimated(lower, order) < 5 * steps[order]


def test_insisting_gives_what_the_limit_refuses():
    loss = catalogue("infonce")
    with pytest.raises(TooLargeError, match=r"infonce to order 12 takes .*limit=None"):
        loss.expand(12, limit=100)
    assert loss.expand(12, limit=None) == loss.expand(12)


def test_a_derivation_that_its_estimate_misjudged_is_given_up():
    """Of a sixth power nothing is seen below order 12."""
    surprise = Loss(Mean(inner(x, chi), over=chi, count=N - 1) ** 6 - inner(x, x_pos))
    with pytest.raises(TooLargeError, match=r"to order 12 takes more than .*; order 10 takes about"):
        surprise.expand(12, limit=60)


def test_how_far_a_derivation_is_is_told():
    told = []
    with watched(told.append):
        catalogue("infonce").expand(20)
    parts = [one for one in told if one is not None]
    assert parts == sorted(parts)
    assert 0.5 < parts[-1] <= 1
    told.clear()
    catalogue("infonce").expand(14)
    assert not told


def test_a_derivation_can_be_interrupted():
    """What a watcher raises goes through: so does what the user presses."""

    def stop(_):
        raise KeyboardInterrupt

    with watched(stop), pytest.raises(KeyboardInterrupt):
        catalogue("infonce").expand(20)
    assert effort._under_way.get() is None
    assert catalogue("infonce").expand(4).terms


def test_clearing_empties_every_memo_table_of_the_algebra():
    catalogue("weighted-infonce").expand(4)
    # What an expansion goes through; patterns of text and coefficients of landscapes are not timed with it.
    rooms = ("derive.algebra.", "derive.expansion.")
    names = [one.name for one in pkgutil.walk_packages(derive.__path__, "derive.") if one.name.startswith(rooms)]
    modules = [importlib.import_module(name) for name in names]
    tables = [one for module in modules for one in vars(module).values() if hasattr(one, "cache_info")]
    assert sum(one.cache_info().currsize for one in tables) > 0
    memory.clear_caches()
    assert [one.__qualname__ for one in tables if one.cache_info().currsize] == []
