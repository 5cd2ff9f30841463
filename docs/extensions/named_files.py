"""The name of a file above its text, which `<!-- file: NAME -->` says before a block."""

import re

from docutils import nodes

_NAMED = re.compile(r"\s*<!-- file: (\S+) -->\s*")


def _captioned(_app, tree):
    for number, said in enumerate(list(tree.findall(nodes.raw))):
        name, block = _NAMED.fullmatch(said.astext()), said.next_node(descend=False, siblings=True)
        if name is None or not isinstance(block, nodes.literal_block):
            continue
        around = nodes.container("", literal_block=True, classes=["literal-block-wrapper"], ids=[f"file-{number}"])
        block.parent.replace(block, around)
        around += [nodes.caption("", name[1]), block]
        said.parent.remove(said)


def setup(app):
    """Once a page is read."""
    app.connect("doctree-read", _captioned)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
