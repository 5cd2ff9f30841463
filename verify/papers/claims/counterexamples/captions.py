"""Against captions and App. C."""

from __future__ import annotations


def sum_of_the_counts() -> dict[str, object]:
    """The counts of 'High imbalance', added up."""
    counts = [4890, 87, 5000, 0, 74, 0, 0, 212, 4788, 4947]
    return {"printed": "20000", "true": str(sum(counts))}


def one_figure_of_two_depths() -> dict[str, object]:
    """Layers of weights of 'a three-layer nonlinear network', its inputs not counted; the caption has two."""
    layers = ["hidden", "hidden", "last"]
    return {"slot": "caption", "at": {}, "printed": 2, "true": len(layers)}


def ridge_error_without_style() -> dict[str, object]:
    """y = x_1 on z = (3 x_1, w x_2), ridge 0.001, whole population: how the error changes as w goes from 1 to 0."""
    import numpy as np

    errors = []
    for w in (1.0, 0.0):
        scale = np.array([3.0, w])
        G = np.linalg.solve(np.diag(scale**2) + 0.001 * np.eye(2), np.array([3.0, 0.0]))
        errors.append(float(((G * scale - np.array([1.0, 0.0])) ** 2).sum()))
    change = errors[1] - errors[0]
    return {"slot": "style", "at": {}, "printed": "falls", "true": "stays" if abs(change) < 1e-12 else "falls"}
