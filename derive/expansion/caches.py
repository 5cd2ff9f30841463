"""The memo tables of the algebra, to be emptied before a timing."""

from __future__ import annotations

from derive.algebra import alphabet, graphs, roots, signs, words
from derive.expansion import draws, wick
from derive.expansion.laws import classes, heteroscedastic


def clear_caches() -> None:
    """Forget every memoised word, graph, contraction, partition, factorisation and sign."""
    private = (graphs._edge, wick._contract, roots._irreducible, signs._signs)  # noqa: SLF001 (their tables)
    shared = (words.transpose, words.trace, words.invariant, graphs.canonical, wick.contract, draws.partitions)
    of_laws = (alphabet.outer, classes._expectation, heteroscedastic._expectation)  # noqa: SLF001
    for table in (*shared, *private, *of_laws):
        table.cache_clear()
