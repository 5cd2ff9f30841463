r"""A whole LaTeX document around a text: one preamble for everything that is written to be compiled.

It asks for what every LaTeX has (LaTeX's own bundles, the mathematics of the AMS, geometry). Latin Modern is taken
where it is installed; elsewhere Computer Modern stands in, in its own encoding, as T1 would be set in bitmaps.
"""

from __future__ import annotations

# Beside its text, a page of formulas needs the width.
_PAPER = {False: "a4paper,margin=2cm", True: "a4paper,landscape,margin=1.5cm"}
_PACKAGES = r"""\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage[T1]{fontenc}\usepackage{lmodern}}{}
\usepackage{textcomp,amsmath,amssymb,graphicx,tabularx}
\allowdisplaybreaks
\sloppy"""


def preamble(*, landscape: bool = False) -> str:
    r"""What stands before ``\begin{document}``.

    Args:
        landscape: whether the paper lies on its side.

    >>> print(preamble().splitlines()[0])
    \documentclass{article}

    """
    return "\n".join([r"\documentclass{article}", rf"\usepackage[{_PAPER[landscape]}]{{geometry}}", _PACKAGES])


def document(body: str, *, landscape: bool = False, before: str = "") -> str:
    r"""A document that pdflatex compiles.

    Args:
        body: what stands in it, in LaTeX.
        landscape: whether the paper lies on its side.
        before: further lines of the preamble.

    >>> print(*document("Text.").splitlines()[-3:])
    \begin{document} Text. \end{document}

    """
    lines = [preamble(landscape=landscape), before, r"\begin{document}", body, r"\end{document}"]
    return "\n".join(line for line in lines if line)
