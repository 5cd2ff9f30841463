"""The rooms of each package stand in an order, and each imports only from itself and from those before it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What stands at the top of a package comes first, but for what presents the whole package.
ROOMS = {
    "derive": ("algebra", "definition", "expansion", "losses", "sphere", "fields", "landscape"),
    "numeric": ("laws", "landscape", "sphere", "fields"),
    "verify": (
        "running",
        "evidence",
        "truths",
        "routes",
        "audits",
        "networks",
        "figures",
        "papers",
        "assurance",
        "reports",
        "command",
        "pytest",
    ),
}
WHOLE = {"derive", "numeric", "verify", "verify.plugin"}
# A notebook shows a finding as HTML, which is made when it asks.
SHOWN = "verify.reports.notebook"


def modules():
    """Every module of the three packages: its dotted name, and its file."""
    for package in ROOMS:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


FILES = dict(modules())


def imported(name, source):
    """The modules of the three packages that a module imports: each with whether it does so as it is loaded."""
    found = []

    def visit(node, at_once):
        for child in ast.iter_child_nodes(node):
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            match child:
                case ast.Import(names=aliases):
                    found.extend((alias.name, at_once) for alias in aliases if alias.name in FILES)
                case ast.ImportFrom(module=str(module), level=0, names=aliases) if module in FILES:
                    inside = {f"{module}.{alias.name}" for alias in aliases}
                    found.extend((one, at_once) for one in inside & FILES.keys() or {module})
            visit(child, at_once and not later and not types)

    visit(ast.parse(source), at_once=True)
    return [(module, at_once) for module, at_once in found if module != name]


def place(name):
    """The number of a module's room in its package: 0 at the top; None for what presents the whole package."""
    package, _, rest = name.partition(".")
    room = rest.partition(".")[0]
    if name in WHOLE:
        return None
    return ROOMS[package].index(room) + 1 if room in ROOMS[package] else 0


def out_of_order(name, source):
    """What a module imports from a room after its own, types and late imports included."""
    own = place(name)
    wrong = []
    for module, at_once in imported(name, source):
        there = place(module)
        if own is None or module.partition(".")[0] != name.partition(".")[0] or (module == SHOWN and not at_once):
            continue
        if there is None or there > own:
            wrong.append(module)
    return wrong


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_from_those_before_them(package):
    wrong = {
        name: found
        for name, file in FILES.items()
        if name.partition(".")[0] == package and (found := out_of_order(name, file.read_text("utf-8")))
    }
    assert wrong == {}


def test_no_module_is_imported_while_it_is_loaded():
    graph = {
        name: {one for one, at_once in imported(name, file.read_text("utf-8")) if at_once}
        for name, file in FILES.items()
    }
    settled = set()

    def visit(name, way):
        assert name not in way, " → ".join([*way[way.index(name) :], name])
        if name not in settled:
            for one in graph[name]:
                visit(one, [*way, name])
            settled.add(name)

    for name in graph:
        visit(name, [])


def test_every_room_is_in_the_list_and_says_what_is_in_it():
    for package, rooms in ROOMS.items():
        folders = {file.parent.name for file in (ROOT / package).glob("*/__init__.py")}
        assert folders == set(rooms)
        for room in rooms:
            assert ast.get_docstring(ast.parse((ROOT / package / room / "__init__.py").read_text("utf-8")))
    assert {file.name for file in (ROOT / "verify").glob("*.py")} == {"__init__.py", "plugin.py"}


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("derive.algebra.words", "from derive.losses.loss import Loss", ["derive.losses.loss"]),
        (
            "derive.algebra.words",
            "def f():\n    from derive.landscape import landscape",
            ["derive.landscape.landscape"],
        ),
        ("derive.errors", "import derive.algebra.words", ["derive.algebra.words"]),
        ("verify.routes.minima", "import verify", ["verify"]),
        ("verify.audits.target", "from verify.reports import notebook", [SHOWN]),
        ("verify.audits.target", "def f():\n    from verify.reports import notebook", []),
        ("derive.landscape.landscape", "from derive.algebra import words\nfrom derive.errors import InputError", []),
    ],
)
def test_an_import_from_a_later_room_is_found(name, source, wrong):
    assert out_of_order(name, source) == wrong
