"""An audit as a check: it fails where the audit refutes the loss's expansion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive import InputError, Loss
from derive.definition.notation import LATEX
from derive.fields.section import aligned
from derive.fields.training import Dynamics
from verify.audits.definition import audit
from verify.audits.field_audit import FieldAudit
from verify.audits.target import find_target
from verify.papers.printed.check import Check, ContradictedError
from verify.papers.printed.subject import exact

if TYPE_CHECKING:
    from verify.audits.blackbox.audit import BlackBoxAudit
    from verify.audits.definition import Audit


def audited(loss: object, **options: Any) -> tuple[Check, Audit | FieldAudit | BlackBoxAudit]:
    """Audit a loss.

    Args:
        loss: a `derive.Loss`, a torch function ``loss(z1, z2)``, or a TARGET as on the command line.
        options: of `verify.audit`; values in ``given`` may be text, such as "1/10".

    Returns:
        the check and the audit.

    Raises:
        ContradictedError: the audit's verdict is ``refuted``.
        InputError: an unusable loss or option.

    """
    found: Any = find_target(loss) if isinstance(loss, str) else loss
    if not (isinstance(found, Loss | Dynamics | tuple) or callable(found)):
        message = f"a loss is a derive.Loss, a torch function or a TARGET such as 'infonce', not {type(found).__name__}"
        raise InputError(message)
    if "given" in options:
        options["given"] = exact(options["given"])
    whole: Any = audit(found, **options)
    expansion = whole.expansion
    name = whole.loss.name if hasattr(whole, "loss") else whole.box.name
    against = [one for one in whole.evidence if one.ran and one.agrees is False]
    reason = f"{against[0].route}, {against[0].quantity}" if against else ""
    latex = ("", expansion.latex() if expansion else "")
    derived = expansion.text() if expansion else "no expansion at W = 0"
    if isinstance(whole, FieldAudit):
        latex, derived = ("", aligned(whole.field.lines(LATEX))), whole.field.text()
    check = Check("audit", name, "", derived, latex, (), whole.evidence, whole.verdict, reason)
    if check.verdict == "refuted":
        raise ContradictedError(check)
    return check, whole
