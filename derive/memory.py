"""The memo tables of the algebra, to be emptied before a timing."""

from __future__ import annotations

from derive import graphs, wick, words


def clear_caches() -> None:
    """Forget every memoised word, graph and contraction."""
    for table in (words.trace, words.invariant, graphs.canonical, wick.contract, wick._contract):  # noqa: SLF001
        table.cache_clear()
