"""LaTeX as MathML Core, which browsers set by themselves: no script, no font to fetch, and readers can speak it.

math-core converts it. It refuses a command that it does not know and escapes all text, so that what it returns is
mathematics and nothing else, whatever stands in the name of a symbol.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from derive.latex import terms

if TYPE_CHECKING:
    from math_core import LatexToMathML

# Invisible and without width, yet not mere space.
_LEFT = r"\vphantom{x} "
# How many letters wide a piece may be that could be cut further.
WIDE = 90


def mathml(formula: str) -> list[str] | None:
    r"""A formula as MathML, one element for each piece of a sum, so that a line may be broken between them.

    Args:
        formula: in LaTeX, for math mode.

    Returns:
        the elements, in display style; None where the LaTeX cannot be set, and its plain text has to stand.

    >>> mathml("-x")
    ['<math><mrow displaystyle="true" scriptlevel="0"><mo lspace="0" rspace="0">−</mo><mi>x</mi></mrow></math>']
    >>> len(mathml(r"\frac{a + b}{2} + c")), mathml(r"\href{x}{y}")
    (2, None)

    """
    from math_core import LatexError

    # In display style; a sign that leads a piece has something on its left, and is spaced as between two terms.
    written = [rf"\displaystyle {_LEFT if number else ''}{part}" for number, part in enumerate(terms(formula, WIDE))]
    try:
        return [_converter().convert_with_local_state(one, displaystyle=False) for one in written]
    except LatexError:
        return None


@lru_cache(maxsize=1)
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False)
