"""`quartic stuck` and `--stuck-at`: what has a value at collapse, how closely, and when nothing has."""

import json
import math

import numpy as np
import pytest
import sympy
import torch
import torch.nn.functional as F
from click.testing import CliRunner

from derive import InputError, catalogue
from verify.audits.blackbox.adapters import labels
from verify.audits.blackbox.collapsed import collapsed_values, recognised
from verify.audits.blackbox.stuck import function_stuck
from verify.audits.stuck import Candidate, candidates_of, published_candidates, read_level, stuck_at
from verify.command.cli import quartic
from verify.truths.function import BlackBox

CANDIDATES = published_candidates()


def found(text, **options):
    return stuck_at(text, CANDIDATES, **options)


@pytest.mark.parametrize(
    ("value", "title", "settings"),
    [
        (math.log(511) / 0.7, "SupCon", {"N": 256, "tau": 0.1, "tau_base": 0.07}),
        (math.log(1023), "NT-Xent (SimCLR)", {"N": 512}),
        (math.log(128), "CLIP", {"N": 128}),
        (math.log(65537), "MoCo, a queue of K", {"K": 65536}),
        (math.log(3000), "DINO or SwAV (K prototypes)", {"K": 3000}),
        (math.log(510), "DCL", {"N": 256}),
        (0.8 * math.log(512), "MoCo v3", {"N": 512, "tau": 0.2}),
        (64 * math.log(2), "SigLIP", {"N": 64}),
        (24.75, "VICReg", {}),
        (8192.0, "Barlow Twins", {"d1": 8192}),
        (-1.0, "SimSiam", {}),
    ],
)
def test_collapsed_trainings_are_recognised(value, title, settings):
    first = found(f"{value:.6f}").fits[0]
    assert title in first.candidate.titles
    assert first.settings == pytest.approx(settings)
    assert abs(first.off) < 1e-6


def test_a_kept_rank_of_one_is_found_with_its_temperature():
    z = F.normalize(torch.ones(256, 2, dtype=torch.float64)) * (torch.arange(256)[:, None] % 2 * 2 - 1)
    value = float(F.cross_entropy(z @ z.T / 0.5, torch.arange(256)))
    fits = [fit for fit in found(f"{value:.7f}").fits if fit.candidate.state == "kept rank 1"]
    assert fits[0].settings == {"N": 256, "tau": 0.5}


def test_common_settings_come_first_and_ambiguity_is_said():
    several = found("11.09")
    ranks = [fit.rank for fit in several.fits]
    assert ranks == sorted(ranks)
    assert "more than one explanation" in several.answer
    assert all(abs(fit.value - 11.09) <= 0.005 * 1.001 for fit in several.fits if not fit.cut)


def test_nothing_fits_is_said():
    none = found("3.14159265")
    assert none.fits == ()
    assert none.answer.startswith("Nothing fits 3.14159265")
    # One more digit of what does fit, and wrong.
    assert found("8.90912").fits == () or found("8.90912").fits[0].rank > found("8.90910").fits[0].rank


def test_chance_is_what_random_numbers_show():
    several = found("4.37")
    rank = several.fits[0].rank
    drawn = np.random.default_rng(0).uniform(3.9, 4.9, 20).round(2)
    hits = np.mean([sum(fit.rank <= rank for fit in found(f"{value:.2f}").fits) for value in drawn])
    assert several.chance == pytest.approx(hits, rel=0.5)
    assert hits > 1


def test_a_common_batch_comes_first_though_the_number_was_cut_off():
    """log 511 = 6.2364 is logged as 6.24, or as 6.23 where digits are cut off."""
    own = candidates_of(catalogue("ntxent+normalised"))
    for text, cut in (("6.23", True), ("6.24", False), ("6.236", False)):
        first = stuck_at(text, own).fits[0]
        assert (first.settings, first.candidate.state, first.cut) == ({"N": 256}, "all outputs equal", cut)
        assert ("cut off" in first.lines()[1]) is cut
    # With a tolerance of one's own nothing is cut, and numbers below the value that is looked for are not.
    assert not any(fit.cut for fit in stuck_at("6.23", own, within=0.005).fits)
    assert all(0.005 < fit.off < 0.01 for fit in stuck_at("6.23", own).fits if fit.cut)
    assert "more than one explanation" in found("6.23").answer
    sizes = [fit.settings["N"] for fit in stuck_at("6.23", own, within=0.005).fits if "τ" not in fit.where()]
    assert sizes[:2] == [254, 255]


def test_digits_of_a_negative_number_are_cut_off_towards_zero():
    half = Candidate(("mine",), "all outputs equal", sympy.Float(-6.2364))
    assert [fit.cut for fit in stuck_at("-6.23", [half]).fits] == [True]
    assert stuck_at("-6.25", [half]).fits == ()


def test_what_is_known_narrows_it():
    fits = found("5.545", given={"N": catalogue("dcl").parameters["N"] * 0 + 16}).fits
    assert fits
    assert all(fit.settings.get("N", 16) == 16 for fit in fits)


def test_a_definition_of_ones_own():
    first = stuck_at("6.23637", candidates_of(catalogue("ntxent+normalised"))).fits[0]
    assert (first.settings, first.candidate.state) == ({"N": 256}, "all outputs equal")
    with pytest.raises(InputError, match="depends on epsilon: give it, --set epsilon="):
        stuck_at("3", candidates_of(catalogue("vicreg")))
    with pytest.raises(InputError, match="has no value at collapse that is a number"):
        candidates_of(catalogue("vicreg+normalised"))


@pytest.mark.parametrize("text", ["hello", "nan", "inf", "", "1e400", "__import__('os')"])
def test_no_number_is_refused(text):
    with pytest.raises(InputError, match=r"^['\"].* is not a value of a loss; write a number as it is logged"):
        read_level(text)


def supcon(embeddings, of_class, temperature=0.1):
    z = F.normalize(embeddings, dim=1)
    own = torch.eye(len(z), dtype=torch.bool)
    logits = (z @ z.T / temperature).masked_fill(own, -torch.inf)
    same = (of_class[:, None] == of_class) & ~own
    chosen = (logits - logits.logsumexp(1, keepdim=True))[same]
    return -(temperature / 0.07) * chosen.mean()


def test_a_torch_function_is_told_with_its_batch_and_temperature():
    first = function_stuck(supcon, "8.909", adapter="labels").fits[0]
    assert first.candidate.titles == ("supcon",)
    assert first.settings == {"N": 256}
    other = function_stuck(supcon, f"{0.5 / 0.07 * math.log(1023):.5f}", adapter="labels").fits[0]
    assert other.candidate.titles == ("supcon(temperature=0.5)",)
    assert other.settings == {"N": 512}
    assert function_stuck(supcon, "7.7712345", adapter="labels").fits == ()
    with pytest.raises(InputError, match="takes no 'alpha'; what can be set: temperature, N"):
        function_stuck(supcon, "1.0", adapter="labels", given={"alpha": catalogue("dcl").parameters["N"]})


def test_a_function_without_a_number_at_collapse_is_told_so():
    def by_deviation(z1, z2):
        return ((z1 - z2) / z1.std(0)).pow(2).mean()

    with pytest.raises(InputError, match="no finite value where all of its embeddings are equal"):
        function_stuck(by_deviation, "1.0")


def test_formulas_are_recognised_from_numbers():
    box = BlackBox(supcon, adapter=labels)
    equal, sides = collapsed_values(box)
    assert str(equal.formula) == "10*log(2*N - 1)/7"
    assert equal.state == "all outputs equal"
    assert str(sides.formula) == "10*log(N - 1)/7"
    sizes = range(2, 12)
    assert str(recognised({n: 2.0 * n * math.log(2 * n - 1) for n in sizes})) == "2*N*log(2*N - 1)"
    assert str(recognised({n: n * math.log(2) for n in sizes})) == "N*log(2)"
    assert str(recognised({n: 3 - n / 4 for n in sizes})) == "3 - N/4"
    # A wrong point, and too few of them.
    assert recognised({n: math.log(n) + 1e-4 * (n == 7) for n in sizes}) is None
    assert recognised({n: math.log(n) for n in range(2, 6)}) is None
    assert recognised({n: math.sqrt(n) for n in sizes}) is None


def test_the_command():
    said = CliRunner().invoke(quartic, ["stuck", "8.909"])
    assert said.exit_code == 0
    head = "8.909 is the loss of SupCon at N = 256, τ = 0.1, τ_base = 0.07 with all outputs equal."
    assert said.output.splitlines()[0] == head
    as_json = CliRunner().invoke(quartic, ["audit", "ntxent+normalised", "--stuck-at", "6.23637", "--json"])
    assert json.loads(as_json.output)["fits"][0]["settings"] == {"N": 256.0}
    assert CliRunner().invoke(quartic, ["stuck", "-1"]).output.startswith("-1 is the loss of SimSiam")
