"""What the paper prints of the loss. Run with pytest; pytest --derivation-report report.html writes a page of it."""

import my_loss

PRINTED = r"""
    -\frac{1}{\tau} \operatorname{Tr}[W A_0 W^{\top}]
    + \frac{N - 2}{2 \tau^{2} (N - 1)} \operatorname{Tr}[(W \Sigma W^{\top})^{2}]
"""


def test_the_expansion(check_expansion):
    check_expansion(my_loss.loss, PRINTED, order=4)


def test_the_limit_of_many_negatives(check_expansion):
    check_expansion(my_loss.loss, "-Tr[W A0 W^T]/tau + Tr[(W Sigma W^T)^2]/(2 tau^2)", given={"N": "oo"})


def test_the_landscape(check_landscape):
    check_landscape(my_loss.loss, B="A0/tau", dimensional="never", complete="never", given={"N": 8})


def test_the_code(check_expansion):
    check_expansion(my_loss.code, PRINTED, order=4, given={"tau": "1/2"})


def test_the_audit(audit_loss):
    assert audit_loss(my_loss.loss, train=False).verdict == "holds"
