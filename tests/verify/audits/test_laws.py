"""Laws of the data: named, drawn, audited by every route; and the formula of one refuted on data of another."""

import numpy as np
import pytest
import sympy

from derive import CATALOGUE, Contaminated, Elliptical, Gaussian, InputError, Laplace, Rational, StudentT, catalogue
from derive.errors import NotAnalyticError
from derive.expansion.laws import LAWS
from derive.landscape.summary import described
from verify.audits.definition import audit
from verify.command.laws import read_law
from verify.evidence.evidence import verdict
from verify.routes import autodiff, monte_carlo
from verify.routes.definition import ROUTES
from verify.routes.subject import Subject
from verify.truths.settings import case

HEAVY = "contaminated:share=1/10,factor=3"
CHECKED = {"exact", "remainder", "autodiff", "monte-carlo"}


@pytest.mark.parametrize(
    "text",
    [
        "gaussian",
        "elliptical",
        "elliptical:s4=3/2",
        "elliptical:s4=3/2,per=view",
        "student-t:nu=10",
        "student-t:nu=21/2,per=view",
        "laplace",
        "laplace:per=view",
        HEAVY,
        "mean",
        "mean:size=1/2",
        "classes",
        "classes:count=3",
        "classes:weights=9:1",
        "classes:weights=1:2:1/2,covariances=shared,size=2",
        "classes:count=4,means=zero",
        "heteroscedastic",
        "heteroscedastic:share=1",
    ],
)
def test_a_law_is_written_as_it_is_read(text):
    assert read_law(text).text == text
    assert text.partition(":")[0] in LAWS


def test_laws_are_what_their_names_say():
    assert read_law("student-t:nu=10") == Elliptical(scale=StudentT(10))
    assert read_law("laplace:per=view") == Elliptical(per="view", scale=Laplace())
    assert read_law(HEAVY) == Elliptical(scale=Contaminated(Rational(1, 10), 3))
    assert read_law("elliptical:s4=2") == Elliptical({4: 2})
    assert read_law("gaussian") == Gaussian()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cauchy", f"--law 'cauchy': there is no such law; the laws are {', '.join(LAWS)}"),
        ("student-t", "--law student-t: student-t is given as student-t:nu=10,per=view"),
        (
            "student-t:10",
            "--law student-t: '10' is not of the form NAME=VALUE; write for instance --law student-t:nu=10,per=view",
        ),
        ("student-t:nu=10,nu=9", "--law student-t: nu is given twice"),
        ("student-t:nu=2", "student-t: nu = 2; the covariance is finite where nu is a number above 2"),
        (
            "laplace:b=1",
            "--law laplace:b=1: laplace is given as laplace:per=view",
        ),
        ("laplace:per=batch", "Elliptical(per='batch'): a scale is drawn per 'datum' or per 'view'"),
        ("contaminated:share=2,factor=3", "contaminated: share = 2; it is a number between 0 and 1"),
        ("contaminated:share=1/2,factor=0", "contaminated: factor = 0; it is a positive number"),
        ("heteroscedastic:share=2", "heteroscedastic: share = 2; it is a number from 0 to 1"),
        ("mean:mu=1", "--law mean:mu=1: mean is given as mean:size=2"),
        (
            "classes:weights=9-1",
            (
                "--law classes: weights: '9-1' is not an exact number; write an integer, a decimal like 0.001 or"
                " 1e-3, a fraction like 1/10, or oo"
            ),
        ),
        ("classes:weights=9:1,count=3", "classes: 2 weights are given for 3 classes"),
        ("classes:weights=1:-1", "classes: weights = 1:-1; each is a positive number"),
        ("classes:means=none", "classes: means = none; they are own or zero"),
        ("elliptical:t=2", "law elliptical has no 't'; it has moments s1, s3, s4, … of the scale, and per"),
        (
            "gaussian:nu=__import__",
            (
                "--law gaussian: nu: '__import__' is not an exact number; write an integer, a decimal like 0.001 or"
                " 1e-3, a"
                " fraction like 1/10, or oo"
            ),
        ),
    ],
)
def test_texts_that_name_no_law(text, message):
    with pytest.raises(InputError) as refused:
        read_law(text)
    assert str(refused.value) == message


def test_moments_alone_cannot_be_drawn():
    with pytest.raises(InputError) as refused:
        audit(catalogue("infonce"), law=read_law("elliptical:s4=3/2"), train=False)
    assert str(refused.value) == (
        "data of the law elliptical:s4=3/2 cannot be drawn: moments of s leave open which scale it is; name one,"
        " student-t:nu=10, laplace or contaminated:share=1/10,factor=3"
    )


@pytest.mark.slow
@pytest.mark.parametrize("text", [HEAVY, "laplace:per=view", "student-t:nu=10"])
def test_every_route_runs_on_data_of_the_law(text):
    law = read_law(text)
    found = audit(catalogue("infonce"), law=law, train=False, draws=20_000)
    assert found.verdict == "holds"
    assert {one.route for one in found.evidence if one.agrees} >= CHECKED
    assert not any(one.agrees is False for one in found.evidence)
    # What closes for Gaussian data alone is not said of others.
    assert found.closed is None
    assert found.landscape.exact is None
    assert found.to_json()["expansion"]["assumptions"] == list(law.assumptions)
    assert ", ".join(law.assumptions) in " ".join(found.text().split())


@pytest.mark.slow
@pytest.mark.parametrize("text", ["mean", "classes:weights=3:1"])
@pytest.mark.parametrize("name", ["infonce", "spectral", "ntxent"])
def test_every_route_runs_on_data_that_are_not_centred(name, text):
    found = audit(catalogue(name), law=read_law(text), train=False, draws=20_000)
    assert found.verdict == "holds"
    assert {one.route for one in found.evidence if one.agrees} >= {"remainder", "autodiff", "monte-carlo"}
    assert not any(one.agrees is False for one in found.evidence)
    # A mean cancels in InfoNCE; the spectral loss sees second moments.
    known = name == "spectral" or (name, text) == ("infonce", "mean")
    assert (found.landscape.collapse.dimensional is not None) == known


@pytest.mark.parametrize("text", ["mean", "classes:weights=1:2:2"])
def test_each_catalogue_loss_is_described_on_data_that_are_not_centred(text):
    law = read_law(text)
    for name in CATALOGUE:
        loss = catalogue(name)
        if loss.encoders == 2:
            with pytest.raises(InputError, match="are derived with one kind of view"):
                loss.expand(4, data=law)
            continue
        try:
            expansion = loss.expand(4, data=law)
        except NotAnalyticError:
            continue
        found = described(loss, expansion, law=law)
        assert found.lines()
        assert found.to_json()
        assert expansion.latex()
        assert expansion.to_json()["assumptions"][: len(law.assumptions)] == list(law.assumptions)


@pytest.mark.slow
@pytest.mark.parametrize(("law", "of"), [(HEAVY, "gaussian"), ("gaussian", HEAVY)])
def test_one_laws_expansion_is_refuted_by_all_routes_on_data_of_another(law, of):
    loss = catalogue("infonce")
    expansion = loss.expand(4, data=read_law(of))
    subject = Subject(loss, draws=20_000, train=False, law=read_law(law))
    evidence = [one for route in ROUTES for one in route.evidence(subject, expansion)]
    assert {one.route for one in evidence if one.agrees is False} >= {"remainder", "autodiff", "monte-carlo"}
    assert verdict(evidence) == "refuted"


@pytest.mark.parametrize("per", ["", ",per=view"])
def test_one_laws_expansion_is_refuted_on_data_of_another(per):
    """By derivatives and by Monte Carlo, each way round; and each law's own expansion is not."""
    loss, laws = catalogue("infonce"), [read_law("gaussian"), read_law(HEAVY + per)]
    for law in laws:
        derivatives = autodiff.measure(case(loss, {}, seed=0, law=law), 4)
        drawn = monte_carlo.measure([case(loss, {}, seed=k, dimension=3, law=law) for k in range(1)], 4, 20_000)
        for of in laws:
            expansion = loss.expand(4, data=of)
            assert autodiff.compare(derivatives, expansion).agrees is (law == of)
            agree = {one.agrees for one in monte_carlo.compare(drawn, expansion)}
            assert (False in agree) is (law != of)


def test_a_polynomial_closes_over_any_law():
    found = audit(catalogue("spectral"), law=read_law("laplace"), train=False, draws=20_000)
    assert found.closed.finite
    assert found.verdict == "holds"
    assert any(one.quantity.startswith("closed form") and one.agrees for one in found.evidence)


def test_infonce_of_heavy_tails_by_hand():
    """Order 4 is ½ E_x Var_χ(½|z_χ|² − z·z_χ) for z = W x: from E|z|⁴ = m (2 Tr S² + (Tr S)²), m = E[s⁴].

    Var_χ = ¼ (E|z_χ|⁴ − (Tr S)²) + zᵀ S z, the mixed term being odd in z_χ, and E zᵀ S z = Tr S².
    """
    fourths = {StudentT(10): Rational(8, 6), Laplace(): 2, Contaminated(Rational(1, 10), 3): Rational(25, 9)}
    for scale, m in fourths.items():
        one, two = sympy.symbols("TrS TrS2")
        by_hand = sympy.expand((m * (2 * two + one**2) - one**2) / 8 + two / 2)
        derived = catalogue("infonce").expand(4, data=Elliptical(scale=scale)).terms_of_order(4)
        words = {1: two, 2: one**2}
        assert sympy.expand(sum(term.coefficient * words[len(term.invariants)] for term in derived)) == by_hand


@pytest.mark.parametrize(("nu", "order", "left"), [(10, 4, []), (6, 4, [8]), (4, 2, [4])])
def test_heavy_tails_have_no_standard_error(nu, order, left):
    """The coefficient of t⁴ varies as |x|⁸, which has no mean where ν ≤ 8."""
    loss, law = catalogue("infonce"), read_law(f"student-t:nu={nu}")
    measured = monte_carlo.measure([case(loss, {}, seed=0, law=law)], order, 2_000)
    evidence = monte_carlo.compare(measured, loss.expand(order, data=law))
    lacking = f"data of the law student-t:nu={nu} have no finite moment of order"
    assert [one.note for one in evidence if not one.ran] == [f"{lacking} {k}: no standard error is known" for k in left]
    assert not any(one.agrees is False for one in evidence)
    # One whose own errors are not nearly normal contradicts nothing by a few of them.
    assert not any(one.enough for one in measured)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["student-t:nu=10", "laplace"])
def test_models_are_trained_on_data_of_the_law(text):
    found = audit(catalogue("infonce"), law=read_law(text), draws=2_000)
    (trained,) = [one for one in found.evidence if one.route == "trained"]
    assert trained.agrees
    assert trained.predicted > 5 * trained.error


def test_training_data_follow_the_law():
    torch = pytest.importorskip("torch")
    from numeric.laws import in_numbers
    from numeric.sampling import Covariances
    from verify.routes.training.data import Population

    for text in (HEAVY, "laplace:per=view", "student-t:nu=12"):
        law = read_law(text)
        data = in_numbers(law, Covariances(np.eye(2), 2 * np.eye(2)))
        a, c = (torch.from_numpy(np.sqrt(np.diag(one))).expand(1, 1, 2) for one in (data.core.A0, data.core.C))
        drawn = Population(400_000, a, c, law=data).views(3, torch.Generator().manual_seed(0))
        x, x_pos, chi = (one[0].numpy() for one in drawn)
        assert np.cov(x.T) == pytest.approx(3 * np.eye(2), abs=0.06)
        assert x.T @ x_pos / len(x) == pytest.approx(np.eye(2), abs=0.06)
        assert x.T @ chi / len(x) == pytest.approx(np.zeros((2, 2)), abs=0.06)
        fourth = float(law.moment(4))
        both = fourth if law.per == "datum" else 1.0
        assert (x[:, 0] ** 4).mean() / 27 == pytest.approx(fourth, rel=0.1)
        between = float(data.core.A0[0, 0]) ** 2
        assert (x[:, 0] ** 2 * x_pos[:, 0] ** 2).mean() == pytest.approx(both * (9 + 2 * between), rel=0.1)
        assert (x[:, 0] ** 2 * chi[:, 0] ** 2).mean() == pytest.approx(9, rel=0.1)
