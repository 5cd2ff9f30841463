"""Against the claim on class imbalance, on two classes in one dimension."""

from __future__ import annotations


def two_classes_away_from_zero() -> dict[str, object]:
    """Classes at 3 and 1: half the change of the spectral loss's B from the weights ½, ½ to 0.9, 0.1; InfoNCE: −0.64.

    Its term of order 2 in w is −2 w² E x x′, and the views of a datum share its class and its part of variance 0.8.
    """
    import numpy as np

    means, hidden = np.array([3.0, 1.0]), 0.8**0.5 * np.array([-1.0, 1.0])
    pulls = []
    for share in (0.5, 0.9):
        p = np.array([share, 1 - share])
        shown = means[:, None] + hidden  # what both views show, each value with the chance p/2
        pulls.append(float((p[:, None] / 2 * shown**2).sum()))
    return {"slot": "spectral", "at": {"p": 0.9, "mu_1": 3.0, "mu_2": 1.0}, "printed": 0.0,
            "true": round(pulls[1] - pulls[0], 6)}  # fmt: skip
