"""What Fig. 6 is judged by: modes that an augmentation takes away, and not the one along the mean of the sample."""

from dataclasses import replace

import pytest

from verify.papers.claims import judge
from verify.papers.claims.iclr import figures
from verify.papers.claims.iclr.ledger import ICLR

SIGMAS = (0.02, 0.1, 0.12, 0.15)


def judged(monkeypatch, centred, drawn):
    """The verdict on a table with these numbers of lost modes at the four σ, a = 0.22, three training sets."""
    table = [
        {"N": 100, "rate": "cosine", "data": data, "seed": seed, "sigma": sigma, "a": 0.22 + 0.01 * seed,
         "modes_lost": lost}
        for data, each in (("centred", centred), ("as drawn", drawn))
        for seed in range(3)
        for sigma, lost in zip(SIGMAS, each, strict=True)
    ]  # fmt: skip
    monkeypatch.setattr(figures, "rows", lambda _: table)
    units = [
        {"n": 100, "d0": 32, "seed": 0, "data": data, "decay": "cosine"} for data in ("centred", "as drawn")
    ]  # fmt: skip
    monkeypatch.setattr(figures, "trained", lambda _: [(one, {"a": [0.22, 2.2]}) for one in units])
    return judge(replace(ICLR["iclr:fig6"])).verdict


@pytest.mark.parametrize(
    ("centred", "drawn", "verdict"),
    [
        ((0, 0, 1, 3), (1, 1, 2, 4), "holds"),
        # The mean's mode alone, which no augmentation takes away.
        ((0, 0, 0, 0), (1, 1, 1, 1), "undecided"),
        # The mean centred away: one mode too few where one is left out.
        ((0, 0, 1, 3), (0, 0, 0, 1), "undecided"),
    ],
)
def test_the_mode_of_the_mean_is_no_evidence(monkeypatch, centred, drawn, verdict):
    assert judged(monkeypatch, centred, drawn) == verdict


def test_where_a_training_set_loses_its_first_mode():
    def table(lost):
        return [{"seed": 0, "a": 0.5, "sigma": s, "modes_lost": k} for s, k in zip(SIGMAS, lost, strict=True)]

    assert figures.first_lost(table((0, 0, 1, 2))) == [pytest.approx((0.1**2 + 0.12**2) / 2 / 0.5)]
    assert figures.first_lost(table((1, 1, 2, 2)), 1) == figures.first_lost(table((0, 0, 1, 2)))
    assert figures.first_lost(table((1, 1, 1, 1))) == [0.0]
    assert figures.first_lost(table((1, 1, 1, 1)), 1) == [float("inf")]
