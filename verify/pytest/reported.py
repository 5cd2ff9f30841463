"""``pytest --derivation-report FILE``: every check of a run in one file, JSON, Markdown or HTML by its name.

Workers of pytest-xdist send their checks with the reports of their tests; the file is written once, at the end.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verify.pytest.fixtures import CHECKS

if TYPE_CHECKING:
    from verify.reports.printed import Entry

ENDINGS = (".json", ".md", ".html", ".htm")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--derivation-report``."""
    parser.getgroup("quartic").addoption(
        "--derivation-report",
        metavar="FILE",
        help="Write every check of the run into FILE, what was printed beside what was derived: .json, .md or .html.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find out at the start whether the file can be written."""
    name = config.getoption("--derivation-report")
    if name is None:
        return
    if hasattr(config, "workerinput"):
        # A worker of pytest-xdist sends its checks and writes nothing.
        config.pluginmanager.register(Reporter(Path(name)), "quartic-derivation-report")
        return
    from derive import InputError
    from verify.running.sweeps.writing import usable_file

    try:
        file = usable_file(name, *ENDINGS)
    except InputError as error:
        message = f"--derivation-report: {error}"
        raise pytest.UsageError(message) from None
    if file.suffix.lower().startswith(".htm") and not (find_spec("jinja2") and find_spec("math_core")):
        message = "a page needs Jinja2 and math-core, pip install 'quartic[report]'; or name a .md file"
        raise pytest.UsageError(f"--derivation-report: {message}")
    config.pluginmanager.register(Reporter(file.absolute()), "quartic-derivation-report")


class Reporter:
    """Gathers checks and writes them.

    Args:
        file: that is written.

    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.entries: list[Entry] = []
        self.written = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Put a test's checks into its report, which workers send."""
        report = yield
        report.derivations = item.stash.get(CHECKS, [])
        item.stash[CHECKS] = []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather them."""
        for check in getattr(report, "derivations", ()):
            self.entries.append({"test": report.nodeid, "outcome": report.outcome, **json.loads(check)})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, once and whole."""
        if hasattr(session.config, "workerinput") or session.config.option.collectonly:
            return
        from verify.reports.printed import content
        from verify.running.sweeps.writing import write_whole

        try:
            write_whole(self.file, content(self.entries, self.file.suffix.lower()).encode("utf-8", "replace"))
        except OSError as error:
            pytest.exit(f"--derivation-report: cannot write {self.file}: {error.strerror or error}", returncode=3)
        self.written = True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where it is."""
        if self.written:
            count = len(self.entries)
            terminalreporter.write_line(f"derivation report: {count} check{'s' * (count != 1)} in {self.file}")
