"""Pictures of the theory: what they show, and how they are written."""

import csv
import io
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from derive import InputError, catalogue
from derive.landscape.collapse import collapse
from derive.landscape.landscape import landscapes
from numeric import kernel
from numeric.landscape.phases import phase_diagram
from numeric.sampling import Covariances
from verify.figures import draw_phases, loss_along, loss_map, oriented_augmentation, picture, save, toy_landscape

pytest.importorskip("matplotlib")

EXPANSION = catalogue("beta-infonce").expand(order=4)
HALF = {"beta": 0.5}


@pytest.fixture(scope="module")
def toy():
    return toy_landscape(EXPANSION, values=HALF, saddles=True)


@pytest.fixture(scope="module")
def diagram():
    axes = ("sigma", np.linspace(0.0, 3.0, 61)), ("theta", np.linspace(0.0, 1.0, 41))
    return phase_diagram(landscapes(EXPANSION), *axes, oriented_augmentation, HALF)


@pytest.fixture(scope="module")
def phases(diagram):
    return draw_phases(diagram, collapse(EXPANSION), title="β-InfoNCE, β = ½", y_label="orientation θ")


def words(path):
    """All text of an SVG, label by label."""
    return {"".join(one.itertext()).strip() for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314 (our own file)


def test_the_three_panels_show_the_three_phases(toy):
    minima = {}
    for panel, kind, r1, r2, _ in toy.rows:
        if kind == "minimum":
            minima.setdefault(panel, []).append((r1, r2))
    assert [len(found) for found in minima.values()] == [4, 2, 1]
    assert all(r1 == 0 for r1, _ in minima["dimensional collapse"])
    assert minima["complete collapse"] == [(0.0, 0.0)]
    assert [axes.get_title() for axes in toy.figure.axes[:3]] == list(minima)


def test_the_stars_lie_in_the_valleys(toy):
    value = kernel(EXPANSION.in_basis("A0,Sigma"))
    data = {"no collapse": (0.3, 0.2), "dimensional collapse": (1.4, 0.2), "complete collapse": (1.6, 1.4)}
    for panel, kind, r1, r2, loss in toy.rows:
        noise = np.diag(data[panel])
        W = np.diag([r1, r2])
        around = W + 0.01 * np.random.default_rng(0).standard_normal((200, 2, 2))
        beside = value(around, np.eye(2), np.eye(2) + noise, **HALF)
        assert value(W, np.eye(2), np.eye(2) + noise, **HALF) == pytest.approx(loss, abs=1e-14)
        assert (beside >= loss - 1e-14).all() == (kind == "minimum")


def test_the_curve_along_a_ray_is_the_loss():
    data = {"weak": Covariances(np.eye(2), 0.1 * np.eye(2)), "strong": Covariances(np.eye(2), 2 * np.eye(2))}
    drawn = loss_along(EXPANSION, data, np.eye(2), HALF)
    a, weak, strong = np.array(drawn.rows).T
    # At β = ½: −Tr[W (½ − ½ c) Wᵀ] + ⅜ (1 + c)² Tr[(W Wᵀ)²], both modes alike; derived in tests/derive.
    np.testing.assert_allclose(weak, -0.9 * a**2 + 0.75 * 1.21 * a**4, atol=1e-13)
    np.testing.assert_allclose(strong, a**2 + 0.75 * 9 * a**4, atol=1e-13)
    labels = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert labels == ["weak", "strong"]
    assert weak[0] > 0
    assert a[0] == pytest.approx(-1.3 * np.sqrt(0.9 / (0.75 * 1.21)))


def test_a_parameter_may_be_called_by_a_word_of_python():
    data = {"data": Covariances(np.eye(1), np.eye(1))}
    expansion = catalogue("alignment-uniformity").expand(order=4)
    drawn = loss_along(expansion, data, [[1.0]], {"lambda": 0.75, "t": 0.5}, reach=1.0)
    assert drawn.rows[-1][1] == pytest.approx(
        kernel(expansion)(np.eye(1), np.eye(1), 2 * np.eye(1), lambda_=0.75, t=0.5)
    )


def test_the_line_of_the_condition_separates_the_regions(diagram, phases):
    """Each picture of a region is of one phase: the zero lines of the margins run along the regions' borders."""
    said = collapse(EXPANSION)
    dimensional, complete = diagram.margin(said.dimensional), diagram.margin(said.complete)
    clear = (abs(dimensional) > 1e-9) & (abs(complete) > 1e-9)
    assert ((dimensional <= 0) == (diagram.phase > 0))[clear].all()
    assert ((complete <= 0) == (diagram.phase == 2))[clear].all()
    labels = [text.get_text() for text in phases.figure.legends[0].get_texts()]
    assert labels == [
        "no collapse",
        "dimensional collapse:\nmode 1 kept",
        "dimensional collapse:\nmode 2 kept",
        "complete collapse",
        "condition for\ndimensional collapse",
        "condition for\ncomplete collapse",
    ]


def test_the_table_holds_every_point(diagram, phases):
    header, *rows = csv.reader(io.StringIO(phases.csv()))
    assert header == ["sigma", "theta", "power_1", "power_2", "phase"]
    assert len(rows) == diagram.phase.size
    assert [float(rows[7][2]), float(rows[7][3])] == diagram.powers[0, 7].tolist()


def test_many_sets_of_modes_are_coloured_by_their_number():
    rng = np.random.default_rng(0)
    noise = rng.uniform(0.2, 2.0, (20, 30, 5))
    many = phase_diagram(
        landscapes(EXPANSION), ("x", np.arange(30.0)), ("y", np.arange(20.0)), lambda *_: (np.ones(5), noise), HALF
    )
    labels = [text.get_text() for text in draw_phases(many).figure.legends[0].get_texts()]
    assert labels[0] == "no collapse"
    assert labels[1] == "dimensional collapse:\n4 of 5 modes kept"
    assert labels[-1] == "complete collapse"


def test_nothing_overlaps(toy, phases):
    for drawn in (toy, phases):
        figure = drawn.figure
        figure.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in figure.axes] + [legend.get_tightbbox() for legend in figure.legends]
        for number, one in enumerate(boxes):
            assert figure.bbox.x0 <= one.x0
            assert one.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= one.y0
            assert one.y1 <= figure.bbox.y1
            assert not any(one.overlaps(other) for other in boxes[:number])


@pytest.mark.parametrize("name", ["toy", "phases"])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_same_picture_is_the_same_file(name, ending, tmp_path, request):
    drawn = request.getfixturevalue(name)
    again = (
        toy_landscape(EXPANSION, values=HALF, saddles=True)
        if name == "toy"
        else draw_phases(
            request.getfixturevalue("diagram"), collapse(EXPANSION), title="β-InfoNCE, β = ½", y_label="orientation θ"
        )
    )
    first, second, third = (
        save(one, tmp_path / f"{number}.{ending}", dpi=80).read_bytes()
        for number, one in enumerate((drawn, again, drawn))
    )
    assert first == second == third
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{number}.{ending}" for number in range(3)]


def test_an_svg_has_its_labels_as_words_and_no_date(toy, phases, tmp_path):
    file = save(phases, tmp_path / "phases.svg")
    assert {"σ", "orientation θ", "β-InfoNCE, β = ½", "no collapse", "complete collapse"} <= words(file)
    assert "dc:date" not in file.read_text("utf-8")
    file = save(toy, tmp_path / "toy.svg")
    assert {"r₁", "r₂", "L(diag(r₁, r₂))", "local minimum", "saddle", "no collapse"} <= words(file)


def test_a_png_is_whole(phases, tmp_path):
    written = save(phases, tmp_path / "phases.PNG", dpi=50).read_bytes()
    assert written.startswith(b"\x89PNG\r\n\x1a\n")
    assert b"IEND" in written[-12:]
    assert b"tEXt" not in written


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(phases, tmp_path, monkeypatch):
    target = tmp_path / "phases.svg"
    target.write_text("old", "utf-8")

    def broken(*_):
        message = "no space left"
        raise OSError(message)

    monkeypatch.setattr(picture.Path, "replace", broken)
    with pytest.raises(OSError, match="no space left"):
        save(phases, target)
    assert target.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_style_of_others_is_left_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    loss_map(EXPANSION, Covariances(np.eye(2), np.eye(2)), HALF)
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


PAIR = Covariances(np.eye(2), np.eye(2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: save(None, "picture.jpg"),
            "picture.jpg does not end in .png or .svg or .pdf; name the file so",
        ),
        (lambda: save(None, "no/such/folder/picture.png"), "there is no folder no/such/folder; make it first"),
        (lambda: loss_map(EXPANSION, PAIR), "beta-infonce has no value for beta; give values={'beta': …}"),
        (
            lambda: loss_map(EXPANSION, Covariances(np.eye(3), np.eye(3)), HALF),
            "the map over diag(r1, r2) needs A0 and C that are diagonal 2×2 matrices; use a basis of the modes",
        ),
        (
            lambda: loss_map(catalogue("barlow-twins").expand(order=4), PAIR, {"lambda": 0.5}),
            (
                "the map over diag(r1, r2) of barlow-twins is not its landscape: the loss singles out coordinates"
                " of the embedding or has a bias; take a loss that is invariant under rotations"
            ),
        ),
        (lambda: toy_landscape(EXPANSION, {}, HALF), "panels is empty; give a title and covariances at least once"),
        (lambda: loss_along(EXPANSION, {}, np.eye(2), HALF), "0 curves; give 1 to 6, which can be told apart"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert str(raised.value) == message


def test_without_matplotlib_the_extra_is_named(monkeypatch, diagram):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError) as raised:
        draw_phases(diagram)
    assert str(raised.value) == "figures need matplotlib: pip install 'quartic[plot]'"
