"""Imports run one way, verify → numeric → derive, and what is optional is loaded only when asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What each package may import besides the standard library.
ALLOWED = {
    "derive": {"derive", "sympy"},
    "numeric": {"numeric", "derive", "sympy", "mpmath", "numpy", "scipy", "torch"},
    "verify": {
        "verify",
        "numeric",
        "derive",
        "sympy",
        "mpmath",
        "numpy",
        "scipy",
        "torch",
        "matplotlib",
        "click",
        "pytest",
        "pylatexenc",
        "distributed",
        "jinja2",
        "markupsafe",
        "math_core",
        "kornia",
        "PIL",
        "pyarrow",
        "safetensors",
    },
}
HEAVY = {
    *("sympy", "mpmath", "numpy", "scipy", "torch", "matplotlib", "distributed", "dask"),
    *("jinja2", "markupsafe", "math_core", "kornia", "PIL", "pyarrow", "safetensors"),
}


def imported(source: str) -> set[str]:
    """Top-level names that a module imports, at any depth, importlib included; relative ones stay inside."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ) if not module.startswith("."):
                names.add(module)
    return {name.partition(".")[0] for name in names}


def forbidden(package: str, source: str) -> set[str]:
    """What a module of the package imports and may not."""
    return imported(source) - ALLOWED[package] - sys.stdlib_module_names


def loaded_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded once it has run the code."""
    script = f"""
import sys
try:
    exec(compile({code!r}, "<code>", "exec"))
except SystemExit as stop:
    if stop.code:
        raise
finally:
    print("loaded:", *sorted({HEAVY!r} & sys.modules.keys()))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"{package} holds no Python file"
    wrong = {str(file.relative_to(ROOT)): forbidden(package, file.read_text("utf-8")) for file in files}
    assert {file: names for file, names in wrong.items() if names} == {}


@pytest.mark.parametrize(
    ("package", "source", "names"),
    [
        ("derive", "import numpy as np", {"numpy"}),
        ("derive", "def f():\n    if True:\n        from torch.nn import functional", {"torch"}),
        ("derive", "class A:\n    import numeric.kernels, math", {"numeric"}),
        ("derive", "import importlib\nimportlib.import_module('mpmath.libmp')", {"mpmath"}),
        ("numeric", "try:\n    from verify import cli\nexcept ImportError:\n    pass", {"verify"}),
        ("numeric", "lambda: __import__('verify.command.cli')", {"verify"}),
        ("numeric", "def draw():\n    from matplotlib.figure import Figure", {"matplotlib"}),
        ("verify", "from pandas import DataFrame", {"pandas"}),
    ],
)
def test_a_wrong_import_is_found(package, source, names):
    assert forbidden(package, source) == names


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("derive", "import sympy, math\nfrom .losses import infonce\nimport derive.expansion.wick"),
        ("numeric", "from derive import Loss\nimport importlib\nimportlib.import_module('.x', 'numeric')"),
        ("verify", "import numeric.kernels\nfrom derive.losses import infonce"),
    ],
)
def test_a_right_import_is_let_through(package, source):
    assert forbidden(package, source) == set()


ALL_OF_DERIVE = """
import importlib, pkgutil, derive
for module in pkgutil.walk_packages(derive.__path__, "derive."):
    importlib.import_module(module.name)
"""
HELP = """
import sys
from verify.command.cli import main
sys.argv = ["quartic", "--help"]
main()
"""


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        pytest.param("import derive", {"numpy", "torch"}, id="derive"),
        pytest.param(ALL_OF_DERIVE, {"numpy", "torch"}, id="every-module-of-derive"),
        pytest.param("import numeric", {"torch", "scipy"}, id="numeric"),
        pytest.param("import verify.figures", HEAVY, id="verify.figures"),
        pytest.param("import verify.reports", HEAVY, id="verify.reports"),
        pytest.param("import verify.networks.images", HEAVY, id="verify.networks.images"),
        pytest.param(
            "import verify.networks.images.reading",
            HEAVY - {"numpy", "sympy", "mpmath"},
            id="verify.networks.images.reading",
        ),
        pytest.param("import verify.command.cli", HEAVY, id="verify.command.cli"),
        pytest.param(HELP, HEAVY, id="quartic---help"),
    ],
)
def test_what_is_heavy_is_loaded_only_when_asked_for(code, unwanted):
    assert loaded_by(code) & unwanted == set()


def test_a_heavy_import_is_seen():
    assert loaded_by("import numpy") == {"numpy"}
    assert loaded_by("import json") == set()


def test_figures_keep_clear_of_the_state_of_pyplot():
    wrong = [
        file.name
        for package in ALLOWED
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and "pyplot" in ast.unparse(node)
    ]
    assert wrong == []
