"""The page of identities: each as it is derived when the page is written, with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive import moment
from derive.definition.notation import LATEX
from verify.papers.identities.sources import SOURCES
from verify.papers.identities.table import IDENTITIES

if TYPE_CHECKING:
    from verify.papers.identities.table import Identity

_HEAD = """# Identities of the literature

Quadratic forms in normal variables and Wishart matrices, as quartic derives them when this page is written, in its own
letters: $x^{\\top} G x$ with $G = W^{\\top} W$ is $\\|f(x)\\|^2$ of f(x) = Wx, and a Wishart matrix over its n
degrees of freedom is the mean of $f(u) f(u)^{\\top}$ over n draws. x and x′ are two views of a datum, χ is one of
another. The tests hold each against its print in the source (`verify/papers/identities/table.py`), and refute some that
are printed with a slip. [Moments and identities](how_to/moments.md) says how to derive and check one of your own.
"""


def page() -> str:
    """The page in Markdown."""
    rows = ["| | identity | source |", "|---|---|---|", *map(_row, IDENTITIES)]
    listed = [f"- {one.authors}. *{one.title}*. {one.venue}, {key[-4:]}." for key, one in SOURCES.items()]
    return "\n".join([_HEAD, *rows, "", "## Sources", "", *listed, ""])


def _row(identity: Identity) -> str:
    found = moment(identity.moment, law=identity.law)
    formula = f"{found.definition(LATEX)} = {found.latex()}"
    # A bar within a cell would end it; in mathematics these are the same.
    formula = formula.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"| {identity.name} | ${formula}$ | {identity.source} |"
