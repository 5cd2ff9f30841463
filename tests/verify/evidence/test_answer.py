"""The answer of an audit: what is kept and what is lost, in a sentence, and a colour that never lies."""

from types import SimpleNamespace

import numpy as np
import pytest

from derive import (
    CATALOGUE,
    Loss,
    Mean,
    SecondMoment,
    catalogue,
    diagonal_sum,
    exp,
    half_sq,
    inner,
    log,
    symbols,
    views,
)
from derive.landscape.summary import described
from verify.evidence.answer import (
    FIXED_NORM,
    WHOLE,
    Answer,
    cut_short,
    in_light_of,
    of_comparison,
    of_landscape,
    undetermined,
    without_expansion,
)
from verify.routes.reopening.collapsed_modes import Collapsed
from verify.routes.reopening.transition import Crossing

N, tau = symbols("N tau")
x, x_pos, chi = views("x, x_pos, chi")
DCL = Loss(-inner(x, x_pos) / tau + log((N - 1) * Mean(exp(inner(x, chi) / tau), over=chi, count=N - 1)))
UNBOUNDED = "Unbounded below: the loss falls to −∞ as W grows, and has no minimum."
UNHELD = "Through order 4 nothing holds W back: that landscape falls to −∞ and has no minimum."
COLLAPSES = "ollapses completely: W = 0 is the minimum."


def answer(loss, known=True, **options):
    loss = catalogue(loss) if isinstance(loss, str) else loss
    return of_landscape(described(loss if known else None, loss.expand(order=4), options.pop("limit", None)), **options)


@pytest.mark.parametrize(
    ("loss", "text", "tone"),
    [
        ("infonce", "Keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely.", "keeps"),
        (
            "ntxent",
            "Through order 4, it keeps every mode with λ_i > 0, whatever the augmentation; never collapses completely.",
            "keeps",
        ),
        ("supcon", "Collapses completely: W = 0 is the minimum, and B = 0 draws no mode from it.", "loses"),
        (
            "beta-infonce",
            "Loses mode i where β + λ_i - 1 ≤ 0, and collapses completely where that holds for all i.",
            "open",
        ),
        (
            "infonce+weight-decay",
            "Loses mode i where a_i - γ ≤ 0, and collapses completely where that holds for all i.",
            "open",
        ),
        (
            "vicreg",
            (
                "Through order 4, it loses modes under a condition (below); collapses completely where"
                " 2 d1 sqrt(ε) λ λ_i - 2 d1 sqrt(ε) λ + μ ≤ 0 for all i."
            ),
            "open",
        ),
        # Always, in one way or the other.
        (
            "vicreg-soft",
            ("Always loses modes: one mode alone is kept; collapses completely where c κ + λ λ_i - λ ≤ 0 for all i."),
            "loses",
        ),
        (Loss(half_sq(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi)), f"C{COLLAPSES}", "loses"),
        (Loss(half_sq(x, x_pos)), f"C{COLLAPSES}", "loses"),
        # No minimum.
        (Loss(-inner(x, x_pos)), UNBOUNDED, "loses"),
        (DCL.set({"N": 2}), UNBOUNDED, "loses"),
        (Loss(inner(x, x_pos) - inner(x, x_pos) ** 2), UNBOUNDED, "loses"),
        (
            Loss(-inner(x, x_pos) + Mean(inner(x, chi) ** 2, over=chi) - Mean(inner(x, x), over=x) ** 2 / 2),
            (
                "Which modes are kept is not determined: products of traces couple the modes in a way that may leave"
                " several minima; unbounded below where min(d0, d1) >= 2."
            ),
            "open",
        ),
        # Somewhere: no green.
        (
            "dcl",
            (
                "Through order 4, it keeps every mode with λ_i > 0, whatever the augmentation; never collapses"
                " completely; unbounded below where -λ_i/τ + sqrt(2) M(N - 1, 2, λ_i)/(sqrt(pi) τ) < 0 for some i."
            ),
            "open",
        ),
        (Loss(inner(x, x) ** 3), f"Through order 6, it c{COLLAPSES}", "loses"),
        (
            Loss(-inner(x, x_pos) + inner(x, x) ** 3),
            "Which modes are kept is not determined: how the terms of order 6 couple the modes is not analysed.",
            "open",
        ),
    ],
)
def test_a_landscape_has_its_answer(loss, text, tone):
    assert answer(loss) == Answer(text, tone)


def test_what_is_known_of_complete_collapse_is_said_beside_what_is_not():
    """Two sums over coordinates pull against each other; all terms of order 4 grow, and W = 0 is not a minimum."""
    P, S = SecondMoment(x, x_pos), SecondMoment(x, x)
    sums = diagonal_sum(lambda i: P[i, i] ** 2) + 2 * diagonal_sum(lambda i: S[i, i] ** 2)
    said = answer(Loss(-inner(x, x_pos) + sums + Mean(inner(x, chi) ** 2, over=chi)))
    assert said == Answer("Never collapses completely; which modes are kept is not determined.", "open")


def test_a_condition_that_does_not_fit_is_left_to_the_lines_below():
    d = symbols("d")
    said = answer(Loss(-d * inner(x, x_pos) + log((N - 1) * Mean(exp(inner(x, chi)), over=chi, count=N - 1))))
    assert said.text.endswith("unbounded below under a condition (below).")


def test_of_an_expansion_alone_it_is_said_that_nothing_holds_it_back():
    """A torch function has no definition whose growth is known: what was measured of it follows."""
    falling = Loss(-2 * inner(x, x_pos))
    assert answer(falling, known=False) == Answer(UNHELD, "loses")
    measured = answer(falling, known=False, growth="Measured along a ray, it falls like −t².")
    assert measured.text == "Unbounded below, and has no minimum. Measured along a ray, it falls like −t²."
    assert answer(falling, known=False).text != answer(Loss(half_sq(x, x_pos)), known=False).text


def test_a_loss_that_always_falls_can_be_written_out():
    here = DCL.set({"N": 2})
    assert (
        dict(described(here, here.expand(order=4)).lines())["from below"] == "unbounded; R < 0 for every W of one row"
    )


def test_what_was_replaced_is_said():
    text = answer("infonce+norm-penalty", known=False, limit="kappa", scope=FIXED_NORM).text
    assert text.startswith("With E|f|² = c fixed, the model of what was replaced, through order 4, it loses mode")
    assert "never collapses completely" in text


@pytest.mark.parametrize("name", [*CATALOGUE, *(f"{one}+weight-decay" for one in ("infonce", "siglip", "ntxent"))])
def test_an_answer_is_short_and_green_only_where_nothing_is_lost(name):
    found = described(catalogue(name), catalogue(name).expand(order=4))
    said = of_landscape(found)
    assert len(said.text) <= WHOLE
    assert said.text.endswith(".")
    never = found.collapse.dimensional is not None and found.collapse.dimensional.text() == "never"
    assert (said.tone == "keeps") is (never and found.recession.verdict not in ("unbounded", "depends"))


def collapsed(*values, change, drifts=""):
    """What a measurement of three strengths says, in place of one."""
    points = {
        s: SimpleNamespace(
            value=value, verdict="undecided" if value == 0 else "stays collapsed" if value > 0 else "reopens"
        )
        for s, value in zip((0.1, 0.3, 1.0), values, strict=True)
    }
    return SimpleNamespace(points=points, change=change, drifts=drifts, theory=None)


ABSENT = Crossing(np.nan, np.nan, "the curvature is positive at both 0.1 and 1", absent=True)
FOUND = Crossing(0.31, 0.01)


@pytest.mark.parametrize(
    ("found", "text", "tone"),
    [
        (
            collapsed(0.1, 0.2, 0.3, change=ABSENT),
            (
                "Collapses: a mode that is lost stays lost at every augmentation measured, σ = 0.1, 0.3 and 1."
                " Has no expansion at W = 0."
            ),
            "loses",
        ),
        (
            collapsed(-0.1, -0.2, -0.3, change=ABSENT),
            (
                "Keeps modes: one that is lost reopens at every augmentation measured, σ = 0.1, 0.3 and 1."
                " Has no expansion at W = 0."
            ),
            "keeps",
        ),
        (
            collapsed(-0.1, 0.0, 0.3, change=FOUND),
            (
                "Has no expansion at W = 0; a collapsed mode stays collapsed for σ ≥ 0.310 ± 0.010, measured, and"
                " reopens below."
            ),
            "open",
        ),
        (
            collapsed(0.1, 0.0, -0.3, change=FOUND),
            (
                "Has no expansion at W = 0; a collapsed mode stays collapsed for σ ≤ 0.310 ± 0.010, measured, and"
                " reopens above."
            ),
            "open",
        ),
        (
            collapsed(0.1, 0.0, 0.3, change=Crossing(np.nan, np.nan, "noise")),
            "Has no expansion at W = 0; whether a lost mode stays lost is not determined: noise.",
            "open",
        ),
        (
            collapsed(0.1, 0.2, 0.3, change=ABSENT, drifts="W is not stationary"),
            "Has no expansion at W = 0; whether a lost mode stays lost is not determined: W is not stationary.",
            "open",
        ),
    ],
)
def test_a_loss_without_an_expansion_has_its_answer(found, text, tone):
    assert Collapsed.answer.fget(found) == Answer(text, tone)


def test_what_was_not_measured_is_said():
    said = without_expansion("homogeneous", "torch is not installed")
    assert said == Answer(
        "Has no expansion at W = 0 (homogeneous); which modes are kept is not determined: torch is not installed.",
        "open",
    )
    assert without_expansion("undecided").text.startswith("Whether it has an expansion at W = 0 is not determined")
    assert len(undetermined("word " * 100).text) <= WHOLE


def test_code_that_is_not_the_definition_is_no_green():
    lines = ["the code's is twice the definition's", "another"]
    said = of_comparison("the definition", agrees=False, lines=lines, tone="keeps")
    assert said == Answer("The code is not the definition: the code's is twice the definition's.", "loses")
    assert of_comparison("byol", agrees=None, lines=[], tone="keeps").tone == "open"
    assert of_comparison("byol", agrees=True, lines=["equal"], tone="loses").tone == "loses"


@pytest.mark.parametrize(
    ("verdict", "tones"),
    [
        ("holds", ["keeps", "loses", "open"]),
        ("undecided", ["open", "loses", "open"]),
        ("not-run", ["open", "loses", "open"]),
        ("refuted", ["open", "open", "open"]),
    ],
)
def test_only_what_was_checked_is_green(verdict, tones):
    assert [
        in_light_of(Answer("…", tone), "the derivation", verdict).tone for tone in ("keeps", "loses", "open")
    ] == tones
    refuted = in_light_of(Answer("Keeps all.", "keeps"), "the derivation", "refuted").text
    assert refuted == "Which modes are kept is not determined: the derivation is refuted."


def test_where_an_answer_is_cut_does_not_hang_on_a_name():
    name, sentence = "a_very_long_name", "Loses modes where " + "x + " * 60 + "1 ≤ 0."
    cut = cut_short(sentence)
    assert cut.endswith(" …")
    assert len(cut) <= WHOLE
    assert cut_short(sentence.replace("x", name), [symbols(name)]) == cut.replace("x", name)
