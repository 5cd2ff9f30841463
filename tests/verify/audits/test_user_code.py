"""Files and modules of the user's: in packages, beside namesakes, and what is said of those that fail."""

import importlib
import sys

import pytest

from derive import InputError
from verify.audits import import_paths
from verify.audits.target import find_target
from verify.audits.user_code import run_file, run_module


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def refusal(target):
    with pytest.raises(InputError) as caught:
        find_target(target)
    return str(caught.value)


@pytest.fixture(autouse=True)
def _restored(tmp_path, monkeypatch):
    """Each test in a folder of its own, and imports as they were."""
    path, modules, folders = sys.path[:], set(sys.modules), import_paths._FOLDERS[:]
    monkeypatch.chdir(tmp_path)
    yield
    sys.path[:], import_paths._FOLDERS[:] = path, folders
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(
            getattr(sys.modules[name], "__file__", None) or getattr(sys.modules[name], "__path__", "")
        ):
            del sys.modules[name]


UTIL, LOSS = "t = 3\n", "from .util import t\ndef loss(z1, z2):\n    return t\n"
PACKAGE = {"pack/__init__.py": "", "pack/util.py": UTIL, "pack/losses.py": LOSS}


@pytest.mark.parametrize("target", ["pack/losses.py:loss", "./pack/losses.py:loss", "pack.losses:loss"])
def test_a_file_of_a_package_is_a_target_by_path_and_by_name(tmp_path, target):
    write(tmp_path, PACKAGE)
    assert find_target(target)(None, None) == 3


def test_relative_imports_reach_as_far_up_as_the_package(tmp_path):
    write(tmp_path, {**PACKAGE, "pack/sub/__init__.py": "", "pack/sub/deep.py": "from ..losses import loss\n"})
    for target in ("pack/sub/deep.py:loss", "pack.sub.deep:loss"):
        assert find_target(target)(None, None) == 3


@pytest.mark.parametrize("folder", ["plain", "v1.0", "my-repo", "2024"])
def test_a_folder_without_init_of_any_name_is_a_package_to_relative_imports(tmp_path, folder):
    write(tmp_path, {f"{folder}/util.py": UTIL, f"{folder}/losses.py": LOSS})
    assert find_target(f"{folder}/losses.py:loss")(None, None) == 3


@pytest.mark.parametrize("target", ["space.losses:loss", "space/losses.py:loss"])
def test_a_namespace_package(tmp_path, target):
    write(tmp_path, {"space/util.py": UTIL, "space/losses.py": LOSS})
    assert find_target(target)(None, None) == 3


@pytest.mark.parametrize("target", ["pack.losses:loss", "src/pack/losses.py:loss"])
def test_a_src_layout(tmp_path, target):
    write(tmp_path / "src", PACKAGE)
    assert find_target(target)(None, None) == 3


def test_what_a_package_exports_its_classes_and_its_objects_are_targets(tmp_path):
    write(tmp_path, {"pack/__init__.py": "from .kind import Kind, made\n", "pack/kind.py": (
        "class Kind:\n    def __call__(self, z1, z2):\n        return 5\nmade = Kind()\n")})  # fmt: skip
    assert find_target("pack:Kind")()(None, None) == 5
    assert find_target("pack:made")(None, None) == find_target("pack/kind.py:made")(None, None) == 5


def test_an_absolute_import_of_the_own_package_works_by_path(tmp_path):
    write(
        tmp_path, {**PACKAGE, "pack/other.py": "from pack.util import t\nimport util\nloss = lambda a, b: t + util.t\n"}
    )
    assert find_target("pack/other.py:loss")(None, None) == 6


def test_an_import_when_the_function_is_called(tmp_path):
    write(
        tmp_path,
        {"util_called.py": UTIL, "one.py": "def loss(a, b):\n    import util_called\n    return util_called.t\n"},
    )
    assert find_target("one.py:loss")(None, None) == 3


def test_a_file_called_like_a_module_of_pythons_shadows_nothing(tmp_path):
    names = ("random", "statistics", "tabnanny")
    write(
        tmp_path, {f"{name}.py": "def loss(a, b):\n    return 1\nimport tabnanny\nmine = tabnanny\n" for name in names}
    )
    sys.modules.pop("tabnanny", None)
    for name in names:
        module = run_file(tmp_path / f"{name}.py")
        assert module.loss(None, None) == 1
        assert str(tmp_path) not in module.mine.__file__
    import random

    assert hasattr(random, "Random")
    sys.modules.pop("tabnanny", None)
    assert str(tmp_path) not in importlib.import_module("tabnanny").__file__


@pytest.mark.parametrize("folder", ["email", "derive", "wheel", "json"])
def test_a_folder_called_like_another_package_shadows_nothing(tmp_path, folder):
    write(tmp_path, {f"{folder}/util.py": UTIL, f"{folder}/losses.py": LOSS, f"{folder}/__init__.py": ""})
    assert find_target(f"{folder}/losses.py:loss")(None, None) == 3
    if folder != "wheel":
        assert str(tmp_path) not in importlib.import_module(folder).__file__


@pytest.mark.parametrize("place", ["{}/losses.py:loss", "{}/plain.py:loss", "{}/space/losses.py:loss"])
def test_two_projects_may_have_modules_of_one_name(tmp_path, place):
    for one, t in (("one", 1), ("two", 2)):
        plain = "import util\nloss = lambda a, b: util.t\n"
        space = {"space/util.py": f"t = {t}\n", "space/losses.py": LOSS}
        write(tmp_path / one, {"util.py": f"t = {t}\n", "plain.py": plain, "losses.py": LOSS, **space})
    found = [find_target(place.format(one)) for one in ("one", "two")]
    assert [loss(None, None) for loss in found] == [1, 2]


def test_imports_look_where_they_did_before_and_in_the_users_folders_last(tmp_path):
    before, finders = sys.path[:], sys.meta_path[:]
    write(tmp_path, PACKAGE)
    find_target("pack/losses.py:loss")
    assert sys.path[: len(before)] == before
    assert sys.meta_path == finders


# What cannot be run.

LOOKED = (
    "t is looked for in the current folder, in src there, and in what is installed; write package.module:name or"
    " path/to/file.py:name"
)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("pakc.losses:loss", f"there is no module 'pakc.losses'; i{LOOKED}"),
        ("pakc:loss", f"there is no module 'pakc'; did you mean pack? I{LOOKED}"),
        ("pack.loses:loss", f"there is no module 'pack.loses'; did you mean pack.losses? I{LOOKED}"),
        ("pack.util.deeper:loss", f"there is no module 'pack.util.deeper'; i{LOOKED}"),
        ("pack.losses:lost", "pack.losses defines no 'lost'; did you mean loss? Losses there: loss"),
        ("pack/losses.py:lost", "pack/losses.py defines no 'lost'; did you mean loss? Losses there: loss"),
        ("pack.losses:t", "pack.losses:t: t is of type int; a target is a derive.Loss or a function"),
        ("pack.losses:", "pack.losses defines no ''; losses there: loss"),
    ],
)
def test_what_is_not_there_is_said_with_its_neighbour(tmp_path, target, said):
    write(tmp_path, PACKAGE)
    assert refusal(target) == said


@pytest.mark.parametrize(
    ("files", "target", "said"),
    [
        (
            {"pack/losses.py": "x = 1\nimport nothing_there\n"},
            "pack.losses:loss",
            (
                "pack.losses failed when it was imported: ModuleNotFoundError: No module named 'nothing_there'"
                " (pack/losses.py, line 2)"
            ),
        ),
        (
            {"pack/util.py": "t = 1 / 0\n"},
            "pack/losses.py:loss",
            "pack/losses.py failed when it was run: ZeroDivisionError: division by zero (pack/util.py, line 1)",
        ),
        (
            {"pack/__init__.py": "\nimport nothing_there\n"},
            "pack/losses.py:loss",
            (
                "pack/losses.py failed when it was run: ModuleNotFoundError: No module named 'nothing_there'"
                " (pack/__init__.py, line 2)"
            ),
        ),
        (
            {"pack/__init__.py": "import nothing_there\n"},
            "pack.losses:loss",
            (
                "pack.losses failed when it was imported: ModuleNotFoundError: No module named 'nothing_there'"
                " (pack/__init__.py, line 1)"
            ),
        ),
        (
            {"pack/util.py": "", "pack/losses.py": LOSS},
            "pack.losses:loss",
            "pack.losses failed when it was imported: ImportError: cannot import name 't' from 'pack.util'",
        ),
        (
            {"pack/losses.py": "import sys\nsys.exit()\n"},
            "pack.losses:loss",
            "pack.losses ended the program when it was imported, as sys.exit does; put that under __name__ ==",
        ),
        ({"pack/losses.py": "def (\n"}, "pack.losses:loss", "pack.losses failed when it was imported: SyntaxError: "),
        (
            {"pack/__init__.py": "def __getattr__(name):\n    import nothing_there\n"},
            "pack:loss",
            "pack:loss failed when it was imported: ModuleNotFoundError: No module named 'nothing_there'",
        ),
    ],
)
def test_what_fails_inside_is_said_with_its_line(tmp_path, files, target, said):
    write(tmp_path, {**PACKAGE, **files})
    assert refusal(target).startswith(said)


def test_a_file_that_needs_nothing_of_its_package_runs_where_the_package_does_not(tmp_path):
    write(tmp_path, {"pack/__init__.py": "import nothing_there\n", "pack/losses.py": "loss = lambda a, b: 7\n"})
    assert find_target("pack/losses.py:loss")(None, None) == 7


@pytest.mark.parametrize(("run", "what"), [(run_file, "slow_one.py"), (run_module, "slow_one")])
def test_what_computes_is_interrupted(tmp_path, run, what):
    write(tmp_path, {"slow_one.py": "while True: pass\n"})
    given = tmp_path / what if run is run_file else what
    with pytest.raises(InputError, match=r"did not finish within 0\.2 seconds when it was (run|imported)"):
        run(given, 0.2)
