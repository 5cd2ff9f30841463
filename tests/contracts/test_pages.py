"""Whatever README and the pages of the site show is executed: nothing is shown that was not run.

A fenced block is one of these:

- Python with prompts: an example, which pytest runs as a doctest.
- any language after `<!-- file: NAME -->`: a file, put into the page's own folder for the commands below it.
- `console`: commands after `$ `, run in that folder, each with what it prints. `...` stands for anything. Each ends
  with status 0 unless `$ echo $?` comes next and says otherwise.
- no language: how commands are put together. The command and the options that are named must be there.
- any language after `<!-- not run: REASON -->`. There are few of these, and they are counted here.
"""

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from verify.command.cli import main, quartic

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
# The site's pages; two of them are made of files beside the README.
FILES = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {str(file.relative_to(ROOT)): file for file in FILES}
# Their commands take longer than ten seconds together.
SLOW = {"docs/how_to/audit_torch_code.md", "docs/how_to/cluster_and_gpu.md"}
RUN = [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES]
NOT_RUN = 5
# The address that pages give to a Dask scheduler; a real one stands in for it.
SCHEDULER = "tcp://host:8786"
FENCE = re.compile(r"^(`{3,}|:{3,})([^\n]*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
SAID = re.compile(r"<!-- (file|not run): ([^\n]*) -->\n+\Z")
FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
# Differences of the order of rounding vary with the processor, and the day with the day.
VARIES = ((re.compile(r"\|Δ\| = \S+"), "|Δ| = "), (re.compile(r"\d{4}-\d\d-\d\d"), "a day"))


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, and what a comment before it says of it."""

    language: str
    text: str
    said: str = ""
    about: str = ""

    @property
    def kind(self):
        """How it is executed; None where it is not."""
        if self.said or self.language == "console":
            return self.said or "console"
        if self.language.startswith("python") and ">>>" in self.text:
            return "doctest"
        return "usage" if not self.language else None


def blocks(text):
    """All fenced blocks but the directives of the site, which show nothing of their own."""
    for found in FENCE.finditer(text):
        ticks, language, inside = found.groups()
        if language.startswith("{"):
            continue
        before = SAID.search(text[: found.start()])
        yield Block(language.strip(), inside, *(before.groups() if before and ticks[0] == "`" else ()))


def commands(text):
    """The commands of a console block, each with what is printed and the status that it ends with."""
    parts = [part.partition("\n")[::2] for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    for number, (command, output) in enumerate(parts):
        if command != "echo $?":
            later = parts[number + 1] if number + 1 < len(parts) else ("", "")
            yield command, output, int(later[1]) if later[0] == "echo $?" else 0


def same(shown, printed):
    """Whether what is shown is what was printed."""
    for pattern, instead in VARIES:
        shown, printed = pattern.sub(instead, shown), pattern.sub(instead, printed)
    parts = [re.escape(part) for part in shown.rstrip().split("...")]
    return re.fullmatch(".*".join(parts), printed.rstrip(), re.DOTALL) is not None


def here(command):
    """What a quartic command prints and how it ends, run in this process: starting one anew takes seconds."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        patch.setattr(sys, "argv", shlex.split(command))
        try:
            main()
        except SystemExit as stop:
            return out.getvalue(), int(stop.code or 0)
    return out.getvalue(), 0


def anew(command, folder):
    """The same of any command line, by a shell, with this environment's programs first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"PATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider", "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    ran = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env={**os.environ, **quiet},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout, ran.returncode


@contextlib.contextmanager
def scheduler():
    """The address of a Dask scheduler with a worker, each a process of its own."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR") as cluster:
        yield cluster.scheduler_address


def executed(page, folder, at=SCHEDULER):
    """What is wrong with the files and commands of a page, run from top to bottom in a folder.

    Args:
        page: its text.
        folder: an empty one; the examples are put beside it where the page asks for them.
        at: the address of a scheduler.

    """
    wrong = []
    if "examples/" in page:
        shutil.copytree(ROOT / "examples", folder / "examples")
    for block in blocks(page):
        if block.kind == "file":
            (folder / block.about).write_text(block.text, "utf-8")
        elif block.kind == "console":
            for command, output, status in commands(block.text):
                plain = command.startswith("quartic ") and not set("|>;&") & set(command)
                real = command.replace(SCHEDULER, at)
                with contextlib.chdir(folder):
                    printed, ended = here(real) if plain else anew(real, folder)
                if ended != status or not same(output, printed):
                    wrong.append(f"$ {command}\n{printed}status {ended}")
    return wrong


def unknown(usage):
    """The commands and options that a block without a language names and that are not there."""
    for line in filter(None, map(str.strip, usage.splitlines())):
        words = line.split("  ")[0].split()
        program, rest = words[0], words[1:]
        if program == "quartic" and rest[0] in quartic.commands:
            there = {flag for one in quartic.commands[rest[0]].params for flag in one.opts}
        elif program == "pytest":
            # Those of the plugin; a marker is pytest's own.
            there = {"--claims", "--derivation-report", "-m", "-k"}
        elif words[:3] == ["python", "-m", "verify.command.pretrain"]:
            from verify.command.pretrain import pretrained

            there = {"-m"} | {flag for one in pretrained.params for flag in one.opts}
        else:
            yield line
            continue
        yield from (flag for flag in FLAG.findall(" ".join(rest)) if flag not in there)


def test_the_console_blocks_of_the_readme_are_real_output(tmp_path):
    seen = 0
    for block in blocks(README.read_text("utf-8")):
        if block.kind == "file":
            (tmp_path / block.about).write_text(block.text, "utf-8")
        elif block.kind == "console":
            for command, output, status in commands(block.text):
                # As a person runs them: in a process of their own.
                printed, ended = anew(command, tmp_path)
                assert ended == status
                assert same(output, printed), printed
                seen += 1
    assert seen > 3


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_is_executed(page):
    assert [block.text for block in blocks(PAGES[page].read_text("utf-8")) if block.kind is None] == []


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_print_what_it_shows(page, tmp_path):
    text = PAGES[page].read_text("utf-8")
    with scheduler() if SCHEDULER in text else contextlib.nullcontext(SCHEDULER) as at:
        wrong = executed(text, tmp_path, at)
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES)
def test_the_options_that_a_page_names_are_there(page):
    usages = [block.text for block in blocks(PAGES[page].read_text("utf-8")) if block.kind == "usage"]
    assert [one for usage in usages for one in unknown(usage)] == []


def test_what_is_not_run_is_counted_and_says_why():
    found = [block for page in PAGES.values() for block in blocks(page.read_text("utf-8")) if block.kind == "not run"]
    assert len(found) == NOT_RUN
    assert all(len(block.about.split()) > 3 for block in found)


# That these checks can fail.


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("```python\nx = 1\n```\n", [None]),
        ("```python\n>>> 1\n1\n\n```\n", ["doctest"]),
        ("```yaml\na: 1\n```\n", [None]),
        ("<!-- not run: it would take a day -->\n```yaml\na: 1\n```\n", ["not run"]),
        ("<!-- file: a.py -->\n\n```python\nx = 1\n```\nand\n```json\n{}\n```\n", ["file", None]),
        ("```{toctree}\na\n```\n```console\n$ quartic losses\n```\n", ["console"]),
        ("````\nquartic losses\n````\n", ["usage"]),
    ],
)
def test_the_kinds_of_blocks(page, kinds):
    assert [block.kind for block in blocks(page)] == kinds


def test_commands_have_their_output_and_their_status():
    assert list(commands("$ a b\n1\n2\n$ c\n$ d\nno\n$ echo $?\n2\n")) == [
        ("a b", "1\n2\n", 0),
        ("c", "", 0),
        ("d", "no\n", 2),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("0.75 → 0.7549", "0.75 → 0.7549\n", True),
        ("0.75 → 0.7549", "0.75 → 0.7548", False),
        ("|Δ| = 7e-16  ✓", "|Δ| = 6e-16  ✓", True),
        ("|Δ| = 7e-16  ✓", "|Δ| = 6e-16  ✗", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...\nd", "a\nb\nc\ne", False),
        ("a", "a\nb", False),
    ],
)
def test_shown_and_printed(shown, printed, equal):
    assert same(shown, printed) is equal


@pytest.mark.parametrize(
    "page",
    [
        "```console\n$ quartic derive dcl --order 2\n−1/τ Tr[W C Wᵀ] + O(W⁴)\n```\n",
        "```console\n$ quartic derive dcl --order 3\n...\n```\n",
        "```console\n$ quartic derive dcl --order 2 | head -1\n−1/τ Tr[W C Wᵀ] + O(W⁴)\n```\n",
    ],
)
def test_a_page_that_shows_something_else_is_found(page, tmp_path):
    assert len(executed(page, tmp_path)) == 1


@pytest.mark.parametrize(
    "page",
    ["$ quartic derive dcl --order 2\n−1/τ Tr[W A0 Wᵀ] + O(W⁴)", "$ quartic derive dcl --order 3\n...\n$ echo $?\n2"],
)
def test_a_page_that_is_right_is_let_through(page, tmp_path):
    assert executed(f"```console\n{page}\n```\n", tmp_path) == []


@pytest.mark.parametrize(
    "usage", ["quartic audti TARGET", "quartic audit TARGET [--jsn]", "pytest --claim FILE", "rm -r ."]
)
def test_an_unknown_option_is_found(usage):
    assert len(list(unknown(usage))) == 1


def test_doctests_of_pages_are_collected():
    # pyproject.toml names the folder and the ending; that examples in pages are seen by doctest itself is shown here.
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"docs"]' in settings
    assert "--doctest-glob=*.md" in settings
    examples = doctest.DocTestParser().get_examples((ROOT / "docs" / "last_layer.md").read_text("utf-8"))
    assert len(examples) > 10
