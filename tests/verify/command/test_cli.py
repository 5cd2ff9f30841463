"""The command: what it prints, its exit status, and one sentence for each input that cannot be used."""

import functools
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from derive import CATALOGUE, Loss, catalogue
from derive.expansion.laws import LAWS
from derive.fields import FIELDS
from verify.audits import definition as auditing
from verify.running.progress import progress

MINE = """
from derive import Loss, Mean, Symbol, exp, half_sq, inner, log, views
x, x_pos, chi = views("x, x_pos, chi")
mine = Loss(2 * half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)), name="mine")
vanishing = Loss(log(inner(x, x)) - inner(x, x_pos))
rooted = Loss(inner(x, x) ** Symbol("p"))
number = 3
"""


@pytest.fixture
def refused(run):
    """What is said on standard error of unusable input."""

    def sentence(*arguments):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert "Traceback" not in err
        lines = err.strip().splitlines()
        # click's own messages show the usage first.
        assert len(lines) == 1 or lines[0].startswith("Usage: ")
        return lines[-1]

    return sentence


@pytest.fixture
def few_draws(monkeypatch):
    monkeypatch.setattr(auditing, "audit", functools.partial(auditing.audit, draws=2000))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE, "utf-8")
    return path


def process(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, encoding="utf-8", check=False, env=environment, **options
    )


# derive


def test_derive_prints_the_expansion(run):
    assert run("derive", "infonce") == (0, "−Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] + O(W⁶)\n", "")


@pytest.mark.parametrize("name", CATALOGUE)
def test_derive_json_is_the_expansion(name, run):
    status, out, err = run("derive", name, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == catalogue(name).expand(4).to_json()


def test_derive_to_order_ten(run):
    status, out, _ = run("derive", "infonce", "--order", "10", "--json")
    found = json.loads(out)
    assert (status, found["order"], found["basis"]) == (0, 10, ["A0", "Sigma"])
    # (−1)^K (K + 1)/(2K) Tr[(W Σ Wᵀ)^K]
    assert [(term["order"], term["coefficient"], term["traces"]) for term in found["terms"]] == [
        (2, "-1", [["A0"]]),
        (4, "3/4", [["Sigma"] * 2]),
        (6, "-2/3", [["Sigma"] * 3]),
        (8, "5/8", [["Sigma"] * 4]),
        (10, "-3/5", [["Sigma"] * 5]),
    ]


def test_derive_in_the_other_basis(run):
    _, out, _ = run("derive", "beta-infonce", "--basis", "A0,C", "--order", "2")
    assert "C" in out
    assert "Σ" not in out


def test_what_is_set_stays_an_exact_rational(run):
    _, out, _ = run("derive", "weighted-infonce", "--set", "alpha=1/10", "--set", "N=4", "--order", "2", "--json")
    assert [term["coefficient"] for term in json.loads(out)["terms"]] == ["-30/31"]
    _, decimal, _ = run("derive", "weighted-infonce", "--set", "alpha=0.1", "--set", "N=4", "--order", "2", "--json")
    assert decimal == out


def test_a_limit_is_taken(run):
    status, out, _ = run("derive", "infonce-batch", "--set", "N=oo")
    assert (status, out) == run("derive", "infonce")[:2]


def test_elliptical_data_have_a_kurtosis(run):
    _, symbolic, _ = run("derive", "infonce", "--law", "elliptical:per=view")
    _, given, _ = run("derive", "infonce", "--law", "elliptical", "--set", "s4=3", "--json")
    assert run("derive", "infonce", "--law", "elliptical:s4=3", "--json")[1] == given
    assert "s4" in symbolic
    found = json.loads(given)
    assert any("elliptical" in one for one in found["assumptions"])
    assert not any("s4" in term["coefficient"] for term in found["terms"])
    assert found["terms"] != catalogue("infonce").expand(4).to_json()["terms"]


def test_a_file_of_ones_own(file, run):
    status, out, _ = run("derive", f"{file}:mine")
    assert status == 0
    assert out.startswith("−2 Tr[W A0 Wᵀ] + Tr[W Σ Wᵀ]")


def test_a_normalised_loss_answers_that_it_has_no_expansion(run):
    status, out, err = run("derive", "infonce+normalised")
    assert (status, err) == (0, "")
    assert out.startswith("no expansion: homogeneous of degree 0 in W")
    assert json.loads(run("derive", "infonce+normalised", "--json")[1])["terms"] is None


# latex and losses


def test_latex_pastes_and_makes_documents(run):
    status, lines, _ = run("latex", "infonce")
    assert status == 0
    assert r"\operatorname{Tr}" in lines
    assert r"\begin{document}" not in lines
    _, document, _ = run("latex", "infonce", "--document")
    assert document.startswith(r"\documentclass")
    assert document.rstrip().endswith(r"\end{document}")
    assert lines.strip() in document


def test_losses_lists_the_catalogue(run):
    status, out, _ = run("losses")
    assert status == 0
    assert all(name in out for name in (*CATALOGUE, *FIELDS, "weight-decay", "normalised"))
    listed = json.loads(run("losses", "--json")[1])
    assert [one["name"] for one in listed] == [*CATALOGUE, *FIELDS]
    assert all(one["source"] and one["title"] for one in listed)


# audit


@pytest.mark.usefixtures("few_draws")
def test_audit_prints_a_note(run):
    status, out, err = run("audit", "infonce", "--no-train")
    assert (status, err) == (0, "")
    assert "  verdict       holds (the derivation): " in out.splitlines()[-1]
    assert max(map(len, out.splitlines())) <= 100
    assert len(out.splitlines()) < 20
    assert "evidence      exact 4, remainder, autodiff, monte-carlo" in out
    assert "stationary" not in out


@pytest.mark.usefixtures("few_draws")
def test_audit_prints_json(run):
    status, out, _ = run("audit", "weighted-infonce", "--json", "--set", "alpha=1/10", "--seed", "3", "--no-train")
    found = json.loads(out)
    assert (status, found["verdict"]) == (0, "holds")
    assert found["set"] == {"alpha": "1/10"}
    assert {one["agrees"] for one in found["evidence"] if one["route"] == "trained"} <= {"not-run"}


@pytest.mark.usefixtures("few_draws")
def test_a_contradiction_is_exit_status_one(run, monkeypatch):
    from derive import Loss
    from verify.assurance.mutants import mutants

    wrong = dict(mutants(catalogue("dcl").expand(4)))["term 1 of order 4 dropped"]
    monkeypatch.setattr(Loss, "expand", lambda *_, **__: wrong)
    status, out, err = run("audit", "dcl")
    assert (status, err) == (1, "")
    assert "  verdict       refuted (the derivation): " in out
    assert "✗" in out


@pytest.mark.usefixtures("few_draws")
def test_audit_on_given_covariances(run, tmp_path):
    np.savetxt(tmp_path / "A0.csv", [[1.0, 0.2], [0.2, 0.5]], delimiter=",")
    np.save(tmp_path / "C.npy", np.eye(2))
    status, out, _ = run("audit", "infonce", "--A0", f"{tmp_path}/A0.csv", "--C", f"{tmp_path}/C.npy", "--no-train")
    assert status == 0
    assert "verdict       holds" in out


# Unusable input.


def test_an_unknown_loss_is_refused_with_the_nearest(refused):
    said = refused("derive", "infonse")
    assert said == f"quartic: unknown loss 'infonse'; did you mean infonce? Known: {', '.join(CATALOGUE)}"


def test_an_unknown_modifier_is_refused_with_the_nearest(refused):
    expected = (
        "quartic: unknown modifier 'weightdecay'; did you mean weight-decay? "
        "Known: weight-decay, norm-penalty, normalised, bias, two-encoders"
    )
    assert refused("derive", "infonce+weightdecay") == expected


def test_an_unknown_parameter_is_refused(refused):
    assert refused("derive", "dcl", "--set", "beta=1") == "quartic: dcl has no parameter 'beta'; it has: N, tau"
    assert refused("derive", "infonce", "--set", "N=oo") == "quartic: infonce has no parameter 'N'; it has: none"
    assert refused("audit", "dcl", "--set", "beta=1") == "quartic: dcl has no parameter 'beta'; it has: N, tau"
    assert refused("latex", "dcl", "--set", "beta=1") == "quartic: dcl has no parameter 'beta'; it has: N, tau"


@pytest.mark.parametrize("command", ["derive", "latex", "audit"])
@pytest.mark.parametrize("order", ["3", "-2", "0"])
def test_an_odd_or_negative_order_is_refused(command, order, refused):
    said = refused(command, "infonce", "--order", order)
    assert said.startswith("quartic: order ")
    assert order in said


@pytest.mark.parametrize("order", ["4.5", "four", ""])
def test_an_order_that_is_no_integer_is_refused(order, refused):
    assert refused("derive", "infonce", "--order", order).startswith("Error: Invalid value for '--order'")


@pytest.mark.parametrize("text", ["0.1x", '__import__("os")', "1/-2", "N", ""])
def test_text_that_is_no_exact_number_is_refused(text, refused):
    expected = (
        f"quartic: --set alpha: {text!r} is not an exact number; write an integer, a decimal like 0.001 or"
        " 1e-3, a fraction"
        " like 1/10, or oo"
    )
    assert refused("derive", "weighted-infonce", "--set", f"alpha={text}") == expected


def test_a_value_is_named_and_given_once(refused):
    said = refused("derive", "weighted-infonce", "--set", "alpha")
    assert said == ("quartic: --set: 'alpha' is not of the form NAME=VALUE; write for instance --set alpha=1/10")
    said = refused("derive", "weighted-infonce", "--set", "alpha=1", "--set", "alpha=2")
    assert said == "quartic: --set: alpha is given twice"


def test_a_pole_is_refused(refused):
    said = refused("derive", "weighted-infonce", "--set", "N=1", "--set", "alpha=0")
    assert said.startswith("quartic: ")


def test_an_unknown_basis_or_sampling_is_refused(refused):
    said = refused("derive", "infonce", "--basis", "A0,B")
    assert said == "quartic: basis 'A0,B' is unknown; the bases are A0,Sigma and A0,C"
    said = refused("derive", "infonce", "--sampling", "some")
    assert said == "quartic: sampling 'some' is unknown; the samplings are iid and fixed"
    said = refused("derive", "infonce", "--law", "student")
    assert said == (
        f"quartic: --law 'student': there is no such law; did you mean student-t? The laws are {', '.join(LAWS)}"
    )


def test_a_fixed_training_set_beyond_second_order_is_refused(refused):
    said = refused("derive", "infonce-batch", "--sampling", "fixed", "--order", "4")
    assert "fixed" in said
    assert "--order 2" in said


def test_a_scale_that_no_data_have_is_refused(refused):
    said = refused("derive", "infonce", "--law", "elliptical", "--set", "s4=1/2")
    assert said == "quartic: Elliptical: E[s⁴] = 1/2 is below E[s²]² = 1, which no random scale has"


def test_files_that_cannot_be_used_are_refused(file, tmp_path, refused):
    assert refused("derive", f"{tmp_path}/none.py:mine") == f"quartic: there is no file {tmp_path}/none.py"
    said = refused("derive", f"{file}:mime")
    assert said.startswith(f"quartic: {file} defines no 'mime'; did you mean mine? Losses there: ")
    said = refused("derive", f"{file}:number")
    assert said == f"quartic: {file}:number: number is of type int; a target is a derive.Loss or a function"
    assert (
        refused("derive", str(file))
        == f"quartic: {str(file)!r} names no loss; write path/to/file.py:name or package.module:name"
    )
    file.write_text("1 / 0", "utf-8")
    said = refused("derive", f"{file}:mine")
    assert said == f"quartic: {file} failed when it was run: ZeroDivisionError: division by zero (line 1)"


def test_a_file_with_a_free_view_is_refused(file, refused):
    file.write_text(MINE + "free = Loss(inner(x, x_pos) + inner(x, chi))\n", "utf-8")
    said = refused("derive", f"{file}:free")
    assert said.endswith("the loss is averaged over one datum and its views, so bind the others with Mean(…, over=…)")
    assert "(chi; x, x_pos)" in said


@pytest.mark.parametrize("command", ["derive", "latex", "audit"])
@pytest.mark.parametrize(("name", "word"), [("vanishing", "log"), ("rooted", "power")])
def test_a_log_or_power_of_something_that_vanishes_is_refused(command, name, word, file, refused):
    assert word in refused(command, f"{file}:{name}")


@pytest.mark.parametrize(
    ("A0", "C", "said"),
    [
        ("1,0.5\n0,1", "1,0\n0,1", "A0 is not symmetric: entry (0, 1) is 0.5, entry (1, 0) is 0"),
        (
            "1,2\n2,1",
            "1,0\n0,1",
            "A0 is not positive semi-definite: its smallest eigenvalue is -1; no data have it",
        ),
        ("1,0\n0,1", "1", "A0 is 2×2 and C is 1×1; both act on the same inputs and must agree"),
        ("1,0", "1,0\n0,1", "A0 has shape (1, 2); a square matrix is needed"),
        ("nan,0\n0,1", "1,0\n0,1", "A0 has entries that are not finite numbers"),
    ],
)
def test_covariances_that_no_data_have_are_refused(A0, C, said, tmp_path, refused):
    (tmp_path / "A0.csv").write_text(A0)
    (tmp_path / "C.csv").write_text(C)
    assert refused("audit", "infonce", "--A0", f"{tmp_path}/A0.csv", "--C", f"{tmp_path}/C.csv") == f"quartic: {said}"


@pytest.mark.parametrize("text", ["one,two", "1,2\n3", ""])
def test_a_file_that_holds_no_matrix_is_refused(text, tmp_path, refused):
    (tmp_path / "A0.csv").write_text(text)
    (tmp_path / "C.csv").write_text("1")
    said = refused("audit", "infonce", "--A0", f"{tmp_path}/A0.csv", "--C", f"{tmp_path}/C.csv")
    assert said.startswith("quartic: ")
    assert "A0" in said


def test_a_matrix_may_have_spaces_between_its_numbers(tmp_path, run):
    (tmp_path / "A0.txt").write_text("2 1\n1 2\n")
    (tmp_path / "C.csv").write_text("1,0\n0,1\n")
    given = ("--A0", f"{tmp_path}/A0.txt", "--C", f"{tmp_path}/C.csv")
    status, out, _ = run("modes", "infonce", *given, "--json", "--no-error")
    assert (status, [round(mode["correlation"], 9) for mode in json.loads(out)["modes"]]) == (0, [0.75, 0.5])


def test_a_matrix_that_is_not_there_is_refused(tmp_path, refused):
    said = refused("audit", "infonce", "--A0", f"{tmp_path}/A0.csv", "--C", f"{tmp_path}/C.npy")
    assert said.strip() == f"quartic: there is no file {tmp_path}/A0.csv"


class Canary:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("plain", [False, True])
def test_a_pickle_in_a_matrix_file_is_refused_and_not_run(plain, tmp_path, refused):
    canary, path = tmp_path / "canary", tmp_path / "A0.npy"
    if plain:
        path.write_bytes(pickle.dumps(Canary(canary)))
    else:
        np.save(path, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    (tmp_path / "C.csv").write_text("1")
    said = refused("audit", "infonce", "--A0", str(path), "--C", f"{tmp_path}/C.csv")
    assert said.startswith(f"quartic: {path} holds no matrix of numbers (a row a line, with")
    assert not canary.exists()


@pytest.mark.parametrize("option", ["--A0", "--C"])
def test_one_covariance_alone_is_refused(option, tmp_path, refused):
    (tmp_path / "one.csv").write_text("1")
    said = refused("audit", "infonce", option, f"{tmp_path}/one.csv")
    assert said == "quartic: --A0 and --C go together: give both covariances, or neither"


def test_a_wrong_subcommand_is_refused_with_the_nearest(refused):
    assert refused("deriv", "infonce") == "Error: No such command 'deriv'; did you mean derive?"
    assert refused("adit") == "Error: No such command 'adit'; did you mean audit?"


def test_a_missing_target_or_an_unknown_option_is_refused(refused):
    assert refused("derive") == "Error: Missing argument 'TARGET'."
    assert "--ordr" in refused("derive", "infonce", "--ordr", "4")


# In processes of their own.


def test_the_module_is_the_command():
    ran = process("-m", "verify.command.cli", "derive", "infonce")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "−Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] + O(W⁶)\n"


def test_unusable_input_ends_a_process_with_status_two():
    ran = process("-m", "verify.command.cli", "audit", "infonce", "--order", "5")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("quartic: ")
    assert ran.stderr.count("\n") == 1


def test_a_pipe_shows_no_progress_bar():
    ran = process("-m", "verify.command.cli", "audit", "spectral", "--no-train")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\r" not in ran.stdout
    assert "verdict       holds" in ran.stdout


def test_a_reader_that_leaves_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-m", "verify.command.cli", "derive", "vicreg", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        ran.stdout.close()
        assert b"Traceback" not in ran.stderr.read()


PROBE = """
import sys
from verify.command.cli import main
sys.argv = ["quartic", {arguments}]
try:
    main()
except SystemExit as stop:
    assert not stop.code
print("loaded:", *sorted({{"sympy", "numpy", "torch", "mpmath"}} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        ('"--help"', {"sympy", "numpy", "torch", "mpmath"}),
        ('"--version"', {"sympy", "numpy", "torch", "mpmath"}),
        ('"audit", "--help"', {"sympy", "numpy", "torch", "mpmath"}),
        ('"derive", "infonce"', {"torch", "numpy"}),
        ('"latex", "ntxent"', {"torch", "numpy"}),
        ('"losses"', {"torch", "numpy"}),
    ],
)
def test_only_what_is_needed_is_loaded(arguments, unwanted):
    ran = process("-c", PROBE.format(arguments=arguments))
    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.rpartition("loaded:")[2].split()) & unwanted == set()


def test_importing_the_command_loads_no_sympy():
    ran = process("-c", "import sys, verify.command.cli; sys.exit('sympy' in sys.modules or 'numpy' in sys.modules)")
    assert ran.returncode == 0


def test_options_of_torch_functions_are_refused_for_definitions(refused):
    assert refused("audit", "infonce", "--core") == "quartic: --core does not go with a derive.Loss; leave it out"
    said = refused("audit", "infonce", "--adapter", "labels")
    assert said == "quartic: --adapter does not go with a derive.Loss; leave it out"


def test_an_order_beyond_time_and_memory_is_refused_with_the_order_that_would_do(refused):
    said = refused("derive", "infonce", "--order", "100")
    assert said.startswith("quartic: infonce to order 100 takes about ")
    assert "; order " in said
    assert "--no-limit" in said


def test_insisting_lifts_the_limit(run, monkeypatch):
    monkeypatch.setattr("derive.losses.loss.LIMIT", 10)
    monkeypatch.setattr(Loss.expand, "__kwdefaults__", {**Loss.expand.__kwdefaults__, "limit": 10})
    assert run("derive", "infonce", "--order", "6")[0] == 2
    status, out, _ = run("derive", "infonce", "--order", "6", "--no-limit")
    assert (status, out) == (0, f"{catalogue('infonce').expand(6, limit=None)}\n")


@pytest.mark.parametrize("command", ["derive", "latex"])
def test_a_norm_penalty_of_infinite_strength_is_taken_as_the_audit_takes_it(command, run):
    status, out, err = run(command, "infonce+norm-penalty", "--set", "kappa=oo")
    assert status == 0
    assert "the expansion has no limit kappa → ∞" in err
    if command == "derive":
        assert out.strip() == str(catalogue("infonce+norm-penalty").expand(4))
    else:
        # Tr[W Σ Wᵀ] is fixed: complete collapse cannot be.
        assert r"\text{complete collapse: } \text{never}" in out


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_long_derivation_ends_when_it_is_told_to(number, status):
    with subprocess.Popen(
        [sys.executable, "-m", "verify.command.cli", "derive", "infonce", "--order", "60", "--no-limit"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        try:
            time.sleep(5.0)
            assert ran.poll() is None
            ran.send_signal(number)
            out, err = ran.communicate(timeout=30)
        finally:
            # A job in the background of a shell ignores Ctrl-C, and so does what it starts.
            ran.kill()
    assert ran.returncode == status
    assert out == b""
    assert b"Traceback" not in err


def test_no_memory_is_a_sentence(refused, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Loss, "expand", no_memory)
    assert refused("derive", "infonce") == (
        "quartic: there is no more memory; give a lower order or a smaller N, or insist with --no-limit"
    )


@pytest.mark.parametrize(
    "arguments", [("latex", "weighted-infonce"), ("derive", "ntxent"), ("audit", "spectral", "--no-train")]
)
def test_what_takes_its_time_shows_it(arguments, run, monkeypatch):
    """Each step is told of, the writing of what was found among them."""
    told = []
    monkeypatch.setattr(progress, "_tick", lambda _, step: told.append(step))
    run(*arguments)
    order = "derive" if arguments[0] == "audit" else "order 4"
    assert (told[0], told[-1]) == (order, "text")
    assert arguments[0] == "derive" or "landscape" in told
