"""Mathematics of the pages as MathML Core, which browsers set by themselves: no script, no font, nothing fetched.

math-core converts it, as it does for reports (`verify.reports.mathml`). A formula that it does not know is a warning,
and so fails the build.
"""

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

from derive.latex import width
from verify.reports.mathml import mathml

# How many letters wide a formula in running text may be that is kept on one line.
WIDE = 30
_CONVERTER = LatexToMathML(fancy_error=False)
_LOGGER = logging.getLogger(__name__)


def converted(node, *, display):
    """A formula as MathML; with a warning, and its LaTeX as text, where it cannot be."""
    try:
        return _CONVERTER.convert_with_local_state(node.astext(), displaystyle=display)
    except LatexError as error:
        _LOGGER.warning("the formula %s cannot be set: %s", node.astext(), error, location=node)
        return None


def _inline(writer, node):
    found = converted(node, display=False)
    if found is not None and width(node.astext()) > WIDE:
        # A piece for each term: a line may be broken between them.
        found = "".join(mathml(node.astext()) or [found])
    writer.body.append(writer.encode(node.astext()) if found is None else found)
    raise nodes.SkipNode


def _displayed(writer, node):
    found = converted(node, display=True)
    inside = writer.encode(node.astext()) if found is None else found
    # A formula wider than the page scrolls in its own box, with the keyboard too.
    writer.body.append(f'<div class="formula" tabindex="0">{inside}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
