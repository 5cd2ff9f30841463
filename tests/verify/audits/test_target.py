"""Targets and values as a user writes them, and what is said of those that cannot be used."""

import re

import pytest
import sympy

from derive import InputError, NotAnalyticError, catalogue
from verify.audits.target import find_loss, parse_values, put_values

MINE = """
from derive import Loss, Mean, exp, half_sq, inner, log, views
x, x_pos, chi = views("x, x_pos, chi")
mine = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)), name="mine")
number = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "losses_of_mine.py"
    path.write_text(MINE, "utf-8")
    return path


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("name", ["infonce", "spectral+weight-decay", "infonce+norm-penalty+normalised"])
def test_a_catalogue_name_is_a_target(name):
    assert find_loss(name).expression == catalogue(name).expression


def test_a_loss_in_a_file_is_a_target(file):
    loss = find_loss(f"{file}:mine")
    assert loss.name == "mine"
    assert loss.expression == catalogue("infonce").expression


def test_a_file_may_import_from_its_folder(file):
    beside = file.parent / "uses_the_other.py"
    beside.write_text("from losses_of_mine import mine as borrowed\n", "utf-8")
    assert find_loss(f"{beside}:borrowed").name == "mine"


def test_a_file_is_refused_where_it_is_not_there(tmp_path):
    assert refusal(find_loss, f"{tmp_path}/none.py:mine") == f"there is no file {tmp_path}/none.py"


def test_a_name_that_no_file_can_have():
    long = "a" * 300 + ".py"
    assert refusal(find_loss, f"{long}:mine") == f"there is no file {long}"
    assert refusal(find_loss, "\0.py:mine") == "there is no file \0.py"


def test_a_number_of_thousands_of_digits_is_a_slip():
    said = "--set N: a number of 5000 characters is a slip; write at most 100"
    assert refusal(parse_values, [f"N={'9' * 5000}"]) == said


def test_a_name_that_the_file_does_not_define_is_refused(file):
    expected = f"{file} defines no 'mime'; did you mean mine? Losses there: mine"
    assert refusal(find_loss, f"{file}:mime") == expected


def test_a_name_that_is_no_loss_is_refused(file):
    expected = f"{file}:number: number is of type int; a target is a derive.Loss or a function"
    assert refusal(find_loss, f"{file}:number") == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (line 1)"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name' (line 1)"),
        ("x = 1\nraise SystemError('stop')", "SystemError: stop (line 2)"),
    ],
)
def test_a_file_that_fails_is_refused_with_its_error(tmp_path, source, said):
    path = tmp_path / "failing.py"
    path.write_text(source, "utf-8")
    assert refusal(find_loss, f"{path}:mine") == f"{path} failed when it was run: {said}"


def test_a_syntax_error_is_refused(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def (", "utf-8")
    assert refusal(find_loss, f"{path}:mine").startswith(f"{path} failed when it was run: SyntaxError: ")


@pytest.mark.parametrize("target", ["mine.py", "folder/mine", "folder/mine.py", "folder.mine", "a/b:mine", "a-b:mine"])
def test_a_path_without_a_name_is_refused(target):
    assert refusal(find_loss, target) == f"{target!r} names no loss; write path/to/file.py:name or package.module:name"


def test_an_unknown_loss_is_refused_with_the_nearest():
    assert refusal(find_loss, "infonse").startswith("unknown loss 'infonse'; did you mean infonce? Known: infonce, ")
    assert "did you mean weight-decay?" in refusal(find_loss, "infonce+weight-deca")


def test_a_loss_that_is_not_analytic_says_so_itself(tmp_path):
    path = tmp_path / "vanishing.py"
    path.write_text(MINE + "bad = Loss(log(inner(x, x)))\n", "utf-8")
    with pytest.raises(NotAnalyticError):
        find_loss(f"{path}:bad").expand(4)


# Values.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/10", sympy.Rational(1, 10)),
        ("8", sympy.Integer(8)),
        ("-3", sympy.Integer(-3)),
        ("+3", sympy.Integer(3)),
        ("-6/4", sympy.Rational(-3, 2)),
        ("0.1", sympy.Rational(1, 10)),
        ("0.30000000000000004", sympy.Rational(30000000000000004, 10**17)),
        ("0.001", sympy.Rational(1, 1000)),
        ("1e-3", sympy.Rational(1, 1000)),
        ("1/1000", sympy.Rational(1, 1000)),
        (".5", sympy.Rational(1, 2)),
        ("1.", sympy.Integer(1)),
        ("+2", sympy.Integer(2)),
        ("2.5e2", sympy.Integer(250)),
        ("1E3", sympy.Integer(1000)),
        ("-1.5/2", sympy.Rational(-3, 4)),
        ("1e300", sympy.Integer(10) ** 300),
        ("oo", sympy.oo),
        (" 1/2 ", sympy.Rational(1, 2)),
    ],
)
def test_values_are_exact(text, value):
    (found,) = parse_values([f"alpha={text}"]).values()
    assert found == value
    assert found is sympy.oo or found.is_Rational


@pytest.mark.parametrize(
    "text",
    [
        "0.1x",
        '__import__("os")',
        ".",
        "e3",
        "1e",
        "1e1.5",
        "1/-2",
        "1/2/3",
        "١",
        "-oo",
        "nan",
        "inf",
        "zoo",
        "N-1",
        "2**9",
        "",
        "½",
        "1 000",
        "1_000",
        "0x10",
        "--1",
        "1\n",
    ],
)
def test_what_is_no_exact_number_is_refused(text):
    if text.strip() != text:
        assert parse_values([f"alpha={text}"]) == {"alpha": 1}
        return
    expected = (
        f"--set alpha: {text!r} is not an exact number; write an integer, a decimal like 0.001 or 1e-3, a fraction like"
        " 1/10, or oo"
    )
    assert refusal(parse_values, [f"alpha={text}"]) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1/0", "'1/0' divides by zero"),
        ("1/0.0", "'1/0.0' divides by zero"),
        ("1e999999", "'1e999999' has the exponent 999999; write one from -300 to 300"),
        ("1e-301", "'1e-301' has the exponent -301; write one from -300 to 300"),
        ("1/1e" + "9" * 90, f"'1/1e{'9' * 90}' has the exponent {'9' * 90}; write one from -300 to 300"),
    ],
)
def test_a_number_of_no_usual_size_is_quoted_as_it_was_given(text, said):
    assert refusal(parse_values, [f"tau={text}"]) == f"--set tau: {said}"


@pytest.mark.parametrize("setting", ["alpha", "=1", "", " =2"])
def test_a_value_needs_a_name_and_a_sign(setting):
    expected = f"--set: {setting!r} is not of the form NAME=VALUE; write for instance --set alpha=1/10"
    assert refusal(parse_values, [setting]) == expected


def test_a_value_may_be_given_once():
    assert refusal(parse_values, ["tau=1", "tau=1"]) == "--set: tau is given twice"


def test_no_text_is_evaluated(tmp_path):
    canary = tmp_path / "canary"
    refusal(parse_values, [f"alpha=__import__('pathlib').Path('{canary}').touch()"])
    assert not canary.exists()


def test_limits_are_kept_for_the_expansion():
    loss, limits = put_values(catalogue("weighted-infonce"), parse_values(["N=oo", "alpha=1/2"]))
    assert set(loss.parameters) == {"N"}
    assert limits == {"N": sympy.oo}
    assert loss.expand(2).set(limits).B == {"A0": 1, "C": 0}


@pytest.mark.parametrize("value", ["1", "oo"])
def test_a_value_for_an_unknown_parameter_is_refused(value):
    said = refusal(put_values, catalogue("infonce-batch"), parse_values([f"beta={value}"]))
    assert re.fullmatch("infonce-batch has no parameter 'beta'; it has: N", said)
