"""The tables of docs/error_rates.md: a small part is measured again, and a survivor cannot hide in them."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import beta

pytest.importorskip("torch")

from verify.assurance.error_rates import alarms, measuring, tables
from verify.assurance.mutants import formulas, killing, landscapes

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "error_rates.md").read_text("utf-8")
TEXT = re.search(r"<!-- error-rates -->\n(.*?)<!-- /error-rates -->", PAGE, re.DOTALL).group(1)


def rows(title, text=TEXT):
    """A table of the page by its first column, cells by the header's words."""
    part = text.partition(f"### {title}\n")[2].partition("\n### ")[0]
    lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in part.splitlines() if "|" in line]
    header, _, *body = lines
    return {line[0]: dict(zip(header, line, strict=False)) for line in body}


@pytest.mark.parametrize(
    ("make", "routes"),
    [
        (lambda: killing.of_loss("spectral", routes=["symbolic", "exact", "autodiff", "remainder"]),
         ["symbolic", "exact", "autodiff", "remainder"]),
        (lambda: landscapes.of_couplings("spectral"), ["autodiff", "optimiser"]),
        (lambda: landscapes.of_lists(5), ["autodiff", "optimiser", "newton"]),
        (lambda: formulas.of_claim(measuring.claim_of("iclr:eq6")), ["symbolic", "exact", "monte-carlo"]),
    ],
    ids=["loss", "couplings", "lists", "claim"],
)  # fmt: skip
def test_a_subject_is_measured_again(make, routes):
    found = tables.subject_row(make().to_json())
    printed = rows("By subject")[found[0]]
    again = dict(zip(printed, found, strict=True))
    for column in ("mutants", "killed", "equivalent", *routes):
        assert again[column] == printed[column], column


def test_a_check_is_run_again():
    name = "sign change, 100 curves about 0"
    sweep = measuring.false_alarms()
    first = next(one for one in sweep.units if one["check"] == name)
    found = measuring.counted(**{**first, "runs": 2000})
    assert found[0] == 2000
    printed = rows("False alarms")[name]
    assert found[1] <= int(printed["alarms"])


def test_there_are_a_thousand_mutants_and_all_of_catalogue_and_ledger_are_killed():
    counts = rows("Mutants by kind of slip")["**all**"]
    assert int(counts["all"].strip("*")) >= 1000
    together = [line for line in TEXT.splitlines() if "**all but symbolic**" in line]
    assert len(together) == 3
    for line in together:
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if cells[0] in ("catalogue", "ledger"):
            assert cells[2] == cells[3], line


def test_the_page_holds_every_subject_and_every_check():
    subjects = {str(one["subject"]) for one in measuring.mutants().units}
    # Subjects that came after the tables are named below them.
    listed = " ".join([*rows("By subject"), PAGE.partition("## Laws and two kinds of views")[2]])
    assert [one for one in subjects if not re.search(rf"`(problem )?{re.escape(one)}[`, ]", listed)] == []
    assert set(rows("False alarms")) == set(alarms.CHECKS)


def test_a_survivor_is_shown_and_lowers_the_share():
    found = {
        "subject": "s",
        "mutants": {"a": ["sign", {"symbolic": "killed", "exact": "survived"}], "b": ["sign", {"exact": "killed"}]},
        "equivalent": [],
        "original": {},
    }
    judged = [({"kind": "loss", "subject": "s"}, found)]
    assert "| s | a | sign | symbolic: killed, exact: survived |" in tables.survivors(judged)
    assert "| catalogue | **all but symbolic** | 2 | 1 | 50.0% |" in tables.by_route(judged)
    found["mutants"].pop("a")
    assert tables.survivors(judged) == "None."


@pytest.mark.parametrize(("events", "runs"), [(0, 10_000), (3, 500), (500, 500)])
def test_intervals_are_those_of_clopper_and_pearson(events, runs):
    low, high = tables.interval(events, runs)
    assert low == pytest.approx(beta.ppf(0.025, events, runs - events + 1) if events else 0.0)
    assert high == pytest.approx(beta.ppf(0.975, events + 1, runs - events) if events < runs else 1.0)


def test_units_have_seeds_of_their_own():
    units = measuring.false_alarms().units
    assert len({one["seed"] for one in units}) == len(units)
    assert {one["seed"] for one in measuring.false_alarms(seed=1).units}.isdisjoint({one["seed"] for one in units})


def run(*arguments):
    command = [sys.executable, str(ROOT / "bench" / "error_rates.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def refused(monkeypatch, capsys):
    """What the script says of unusable input, run in this process."""

    def said(*arguments):
        script = str(ROOT / "bench" / "error_rates.py")
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        monkeypatch.setattr(sys, "path", [*sys.path])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(script, run_name="__main__")
        out, error = capsys.readouterr()
        assert (stop.value.code, out) == (2, "")
        return error

    return said


def test_a_quick_run_writes_no_page(refused):
    assert refused("--quick", "--write").endswith("error: --write takes the whole measurement: leave out --quick\n")


def test_an_unusable_folder_is_refused_in_a_sentence(tmp_path, refused):
    (tmp_path / "file").write_text("")
    expected = f"error_rates: cannot write to the folder {tmp_path / 'file'}: File exists\n"
    assert refused("--quick", "--out", str(tmp_path / "file")) == expected


@pytest.mark.slow
def test_a_quick_run_prints_all_tables(tmp_path):
    ran = run("--quick", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    again = run("--quick", "--out", str(tmp_path))
    assert again.stdout == ran.stdout
    titles = re.findall(r"^### (.*)$", ran.stdout, re.MULTILINE)
    mutants = ["Mutants by kind of slip", "What each route kills", "Survivors", "By subject"]
    assert titles == [*mutants, "False alarms", *mutants]


LAWS = re.search(r"<!-- error-rates-laws -->\n(.*?)<!-- /error-rates-laws -->", PAGE, re.DOTALL).group(1)


@pytest.mark.parametrize(("subject", "law"), [("spectral", "mean"), ("spectral+two-encoders", "")])
def test_a_subject_of_a_law_and_of_two_encoders_is_measured_again(subject, law):
    routes = ["exact", "autodiff", "remainder"]
    found = killing.of_loss(subject, routes=routes, law=measuring.LAWS.get(law, measuring.GAUSSIAN)).to_json()
    row = tables.subject_row(found | {"subject": f"{subject}, {law}" if law else subject})
    printed = rows("By subject", LAWS)[row[0]]
    again = dict(zip(printed, row, strict=True))
    for column in ("mutants", "killed", "equivalent", *routes):
        assert again[column] == printed[column], column


def test_every_law_and_both_kinds_of_views_are_on_the_page_and_no_mutant_survives():
    listed = rows("By subject", LAWS)
    expected = {f"`{name}, {law}`" if law else f"`{name}`" for _, name, law in measuring.OF_LAWS}
    assert set(listed) == expected
    assert "### Survivors\n\nNone." in LAWS
    for row in listed.values():
        assert int(row["mutants"]) > 20
        assert row["killed"] == row["exact"] == row["mutants"]
