"""The site: `python -m sphinx -W -n -b html docs out/docs` makes it from the pages beside this file.

Nothing on a page is fetched from another host: mathematics is MathML Core (`extensions/formulas.py`), fonts are the
reader's own.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "quartic"
author = "The quartic authors"
copyright = "the quartic authors"  # noqa: A001 (the name is Sphinx's)

# myst_nb reads both pages and notebooks, with one grammar; it runs nothing here. The tests run the notebooks.
extensions = ["myst_nb", "formulas", "named_files"]
# With -t quick, in the fast tests, docstrings are not read. The name tags is put in by Sphinx.
quick = "tags" in globals() and tags.has("quick")  # noqa: F821
described = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click", "docstrings"]
extensions += ["skipped"] if quick else described
exclude_patterns = ["extensions", "static"]
nitpicky = True

# An option keeps its two hyphens.
smartquotes = False

html_theme = "furo"
html_title = "quartic"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_render_text_lexer = "none"

# A docstring's `name` is code, as it is in Markdown; `docstrings` makes the rest of it safe for Sphinx.
default_role = "code"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autoclass_content = "class"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80
# Types in signatures of other libraries, whose pages are not at hand offline.
nitpick_ignore_regex = [("py:.*", r"(?!derive\.|numeric\.|verify\.).*"), ("py:class", r".*\._\w+")]
# Two classes are called Objective; a signature says which one by its module.
suppress_warnings = ["ref.python"]
