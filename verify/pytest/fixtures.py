"""Fixtures for a user's own tests: check_expansion, check_field, check_landscape, check_moment, audit_loss; the marker.

Nothing but pytest is loaded until a fixture is called. Each call leaves its check with the test, for
``--derivation-report`` (`verify.pytest.reported`). A failure shows the check and the line of the test, no frame of
quartic.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.audits.definition import Audit
    from verify.audits.field_audit import FieldAudit
    from verify.papers.printed.check import Check

# The checks of a test so far, as JSON: what a worker of pytest-xdist can send.
CHECKS: pytest.StashKey[list[str]] = pytest.StashKey()
NAMES = frozenset({"check_expansion", "check_field", "check_landscape", "check_moment", "audit_loss"})


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "derivation: checks something printed of a loss against its derivation; every test with a fixture of"
        " quartic's is one (select with -m derivation)",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that use one of the fixtures."""
    if not NAMES.isdisjoint(getattr(item, "fixturenames", ())):
        item.add_marker("derivation")


@pytest.fixture
def check_expansion(request: pytest.FixtureRequest) -> Callable[..., Check]:
    """Hold a printed expansion against that of a loss: ``check_expansion(loss, "-Tr[W A0 W^T] + …", order=4)``.

    The loss is a derive.Loss, a torch function loss(z1, z2) or a TARGET such as "infonce"; the print is text, LaTeX,
    SymPy, JSON, a path or a derive.Expansion. See verify.papers.printed.check_expansion.
    """

    def check(loss: Any, printed: Any, **options: Any) -> Check:
        __tracebackhide__ = True

        def run() -> Check:
            from verify.papers.printed.expansion import check_expansion as checked

            return checked(loss, printed, **options)

        return _left_with(request.node, "expansion", loss, printed, run)

    return check


@pytest.fixture
def check_landscape(request: pytest.FixtureRequest) -> Callable[..., Check]:
    """Hold B and collapse conditions against a loss: ``check_landscape(loss, B="A0", dimensional="never")``.

    See verify.papers.printed.check_landscape.
    """

    def check(loss: Any, **stated: Any) -> Check:
        __tracebackhide__ = True

        def run() -> Check:
            from verify.papers.printed.landscape import check_landscape as checked

            return checked(loss, **stated)

        printed = "; ".join(f"{name}: {stated[name]}" for name in ("B", "dimensional", "complete") if name in stated)
        return _left_with(request.node, "landscape", loss, printed, run)

    return check


@pytest.fixture
def check_field(request: pytest.FixtureRequest) -> Callable[..., Check]:
    """Hold a printed field against what training follows: ``check_field(loss, "dW/dt = W A0 - W Sigma")``.

    It is that of a loss with stopped views, or of code in torch: a module, or (loss, predictor). The print is text,
    LaTeX or the name of a field, "simsiam". See verify.papers.printed.check_field.
    """

    def check(subject: Any, printed: str, **options: Any) -> Check:
        __tracebackhide__ = True

        def run() -> Check:
            from verify.papers.printed.field import check_field as checked

            return checked(subject, printed, **options)

        return _left_with(request.node, "field", subject, printed, run)

    return check


@pytest.fixture
def check_moment(request: pytest.FixtureRequest) -> Callable[..., Check]:
    """Hold a printed identity against a moment: ``check_moment("Var(|f(x)|^2)", "2 Tr[(W Sigma W^T)^2]")``.

    The moment is text or an expression, the print its right-hand side in text or LaTeX. See
    verify.papers.printed.check_moment.
    """

    def check(of: Any, printed: Any, **options: Any) -> Check:
        __tracebackhide__ = True

        def run() -> Check:
            from verify.papers.printed.moment import check_moment as checked

            return checked(of, printed, **options)

        return _left_with(request.node, "moment", of, printed, run)

    return check


@pytest.fixture
def audit_loss(request: pytest.FixtureRequest) -> Callable[..., Audit | FieldAudit | BlackBoxAudit]:
    """Run the whole audit of a loss, and fail where it refutes what was derived.

    It is called as in ``audit = audit_loss(loss, train=False)``.
    The loss is a derive.Loss, a field, a torch function or a TARGET; options are those of verify.audit. The audit
    is returned, so that a test may ask more of it: ``assert audit.verdict == "holds"``.
    """

    def audit(loss: Any, **options: Any) -> Audit | FieldAudit | BlackBoxAudit:
        __tracebackhide__ = True
        found: list[Audit | FieldAudit | BlackBoxAudit] = []

        def run() -> Check:
            from verify.papers.printed.audited import audited

            check, whole = audited(loss, **options)
            found.append(whole)
            return check

        _left_with(request.node, "audit", loss, "", run)
        return found[0]

    return audit


def _left_with(
    node: pytest.Item,
    kind: Literal["expansion", "landscape", "audit", "moment", "field"],
    loss: Any,
    printed: Any,
    run: Callable[[], Check],
) -> Check:
    """Run a check and leave it with the test, whatever comes of it."""
    __tracebackhide__ = True
    from derive import InputError
    from verify.papers.printed.check import Check, ContradictedError

    try:
        found = run()
    except ContradictedError as error:
        _leave(node, error.check)
        raise error.with_traceback(None) from None
    except InputError as error:
        name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__))
        said = printed if isinstance(printed, str) else type(printed).__name__
        _leave(node, Check(kind, str(name), said, "", ("", ""), (), (), "not-run", str(error)))
        raise error.with_traceback(None) from None
    _leave(node, found)
    return found


def _leave(node: pytest.Item, check: Check) -> None:
    node.stash.setdefault(CHECKS, []).append(json.dumps(check.to_json(), ensure_ascii=False))
