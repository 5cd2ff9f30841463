"""``quartic modes``: what it prints, and one sentence for each input that cannot be used."""

import json

import numpy as np
import pytest

from derive import CATALOGUE, Rational, catalogue
from verify import modes
from verify.reports.kept_modes import section


@pytest.fixture
def refused(run):
    def sentence(*arguments):
        status, out, err = run("modes", *arguments)
        assert (status, out) == (2, "")
        assert len(err.strip().splitlines()) == 1
        return err.strip()

    return sentence


def test_a_row_for_each_mode_in_the_order_given(run):
    status, out, err = run("modes", "beta-infonce", "--correlations", "0.1,0.9", "--set", "beta=1/2")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "β-InfoNCE (population), beta = 1/2: keeps 1 of 2 modes"
    assert lines[2].split() == ["0.1", "0", "no", "-0.4"]
    assert lines[3].split() == ["0.9", "2.26556", "yes", "+0.4"]
    assert "threshold   λ = 0.5" in out


def test_latex_is_the_section_of_the_report(run, refused):
    status, out, err = run("modes", "spectral", "--correlations", "0.9,0.1", "--latex")
    assert (status, err) == (0, "")
    assert out.strip() == section(modes(catalogue("spectral"), [Rational(9, 10), Rational(1, 10)]))
    said = refused("spectral", "--correlations", "0.9", "--latex", "--json")
    assert said == "quartic: --json does not go with --latex; leave it out"


def test_json_has_the_keys_of_the_reference(run):
    status, out, _ = run("modes", "infonce", "--correlations", "0.9,0.5,0.1", "--json")
    found = json.loads(out)
    assert (status, found["theory"], found["threshold"], found["rank"]) == (0, "all-orders", None, 3)
    assert [one["correlation"] for one in found["modes"]] == [0.9, 0.5, 0.1]
    assert [one["margin"] for one in found["modes"]] == [0.9, 0.5, 0.1]
    # h = 4 λ/(3 − 4 λ + √(9 − 8 λ)): the golden ratio less one at λ = ½.
    assert found["modes"][1]["power"] == pytest.approx((5**0.5 - 1) / 2)
    assert 0 < found["error"] < 1e-12


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_loss_of_the_catalogue_answers(name, run):
    status, out, err = run("modes", name, "--correlations", "0.9,0.5,0.1", "--json")
    assert (status, err) == (0, "")
    assert len(json.loads(out)["modes"]) == 3


def test_correlations_may_stand_in_a_file(run, tmp_path):
    text, numbers = tmp_path / "lam.csv", tmp_path / "lam.npy"
    text.write_text("# of my features\n0.9, 1/2\n0.25\n", "utf-8")
    np.save(numbers, np.array([0.9, 0.5, 0.25]))
    listed = run("modes", "spectral", "--correlations", "0.9,0.5,0.25")
    assert run("modes", "spectral", "--correlations", str(text)) == listed
    assert run("modes", "spectral", "--correlations", str(numbers)) == listed


def test_covariances_in_place_of_correlations(run, tmp_path):
    a, c = tmp_path / "a.csv", tmp_path / "c.csv"
    np.savetxt(a, np.diag([1.0, 0.2]), delimiter=",")
    np.savetxt(c, np.diag([1.0, 1.0]), delimiter=",")
    arguments = ["infonce+weight-decay", "--A0", str(a), "--C", str(c), "--set", "gamma=1/2", "--json"]
    status, out, _ = run("modes", *arguments)
    found = json.loads(out)
    assert status == 0
    # b = λ − γ/s: ½ − ¼ and 1/6 − 5/12.
    assert [one["kept"] for one in found["modes"]] == [True, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--correlations", "1.2"], "1.2 lies outside of 0 to 1"),
        (["--correlations", "0.5,-0.1"], "-0.1 lies outside of 0 to 1"),
        (["--correlations", ""], "give numbers from 0 to 1"),
        (["--correlations", "nan"], "give numbers from 0 to 1"),
        (["--correlations", "high"], "give numbers from 0 to 1"),
        (["--correlations", "0.5,,0.1"], "give numbers from 0 to 1"),
        (["--correlations", "missing.npy"], "missing.npy holds no list of numbers"),
        ([], "no correlations are given"),
        (["--correlations", "0.5", "--set", "tau=1"], "no parameter 'tau'"),
        (["--correlations", "0.5", "--d1", "0"], "d1 = 0 is not a number of rows"),
        (["--correlations", "0.5", "--A0", "a.csv"], "--A0 and --C go together"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, said, refused):
    assert said in refused("infonce", *arguments)


def test_files_that_hold_no_correlations_are_refused(refused, tmp_path):
    words, square, empty = tmp_path / "words.txt", tmp_path / "square.npy", tmp_path / "empty.txt"
    words.write_text("0.5\nhigh\n", "utf-8")
    np.save(square, np.eye(2))
    empty.write_text("# nothing\n", "utf-8")
    assert "line 2: 'high' is not an exact number" in refused("infonce", "--correlations", str(words))
    assert "shape (2, 2)" in refused("infonce", "--correlations", str(square))
    assert "no correlations" in refused("infonce", "--correlations", str(empty))
    made = np.array([{}], dtype=object)
    np.save(square, made, allow_pickle=True)
    assert "holds no list of numbers" in refused("infonce", "--correlations", str(square))


def test_losses_that_need_more_than_correlations_are_refused(refused, tmp_path):
    assert "--A0 FILE --C FILE" in refused("infonce+weight-decay", "--correlations", "0.5")
    assert "no expansion at W = 0" in refused("vicreg+normalised", "--correlations", "0.5")
    assert "because of weight decay" in refused("spectral+two-encoders+weight-decay", "--correlations", "0.5")
    assert "seen in two ways" in refused("infonce", "--correlations", "0.5", "--law", "unequal")
    file = tmp_path / "mine.py"
    file.write_text("def loss(z1, z2):\n    return ((z1 - z2) ** 2).sum()\n", "utf-8")
    assert "depends on the lengths of its features" in refused(f"{file}:loss", "--correlations", "0.5")
    file.write_text(
        "def loss(z1, z2):\n    return -((z1 - z1.mean(0)) / z1.std(0) * (z2 / z2.std(0))).sum(1).mean()\n", "utf-8"
    )
    assert "normalises its features over the batch" in refused(f"{file}:loss", "--correlations", "0.5")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--correlations", "0.9,1.5"], "outside of 0 to 1"),
        (["--correlations", "0.9,0.2", "--set", "tau=0"], "tau = 0: tau of infonce+normalised is positive"),
        (["--correlations", "0.9,0.2", "--set", "tau=-1/5"], "tau = -1/5: tau of infonce+normalised is positive"),
        ([], "no correlations are given"),
    ],
)
def test_a_loss_of_unit_vectors_with_bad_input_gets_one_sentence(refused, arguments, said):
    assert said in refused("infonce+normalised", *arguments)


def test_the_shares_of_a_loss_of_unit_vectors_add_to_one(run):
    status, out, _ = run("modes", "infonce+normalised", "--correlations", "0.9,0.1", "--json", "--quiet")
    found = json.loads(out)
    assert status == 0
    assert found["theory"] == "sphere"
    assert found["set"] == {"tau": "1"}
    assert sum(one["power"] for one in found["modes"]) == pytest.approx(1)
    assert {"loss", "set", "theory", "threshold", "rank", "modes", "assumptions", "error"} <= found.keys()
