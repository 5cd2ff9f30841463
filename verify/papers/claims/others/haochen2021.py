"""HaoChen, Wei, Gaidon and Ma 2021: the spectral contrastive loss is a factorisation of the augmentation graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
import torch

from derive import catalogue
from derive.landscape.landscape import landscapes
from derive.landscape.stationary import T2, stationary
from numeric.sampling import Covariances
from verify.papers.claims.claim import Ledger, Measured, Point, Reading
from verify.papers.claims.iclr.table1_minima import lowest
from verify.running.threads import one_thread
from verify.truths.torch_losses import TORCH_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = Ledger(
    "haochen2021",
    "Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss",
    "Jeff Z. HaoChen, Colin Wei, Adrien Gaidon, Tengyu Ma, NeurIPS 2021, arXiv:2106.04156",
)
SEEN = "a conversion of the paper to text, Sec. 3 (look at the print before you write to the authors)"
gamma_1, gamma_2 = sympy.symbols("gamma_1 gamma_2", positive=True)
# The pairs' probabilities of a graph with two nodes.
w_11, w_12, w_22 = sympy.symbols("w_11 w_12 w_22", positive=True)


@LEDGER.claim(
    "haochen2021:lemma3.2",
    where="Lemma 3.2, Eq. (6)",
    says="‖Ā − FFᵀ‖² less −2 E f(x)ᵀf(x⁺) + E (f(x)ᵀf(x′))², u_x = √w_x f(x), is the constant {constant}",
    recorded="holds",
    given="written out for two nodes, of which the constant is ‖Ā‖²; f of one dimension, or of two where measured",
    seen=SEEN,
    constant=w_11**2 / (w_11 + w_12) ** 2
    + w_22**2 / (w_12 + w_22) ** 2
    + 2 * w_12**2 / ((w_11 + w_12) * (w_12 + w_22)),
)
def lemma32() -> Iterator[Reading]:
    """The difference in symbols, from which f drops out; and in numbers at three f's of two dimensions."""
    f = sympy.symbols("f_1 f_2", real=True)
    pairs = sympy.Matrix([[w_11, w_12], [w_12, w_22]])
    node = [sum(pairs[i, :]) for i in (0, 1)]
    adjacency = sympy.Matrix(2, 2, lambda i, j: pairs[i, j] / sympy.sqrt(node[i] * node[j]))
    u = sympy.Matrix([sympy.sqrt(node[i]) * f[i] for i in (0, 1)])
    factored = sum((adjacency - u * u.T).applyfunc(lambda one: one**2))
    spectral = sum(
        -2 * pairs[i, j] * f[i] * f[j] + node[i] * node[j] * (f[i] * f[j]) ** 2 for i in (0, 1) for j in (0, 1)
    )
    constant = sympy.simplify(sympy.expand(factored - spectral))
    rng = np.random.default_rng(0)
    points = []
    for _ in range(3):
        raw = rng.uniform(0.1, 1, 3)
        one, both, other = raw / (raw[0] + 2 * raw[1] + raw[2])
        joint = np.array([[one, both], [both, other]])
        marginal, F = joint.sum(1), rng.standard_normal((2, 2))
        G = F @ F.T
        loss = -2 * (joint * G).sum() + (np.outer(marginal, marginal) * G**2).sum()
        root = np.sqrt(marginal)
        found = ((joint / np.outer(root, root) - np.outer(root, root) * G) ** 2).sum() - loss
        points.append(Point({"w_11": one, "w_12": both, "w_22": other}, float(found), 1e-12))
    yield Reading({"constant": constant}, [Measured("constant", "exact", "both sides in numbers", points, seed=0)])


LEDGER.about(
    "spectral",
    "haochen2021:eigenvalues",
    where="below Eq. (4)",
    says="the minimiser is F* diag(√γ) Q, so that E f fᵀ has the eigenvalues γ_i; among linear encoders of Gaussian"
    " views {power}, and no mode of a positive one is lost: dimensional collapse {dimensional}",
    recorded="holds",
    given="γ_i is λ_i where f is linear: the linear functions are eigenfunctions of the operator; enough rows of W",
    seen=SEEN,
    power=r"\lambda_i",
    dimensional="never",
)


@LEDGER.claim(
    "haochen2021:largest",
    where="below Eq. (4), Eckart, Young and Mirsky",
    says="with one row the loss is lowest at the largest eigenvalue, where it is {lowest}, above its constant",
    recorded="holds",
    given="two modes, γ_1 > γ_2, linear encoders of Gaussian views",
    seen=SEEN,
    lowest=-(gamma_1**2),
)
def largest() -> Iterator[Reading]:
    """The loss at the stationary point of one kept mode; and the torch loss by hand, minimised with one row."""
    (points,) = (point for one in landscapes(catalogue("spectral").expand(4)) for point in stationary(one))
    level = points.level_in_correlations
    assert level is not None  # noqa: S101 (told the type checker)
    (lam,) = level.free_symbols
    loss = points.loss.subs({T2: level.subs(lam, gamma_1) ** 2})
    found = []
    for one, other in ((0.9, 0.4), (0.7, 0.6)):
        found.append(Point({"gamma_1": one, "gamma_2": other}, _one_row(one, other), 1e-6))
    how = "the loss by hand where it is lowest, W of one row"
    yield Reading({"lowest": sympy.simplify(loss)}, [Measured("lowest", "trained", how, found, seed=0)])


def _one_row(one: float, other: float) -> float:
    """The lowest value of the torch loss on quadrature nodes, two modes and a W of one row."""
    given = Covariances(np.diag([one, other]), np.diag([1 - one, 1 - other]))
    (first, second), weights = given.nodes(5, positive=True)
    (far,), others = given.nodes(5, views=1, positive=True)
    seen = [torch.tensor(np.array(part)) for part in (first[:, 0], second[:, 0], weights, far[:, 0], others)]

    def value(flat: torch.Tensor) -> torch.Tensor:
        views = [part if part.ndim == 1 else part @ flat[:, None] for part in seen]
        return TORCH_LOSSES["spectral"].evaluate(*views, parameters={})

    starts = np.random.default_rng(0).standard_normal((3, 2))
    with one_thread():
        return float(value(torch.tensor(lowest(value, starts))))
