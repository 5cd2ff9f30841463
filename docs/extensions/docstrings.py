r"""Docstrings, which are written to be read as they stand, made ready for Sphinx.

In a docstring |f|² is a norm, W* a minimiser, \frac{1}{2} LaTeX, and a block that stands further to the right is a
formula or a drawing, line by line. In reStructuredText these would be substitutions, emphasis, escapes and quotations.
"""

import re

from docutils import nodes

# What stands between backticks is code already.
_CODE = re.compile(r"(``.*?``|`[^`]+`)")
_MARKUP = re.compile(r"([\\|*]|(?<=\w)_(?!\w))")
_SECTION = re.compile(r"(Args|Arguments|Attributes|Examples?|Note|Raises|Returns|See Also|Yields):$")


def escaped(line):
    r"""A line in which signs stand for themselves.

    >>> escaped("the norm |f|² of `a|b`, and h_")
    'the norm \\|f\\|² of `a|b`, and h\\_'
    """
    return "".join(part if k % 2 else _MARKUP.sub(r"\\\1", part) for k, part in enumerate(_CODE.split(line)))


def ready(lines):
    r"""The lines of a docstring, with blocks that stand further to the right set as they are.

    >>> ready(["A sum:", "", "    a  +  |b|", "", "and |c|."])
    ['A sum:', '', '::', '', '    a  +  |b|', '', 'and \\|c\\|.']
    """
    found, level, block, example = [], 0, None, False
    for number, line in enumerate(lines):
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        if not words:
            example = False
            found.append(line)
            continue
        if block is not None and indent >= block:
            found.append(line)
            continue
        block = None
        example = example or words.startswith(">>>")
        if number and not lines[number - 1].strip() and indent >= level + 4 and not example:
            block = indent
            found += [" " * level + "::", ""]
            found.append(line)
            continue
        found.append(line if example or _SECTION.fullmatch(words) else escaped(line))
        level = indent
    return found


def _process(_app, _what, _name, _object, _options, lines):
    lines[:] = ready(lines)


def _of_command(_app, _context, lines):
    # The text of --help, in which |f(x)|^2 is a square and no substitution.
    lines[:] = [escaped(line) for line in lines]


def _skipped(_app, _what, _name, member, _skip, _options):
    # A field of a tuple is described with the others, in the docstring of the class.
    return True if str(getattr(member, "__doc__", "")).startswith("Alias for field number") else None


def _dashed(_app, tree):
    # Sphinx puts two hyphens after the name of a parameter and makes a dash of them where it makes quotes curly, which
    # is off (`conf.py`), for the sake of options.
    for text in list(tree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


def setup(app):
    """Before napoleon reads the sections, whose priority is 500."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-skip-member", _skipped)
    app.connect("doctree-read", _dashed)
    app.connect("sphinx-click-process-description", _of_command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
