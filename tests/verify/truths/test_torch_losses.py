"""The hand-written losses against plain loops, and their promises: batches, complex numbers, nested derivatives."""

from collections.abc import Callable
from functools import partial
from math import factorial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from derive import CATALOGUE
from verify.truths.settings import values_for
from verify.truths.taylor import nested_derivatives
from verify.truths.torch_losses import TORCH_LOSSES, TorchLoss, norm_penalty, weight_decay

PARAMETERS: dict[str, dict[str, float]] = {
    "infonce": {},
    "infonce-batch": {"N": 4},
    "weighted-infonce": {"alpha": 0.3, "N": 4},
    "dcl": {"tau": 0.7, "N": 4},
    "ntxent": {"tau": 0.7, "N": 4},
    "siglip": {"t": 1.3, "b": 0.4, "N": 4},
    "beta-infonce": {"beta": 0.6},
    "spectral": {},
    "barlow-twins": {"lambda": 0.2, "d1": 2},
    "vicreg": {"lambda": 1.1, "mu": 0.9, "nu": 0.5, "gamma_std": 1.2, "epsilon": 0.4, "d1": 2},
    "vicreg-soft": {"lambda": 1.1, "nu": 0.5, "kappa": 0.8, "c": 1.5, "d1": 2},
    "alignment-uniformity": {"lambda": 0.7, "t": 1.6},
}
NAMES = sorted(TORCH_LOSSES)
for name in {*NAMES} - PARAMETERS.keys():
    PARAMETERS[name] = {key: float(value) for key, value in values_for(CATALOGUE[name], 4, 2).items()}
BATCH = [name for name in NAMES if TORCH_LOSSES[name].over_batch]
POPULATION = [name for name in NAMES if not TORCH_LOSSES[name].over_batch]


# The definitions once more, in loops over single vectors.


def dot(u: Any, v: Any) -> Any:
    return sum(a * b for a, b in zip(u, v, strict=True))


def square(u: Any, v: Any) -> Any:
    return sum((a - b) ** 2 for a, b in zip(u, v, strict=True))


def weighted_infonce(z1: Any, z2: Any, alpha: float) -> Any:
    n, total = len(z1), 0.0
    for i in range(n):
        top = np.exp(-square(z1[i], z2[i]) / 2)
        bottom = sum(np.exp(-square(z1[i], z2[j]) / 2) for j in range(n) if j != i)
        total -= np.log(top / (bottom + alpha * top))
    return total / n


def simclr(z1: Any, z2: Any, tau: float, positive_below: bool) -> Any:
    views, n, total = (z1, z2), len(z1), 0.0
    for a in range(2):
        for i in range(n):
            top = np.exp(dot(views[a][i], views[1 - a][i]) / tau)
            bottom = sum(np.exp(dot(views[a][i], views[b][j]) / tau) for b in range(2) for j in range(n) if j != i)
            total -= np.log(top / (bottom + (top if positive_below else 0)))
    return total / (2 * n)


def siglip(z1: Any, z2: Any, t: float, b: float) -> Any:
    n, total = len(z1), 0.0
    for i in range(n):
        for j in range(n):
            y = 1 if i == j else -1
            total += np.log(1 / (1 + np.exp(y * (-t * dot(z1[i], z2[j]) + b))))
    return -total / n


def mean(weights: Any, values: Any) -> Any:
    return sum(w * v for w, v in zip(weights, values, strict=True))


def beta_infonce(x: Any, x_pos: Any, p: Any, chi: Any, q: Any, *, beta: float) -> Any:
    spread = [np.log(mean(q, [np.exp(-square(u, v) / 2) for v in chi])) for u in x]
    return mean(p, [square(u, v) / 2 + beta * s for u, v, s in zip(x, x_pos, spread, strict=True)])


def spectral(x: Any, x_pos: Any, p: Any, chi: Any, q: Any) -> Any:
    pulled = mean(p, [dot(u, v) for u, v in zip(x, x_pos, strict=True)])
    return -2 * pulled + mean(p, [mean(q, [dot(u, v) ** 2 for v in chi]) for u in x])


def barlow_twins(x: Any, x_pos: Any, p: Any, *_: Any, lam: float) -> Any:
    total, d = 0.0, len(x[0])
    for i in range(d):
        for j in range(d):
            entry = mean(p, [u[i] * v[j] for u, v in zip(x, x_pos, strict=True)])
            total += (1 - entry) ** 2 if i == j else lam * entry**2
    return total


def covariance(x: Any, p: Any, i: int, j: int) -> Any:
    first, second = mean(p, [u[i] for u in x]), mean(p, [u[j] for u in x])
    return mean(p, [(u[i] - first) * (u[j] - second) for u in x])


def off_diagonal(x: Any, p: Any) -> Any:
    d = len(x[0])
    return sum(covariance(x, p, i, j) ** 2 for i in range(d) for j in range(d) if i != j) / d


def gap(x: Any, p: Any, gamma_std: float, epsilon: float) -> Any:
    d = len(x[0])
    return sum(gamma_std - np.sqrt(covariance(x, p, j, j) + epsilon) for j in range(d)) / d


def pulled(x: Any, x_pos: Any, p: Any) -> Any:
    return mean(p, [square(u, v) for u, v in zip(x, x_pos, strict=True)])


def vicreg(
    x: Any,
    x_pos: Any,
    p: Any,
    *_: Any,
    lam: float,
    mu: float,
    nu: float,
    gamma_std: float,
    epsilon: float,
) -> Any:
    variance = gap(x, p, gamma_std, epsilon) + gap(x_pos, p, gamma_std, epsilon)
    return lam * pulled(x, x_pos, p) + mu * variance + nu * (off_diagonal(x, p) + off_diagonal(x_pos, p))


def vicreg_soft(x: Any, x_pos: Any, p: Any, *_: Any, lam: float, nu: float, kappa: float, c: float) -> Any:
    penalty = kappa * (mean(p, [dot(u, u) for u in x]) - c) ** 2
    return lam * pulled(x, x_pos, p) + penalty + nu * (off_diagonal(x, p) + off_diagonal(x_pos, p))


def alignment_uniformity(x: Any, x_pos: Any, p: Any, chi: Any, q: Any, *, lam: float, t: float) -> Any:
    kernel = mean(p, [mean(q, [np.exp(-t * square(u, v)) for v in chi]) for u in x])
    return pulled(x, x_pos, p) + lam * np.log(kernel)


LOOPS: dict[str, Callable[..., Any]] = {
    "infonce": partial(beta_infonce, beta=1.0),
    "infonce-batch": lambda z1, z2: weighted_infonce(z1, z2, 1.0),
    "weighted-infonce": weighted_infonce,
    "dcl": lambda z1, z2, tau: simclr(z1, z2, tau, positive_below=False),
    "ntxent": lambda z1, z2, tau: simclr(z1, z2, tau, positive_below=True),
    "siglip": siglip,
    "beta-infonce": beta_infonce,
    "spectral": spectral,
    "barlow-twins": barlow_twins,
    "vicreg": vicreg,
    "vicreg-soft": vicreg_soft,
    "alignment-uniformity": alignment_uniformity,
}


def by_loops(name: str, tensors: list[Tensor]) -> Any:
    given = {k.replace("lambda", "lam"): v for k, v in PARAMETERS[name].items() if k not in ("N", "d1")}
    return LOOPS[name](*(t.tolist() for t in tensors), **given)


def evaluate(name: str, tensors: list[Tensor]) -> Tensor:
    return TORCH_LOSSES[name].evaluate(*tensors, parameters=PARAMETERS[name])


def draw(
    name: str, n: int, d: int, *, seed: int = 0, lead: tuple[int, ...] = (), imaginary: float = 0.0
) -> list[Tensor]:
    """Random tensors of the loss's kind; the populations have one negative weight each."""
    generator = torch.Generator().manual_seed(seed)

    def embedding(rows: int) -> Tensor:
        real, other = (torch.randn(*lead, rows, d, generator=generator, dtype=torch.float64) for _ in range(2))
        return 0.5 * (torch.complex(real, imaginary * other) if imaginary else real)

    if TORCH_LOSSES[name].over_batch:
        return [embedding(n), embedding(n)]
    p = torch.tensor([0.7, -0.1] + [0.4 / (n - 1)] * (n - 1), dtype=torch.float64)
    q = torch.tensor([-0.05] + [1.05 / n] * n, dtype=torch.float64)
    return [embedding(n + 1), embedding(n + 1), p, embedding(n + 1), q]


def with_embeddings(name: str, tensors: list[Tensor], change: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """The tensors with `change` applied to all but the weights."""
    weights = () if TORCH_LOSSES[name].over_batch else (2, 4)
    return [t if i in weights else change(t) for i, t in enumerate(tensors)]


def test_every_catalogue_loss_has_its_torch_loss() -> None:
    assert TORCH_LOSSES.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("d", [2, 3])
def test_equals_the_loops(name: str, n: int, d: int) -> None:
    tensors = draw(name, n, d, seed=10 * n + d)
    value = evaluate(name, tensors)
    assert value.shape == ()
    assert value.item() == pytest.approx(by_loops(name, tensors), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", LOOPS)
def test_equals_the_loops_in_complex_numbers(name: str) -> None:
    tensors = draw(name, 3, 2, seed=5, imaginary=0.2)
    value = evaluate(name, tensors)
    assert value.dtype == torch.complex128
    assert abs(value.item().imag) > 1e-4
    assert value.item() == pytest.approx(by_loops(name, tensors), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_leading_dimensions_are_independent(name: str) -> None:
    tensors = draw(name, 3, 2, lead=(2, 3))
    values = evaluate(name, tensors)
    assert values.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        single = with_embeddings(name, tensors, lambda t, i=i, j=j: t[i, j])  # type: ignore[misc]
        assert values[i, j].item() == pytest.approx(evaluate(name, single).item(), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_vmap_equals_leading_dimensions(name: str) -> None:
    tensors = draw(name, 3, 2, lead=(4,))
    axes = tuple(0 if t.ndim == 3 else None for t in tensors)
    mapped = torch.func.vmap(lambda *ts: evaluate(name, list(ts)), in_dims=axes)(*tensors)
    assert torch.allclose(mapped, evaluate(name, tensors), rtol=1e-13, atol=1e-13)


def along(name: str, tensors: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """s -> the loss where the embeddings have moved by s in a fixed direction."""
    generator = torch.Generator().manual_seed(99)
    steps = {id(t): 0.5 * torch.randn(t.shape, generator=generator, dtype=torch.float64) for t in tensors}
    return lambda s: evaluate(name, with_embeddings(name, tensors, lambda t: t + s * steps[id(t)]))


def nested(f: Callable[[Tensor], Tensor], order: int) -> list[float]:
    """The derivatives of f at 0, from order 0 to this one."""
    value = f(torch.zeros((), dtype=torch.float64)).item()
    return [value, *(factorial(k) * one for k, one in nested_derivatives(f, order).items())]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("origin", [False, True])
def test_nested_derivatives_equal_cauchy(name: str, origin: bool) -> None:
    """Derivatives to order 4 against Cauchy's integral on a circle: true only of an analytic function."""
    tensors = draw(name, 3, 2, seed=3)
    if origin:
        tensors = with_embeddings(name, tensors, torch.zeros_like)
    f = along(name, tensors)
    angles = 2 * np.pi * np.arange(64) / 64
    for radius in 0.3 * 2.0 ** -np.arange(8):
        circle = np.array([f(torch.tensor(radius * np.exp(1j * a))).item() for a in angles])
        sizes = np.abs(np.fft.fft(circle))
        # No singularity is near: what the highest orders have is far below what the fourth has, or only rounding.
        if sizes[28:36].max() < 1e-6 * sizes[1:8].max() + 1e-13 * sizes.max():
            break
    for order, derivative in enumerate(nested(f, 4)):
        cauchy = factorial(order) * np.mean(circle * np.exp(-1j * order * angles)) / radius**order
        assert abs(cauchy.imag) < 1e-9
        assert derivative == pytest.approx(cauchy.real, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["ntxent", "infonce"])
def test_nested_derivatives_equal_finite_differences(name: str) -> None:
    """The same in real numbers: the polynomial through 13 points, differentiated four times."""
    f = along(name, draw(name, 3, 2, seed=3))
    step, offsets = 0.06, np.arange(-6, 7)
    values = np.array([f(torch.tensor(step * k, dtype=torch.float64)).item() for k in offsets])
    taylor = np.linalg.solve(np.vander(offsets.astype(float), increasing=True), values)
    for order, derivative in enumerate(nested(f, 4)):
        assert derivative == pytest.approx(factorial(order) * taylor[order] / step**order, rel=1e-6, abs=1e-7)


def test_weights_are_means() -> None:
    """A datum of weight two thirds counts as two data of weight one third."""
    x, x_pos, _, chi, _ = draw("infonce", 2, 2, seed=8)
    once, thrice = [x[:2], x_pos[:2]], [x[[0, 0, 1]], x_pos[[0, 0, 1]]]
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    uneven = torch.tensor([2 / 3, 1 / 3], dtype=torch.float64)
    for name in POPULATION:
        first = evaluate(name, [*once, uneven, chi, third])
        second = evaluate(name, [*thrice, third, chi, third])
        assert first.item() == pytest.approx(second.item(), rel=1e-13)


def test_modifiers() -> None:
    W = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], dtype=torch.float64)
    assert weight_decay(W, 0.1).item() == pytest.approx(0.1 * (1 + 4 + 0.25 + 9 + 1))
    assert weight_decay(W.expand(5, 2, 3), 0.1).shape == (5,)
    p = torch.tensor([0.25, 0.75], dtype=torch.float64)
    assert norm_penalty(W, p, 2.0, 1.0).item() == pytest.approx(2 * (0.25 * 5.25 + 0.75 * 10 - 1) ** 2)


def test_parameters_under_catalogue_names() -> None:
    seen: dict[str, Any] = {}

    def loss(z1: Tensor, z2: Tensor, *, lam: float, t: float) -> Tensor:
        seen.update(lam=lam, t=t)
        return (z1 * z2).sum()

    z = torch.ones(2, 2)
    TorchLoss("own", loss).evaluate(z, z, parameters={"lambda": 0.5, "N": 2, "d1": 2, "t": 1.0})
    assert seen == {"lam": 0.5, "t": 1.0}
    with pytest.raises(TypeError, match="tau"):
        TORCH_LOSSES["dcl"].evaluate(z, z, parameters={"N": 2})


@pytest.mark.parametrize("name", BATCH)
def test_tensor_parameters(name: str) -> None:
    """Parameters may be 0-d tensors, so that a derivative in them exists."""
    tensors = draw(name, 4, 2)
    given = {k: torch.tensor(v, dtype=torch.float64) for k, v in PARAMETERS[name].items()}
    assert torch.allclose(TORCH_LOSSES[name].evaluate(*tensors, parameters=given), evaluate(name, tensors))
