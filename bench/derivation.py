"""How long does a derivation take, beside SymPy by components, tensorgrad and FORM?"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from functools import partial
from typing import Any

import peers
import sympy
from sympy.core.cache import clear_cache
from timing import Times, alternate, print_table, print_versions, ratio, show_ratio

import derive
from derive.errors import NotAnalyticError

ROUNDS = 7
# Seconds a sample: a call of a millisecond is repeated, or it would measure what the peer left in the caches.
BLOCK = 0.03
SYMPY_TARGET, TENSORGRAD_TARGET = 300, 500
# Repetitions in one process of FORM, whose start takes a few milliseconds.
FORM_ROUNDS = {4: 1000, 6: 400, 8: 100, 10: 20, 12: 3}


def main() -> None:
    """Check the peers against the engine, then time both sides."""
    print_versions("sympy", "tensorgrad")
    print("quartic's memo tables are emptied before every call, SymPy's cache before every sample, on both sides.")
    rows = [row for order in (4, 6) for row in sympy_rows(order)]
    print_table(
        "InfoNCE: a peer's time over quartic's (median of the rounds, with the range)",
        ("order", "peer", "peer's time", "quartic", "ratio", "target"),
        [*rows, tensorgrad_row(), *form_rows()],
    )
    print_table("InfoNCE: growth with the order", ("order", "quartic", "over the order before"), growth_rows())
    print_table("Every catalogue loss at order 4, parameters symbolic", ("loss", "quartic"), catalogue_rows())


def sympy_rows(order: int) -> list[tuple[str, ...]]:
    """Plain SymPy and SymPy's polynomial ring at one order."""
    ours = by_components(order)
    for peer in (peers.plain_sympy, peers.sympy_ring):
        for mine, theirs in zip(ours, peer(order), strict=True):
            if sympy.expand(mine - theirs) != 0:
                raise SystemExit(f"quartic and {peer.__name__} differ at d = 2: {mine} against {theirs}")
    sides = {
        "quartic": partial(engine, "infonce", order),
        "plain": partial(peers.plain_sympy, order),
        "ring": partial(peers.sympy_ring, order),
    }
    times = alternate(sides, rounds=ROUNDS, block=BLOCK, before=cold)
    return [
        _row(order, "SymPy at d = 2, plain expressions", times["plain"], times["quartic"], SYMPY_TARGET),
        _row(order, "SymPy at d = 2, polynomial ring", times["ring"], times["quartic"], None),
    ]


def tensorgrad_row() -> tuple[str, ...]:
    """Tensorgrad at order 4, or the reason why it was not run."""
    try:
        peer = peers.TensorgradPeer()
    except ImportError as reason:
        return ("4", "tensorgrad, any d", "not run", "", "", str(reason))
    for order, theirs in zip((2, 4), peer.derive(), strict=True):
        ours = 0
        for coefficient, words in terms("infonce", 4, order):
            (word,) = words
            ours = ours + peer.trace(word) * coefficient
        if ours.full_simplify() != theirs:
            raise SystemExit(f"quartic and tensorgrad differ at order {order}: {ours} against {theirs}")
    times = alternate(
        {"quartic": partial(engine, "infonce", 4), "peer": peer.derive}, rounds=ROUNDS, block=BLOCK, before=cold
    )
    return _row(4, "tensorgrad, any d", times["peer"], times["quartic"], TENSORGRAD_TARGET)


def form_rows() -> list[tuple[str, ...]]:
    """FORM through each order, the derivation repeated in one process so that its start does not count."""
    name = "FORM, any d"
    rows = []
    for order, rounds in FORM_ROUNDS.items():
        try:
            found = peers.form_orders(peers.form(order))
        except FileNotFoundError:
            return [("4", name, "not run", "", "", "form is not installed; it is a package of Debian's")]
        for n, theirs in enumerate(found, start=1):
            words = {("Sigma",) * k: sympy.Symbol(f"tr({k})") for k in range(1, n + 1)} | {("A0",): sympy.Symbol("a")}
            ours = sympy.Add(
                *(c * sympy.prod(words[tuple(one)] for one in of) for c, of in terms("infonce", order, 2 * n))
            )
            if ours != theirs:
                raise SystemExit(f"quartic and FORM differ at order {2 * n}: {ours} against {theirs}")
        sides = {"quartic": partial(engine, "infonce", order), "peer": partial(peers.form, order, rounds)}
        times = alternate(sides, rounds=ROUNDS, block=BLOCK, before=cold)
        rows.append(_row(order, name, times["peer"].shared(rounds), times["quartic"], None))
    return rows


def growth_rows() -> Iterable[tuple[str, ...]]:
    """The engine alone, orders 4 to 12."""
    sides = {str(order): partial(engine, "infonce", order) for order in (4, 6, 8, 10, 12)}
    times = alternate(sides, rounds=ROUNDS, block=BLOCK, before=cold)
    names = list(sides)
    return [
        (name, str(times[name]), show_ratio(ratio(times[name], times[last])) if last else "")
        for last, name in zip(["", *names], names, strict=False)
    ]


def catalogue_rows() -> list[tuple[str, str]]:
    """Every loss of the catalogue; one that has no expansion says so."""
    rows = []
    for name in derive.catalogue_names():
        try:
            times = alternate({name: partial(engine, name, 4)}, rounds=ROUNDS, block=BLOCK, before=cold)
        except NotAnalyticError as reason:
            rows.append((name, f"no expansion: {reason}"))
        else:
            rows.append((name, str(times[name])))
    return rows


def engine(name: str, order: int) -> derive.Expansion:
    """What is timed on quartic's side: from the definition to the expansion, every call with its memo tables empty."""
    derive.clear_caches()
    return derive.catalogue(name).expand(order=order)


def cold() -> None:
    """Empty every memo table, so that a call starts from nothing."""
    derive.clear_caches()
    clear_cache()
    gc.collect()


def by_components(order: int) -> list[sympy.Expr]:
    """The engine's orders 2, 4, … in the components that the SymPy peers use."""
    letters = {"A0": peers.A0, "Sigma": peers.SIGMA}
    orders = []
    for of in range(2, order + 1, 2):
        total = sympy.S.Zero
        for coefficient, words in terms("infonce", order, of):
            traces = (
                sympy.prod((peers.W * letters[one] * peers.W.T for one in word), start=sympy.eye(2)).trace()
                for word in words
            )
            total += coefficient * sympy.prod(traces)
        orders.append(total)
    return orders


def terms(name: str, order: int, of: int) -> list[tuple[sympy.Rational, list[list[str]]]]:
    """The terms of one order, where there are no parameters: coefficient and the letters of each trace."""
    written: Any = derive.catalogue(name).expand(order=order).to_json()["terms"]
    return [(sympy.Rational(term["coefficient"]), term["traces"]) for term in written if term["order"] == of]


def _row(order: int, peer: str, theirs: Times, ours: Times, target: int | None) -> tuple[str, ...]:
    measured = ratio(theirs, ours)
    met = "" if target is None else f"≥ {target}: {'met' if measured.median >= target else 'missed'}"
    return (str(order), peer, str(theirs), str(ours), show_ratio(measured), met)


if __name__ == "__main__":
    main()
