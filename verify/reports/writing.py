"""A report written to a file, whole or not at all; its pictures stand beside it where it cannot hold them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive import InputError
from verify.running.sweeps.writing import usable_file, write_whole

if TYPE_CHECKING:
    from verify.evidence.description import Describable
    from verify.reports.content import Content
    from verify.reports.pictures import Drawn

# What a file is written in, by its ending.
FORMS = {".html": "HTML", ".htm": "HTML", ".md": "Markdown", ".tex": "LaTeX"}
# The pictures beside a file; a page of HTML holds its own.
_PICTURES = {"Markdown": ".svg", "LaTeX": ".pdf"}


def page(found: Describable, **options: Any) -> str:
    """A finding as one self-contained page of HTML.

    Args:
        found: an audit, or anything else that is described.
        options: ``command`` and ``when`` of `verify.reports.content.content`.

    Raises:
        InputError: Jinja2 or math-core is not installed.

    """
    from verify.reports.content import content
    from verify.reports.html import written

    return written(content(found, **options))


def write_report(found: Describable, path: str | Path, **options: Any) -> Path:
    """Write a report of an audit, a check, a claim or a study; what stood there is replaced in one step.

    Args:
        found: an audit, or anything else that is described.
        path: of the file, which ends in .html, .md or .tex. Beside a Markdown or LaTeX file ``name.md`` stand its
            pictures, ``name-phase-diagram.svg`` and the like, .pdf for LaTeX; they are written before it.
        options: ``command``, which repeats it, and ``when``, its time.

    Returns:
        the file.

    Raises:
        InputError: a place that cannot be written to, or a library that is not installed.

    """
    from verify.reports.content import content

    file = usable_report(path, *FORMS)
    form, held = FORMS[file.suffix.lower()], content(found, **options)
    names = [_beside(file, one, _PICTURES.get(form, "")) for one in held.drawn]
    # The command may name a file whose name is not Unicode.
    text = _written(held, form, names).encode("utf-8", "replace")
    try:
        if form in _PICTURES:
            from verify.figures.picture import encoded

            for name, one in zip(names, held.drawn, strict=True):
                if one.picture is not None:
                    write_whole(file.with_name(name), encoded(one.picture, _PICTURES[form]))
        write_whole(file, text)
    except OSError as why:
        message = f"cannot write {file}: {why.strerror or why}"
        raise InputError(message) from None
    return file


def usable_report(path: str | Path, *endings: str) -> Path:
    r"""The file of a report, which can be made and written: found out before the audit takes its time.

    Args:
        path: of the file.
        endings: one of which its name must have.

    Raises:
        InputError: a library that is missing, a place that cannot be written to, or the name of a LaTeX file that
            ``\includegraphics`` could not repeat for its pictures.

    """
    from verify.reports.content import check_installed

    check_installed()
    file = usable_file(path, *endings)
    if file.suffix.lower() == ".tex" and not re.fullmatch(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*", file.stem):
        message = f"{file.name}: TeX could not find its pictures; name the file with letters, digits, - and _ alone"
        raise InputError(message)
    return file


def _written(held: Content, form: str, pictures: list[str]) -> str:
    from verify.reports import html, markdown, tex

    if form == "HTML":
        return html.written(held)
    if form == "Markdown":
        return markdown.written(held, pictures)
    return tex.written(held, pictures)


def _beside(file: Path, drawn: Drawn, ending: str) -> str:
    """The name of a picture's file, empty where there is no picture."""
    heading = re.sub(r"[^a-z]+", "-", drawn.heading.lower())
    return "" if drawn.picture is None else f"{file.stem}-{heading}{ending}"
