"""Every print of `prints.txt` gets the verdict that is true of it, or is refused at its place.

The losses that are not of the catalogue have expansions worked out by hand: S = W Σ Wᵀ, A = W A0 Wᵀ, and Isserlis'
theorem for the moments of Gaussian data.
"""

from pathlib import Path

import pytest

from derive import InputError, Loss, Mean, SecondMoment, diagonal_sum, half_sq, inner, off_diagonal_sum, symbols, views
from derive.definition.tokens import PlaceError
from verify.papers.printed import ContradictedError, check_expansion, check_landscape
from verify.papers.printed.subject import Definition

nu, tau = symbols("nu tau")
x, x_pos, chi = views("x, x_pos, chi")
A, S = SecondMoment(x, x_pos), SecondMoment(x, x)

LOSSES = {
    # Tr S − Tr A = Tr[W C Wᵀ]
    "alignment": Loss(half_sq(x, x_pos), name="alignment"),
    # (Tr S)² + 2 Tr S²
    "fourth": Loss(inner(x, x) ** 2, name="fourth"),
    # (Tr A)² + Tr A² + Tr S²
    "pair": Loss(inner(x, x_pos) ** 2, name="pair"),
    # (Tr S)² − Tr A / τ
    "size": Loss(Mean(inner(x, x), over=x) ** 2 - inner(x, x_pos) / tau, name="size"),
    # d1 − 2 Tr A + Σ A_ii² + ν (Tr S² − Σ S_ii²)
    "hybrid": Loss(
        diagonal_sum(lambda i: (1 - A[i, i]) ** 2) + nu * off_diagonal_sum(lambda i, j: S[i, j] ** 2), name="hybrid"
    ),
    # Σ_{i≠j} A_ij S_ij = Tr[A S] − Σ A_ii S_ii
    "crossed": Loss(off_diagonal_sum(lambda i, j: A[i, j] * S[i, j]), name="crossed"),
    # E[(f·χ)² (f·f′)], over χ and x: Tr A Tr S² + 2 Tr[A S²]
    "sextic": Loss(Mean(inner(x, chi) ** 2, over=chi) * inner(x, x_pos), name="sextic"),
    # E[(f·S f′)²], S = E[χχᵀ] seen through f: (Tr[A S])² + Tr[(A S)²] + Tr S⁴
    "octic": Loss(Mean(inner(x, chi) * inner(chi, x_pos), over=chi) ** 2, name="octic"),
    # |b|² + Tr S, and (b·b + Tr A)² by two independent data
    "biased": Loss(inner(x, x) + Mean(inner(x, x_pos), over=(x, x_pos)) ** 2, name="biased").with_bias(),
}


def prints():
    """The rows: of what, the mark, why it is wrong, the text."""
    of = ""
    for number, line in enumerate(Path(__file__).with_name("prints.txt").read_text("utf-8").splitlines(), 1):
        if line.startswith("# "):
            of = line[2:]
        elif line[:2] in ("= ", "! ", "? ") and of:
            mark, text = line[0], line[2:]
            why, text = text.split(" | ", 1) if mark == "!" else ("", text)
            yield pytest.param(of, mark, text, id=f"{number}-{of}-{mark}{why}")


@pytest.fixture(autouse=True, scope="module")
def measured_once():
    """What is derived of a loss, and measured, is so once for all prints of it."""
    expanded, kept = Definition.expanded, {}

    def once(self, order, given):
        key = (self.loss.name, self.sampling, self.seed, order, tuple(sorted(given.items())))
        if key not in kept:
            kept[key] = expanded(self, order, given)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Definition, "expanded", once)
        yield


def verdict(of, text):
    """The verdict on a print of "LOSS: B" or "LOSS N=4"."""
    name, _, part = of.partition(": ")
    name, *values = name.split()
    given = dict(one.split("=") for one in values)
    loss = LOSSES.get(name, name)
    try:
        if part:
            return check_landscape(loss, **{part: text}, given=given).verdict
        return check_expansion(loss, text, given=given).verdict
    except ContradictedError as error:
        return error.check.verdict


@pytest.mark.parametrize(("of", "mark", "text"), list(prints()))
def test_a_print(of, mark, text):
    if mark != "?":
        assert verdict(of, text) == {"=": "holds", "!": "refuted"}[mark]
        return
    place = text.index("¦")
    with pytest.raises(InputError) as refused:
        verdict(of, text.replace("¦", ""))
    assert isinstance(refused.value, PlaceError), refused.value
    assert refused.value.start == place
    *_, shown, caret = str(refused.value).splitlines()
    assert text[place + 1 :].startswith(shown[len(caret) - 1 :].removesuffix(" …"))


def test_there_are_enough_of_each():
    marks = [row.values[1] for row in prints()]
    assert len(marks) >= 200
    assert min(marks.count(one) for one in "=!?") >= 50
