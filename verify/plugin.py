"""The pytest plugin: ``pytest --claims FILE`` runs the ledger in a file, one test item a claim, named by its id.

With it come the fixtures for a user's own tests (`verify.pytest.fixtures`) and ``--derivation-report``
(`verify.pytest.reported`). All is thin: SymPy and torch are loaded when a ledger is collected or a fixture is called,
never at pytest's start.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from verify.papers.claims.claim import Claim

pytest_plugins = ("verify.pytest.fixtures", "verify.pytest.reported")

_FILES: pytest.StashKey[list[Path]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--claims``."""
    parser.getgroup("quartic").addoption(
        "--claims",
        action="append",
        default=[],
        metavar="FILE",
        help="A ledger of published claims (a Python file with a verify.papers.claims.Ledger): one test item a claim,"
        " which fails when its verdict is not the recorded one. Repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the named files beside what is collected anyway."""
    files = [Path(name).resolve() for name in config.getoption("--claims")]
    for file in files:
        if not file.is_file():
            message = f"--claims {file}: there is no such file"
            raise pytest.UsageError(message)
    config.stash[_FILES] = files
    config.args += [str(file) for file in files if str(file) not in config.args]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A ledger, where the file was named."""
    if file_path in parent.config.stash.get(_FILES, []):
        return LedgerFile.from_parent(parent, path=file_path)
    return None


class LedgerFile(pytest.File):
    """A file with ledgers."""

    def collect(self) -> Iterator[ClaimItem]:
        """One item a claim."""
        from derive import InputError
        from verify.papers.claims.ledgers import in_file

        try:
            ledgers = in_file(self.path)
        except InputError as error:
            raise self.CollectError(str(error)) from None
        for ledger in ledgers:
            for claim in ledger:
                yield ClaimItem.from_parent(self, name=claim.id, claim=claim)


class ClaimItem(pytest.Item):
    """A claim that fails when the live verdict is not the recorded one."""

    def __init__(self, *, claim: Claim, **options: Any) -> None:
        super().__init__(**options)
        self.claim = claim

    def runtest(self) -> None:
        """Judge the claim."""
        from verify.papers.claims.running import run

        if self.claim.slow:
            pytest.skip("a slow claim: quartic claims --slow runs it")
        (result,) = run([self.claim])
        if result["verdict"] == "not-run":
            pytest.skip(f"not run: {self.claim.waits_for}")
        if result["verdict"] != self.claim.recorded:
            raise OtherVerdictError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The claim whole, rather than a traceback."""
        if isinstance(excinfo.value, OtherVerdictError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the claim stands."""
        return self.path, None, f"claim {self.name}"


class OtherVerdictError(AssertionError):
    """A claim's live verdict is not the recorded one."""

    def __init__(self, result: dict[str, Any]) -> None:
        from verify.reports.claims.listing import whole

        super().__init__(f"recorded as {result['recorded']}, found {result['verdict']}:\n{whole(result)}")
