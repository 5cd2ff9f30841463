"""How fast are the fourth-order coefficients of a torch loss, beside other ways to get the same numbers?

Of InfoNCE at one batch size: the coefficients of products of two eigenvalues, from which those of the trace words
follow. The project's side takes the loss as it is, one ray at a time. The peers are given what makes them fast: all
rays in one batch, a function that can be traced, the loss rewritten in JAX.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import factorial
from typing import Any

from timing import alternate, print_table, print_versions, ratio, show_ratio

ROUNDS = 15
N, D, ORDER = 4, 2, 4
RADIUS = 0.35
AGREE = 1e-8
# Exchangeable data: two of them are enough, with two coordinates each.
DATA = 2

Array = Any
Numbers = dict[Any, float]
WORDS = tuple(
    ((one, 0), (other, coordinate))
    for (one, other), coordinate in product((("p", "p"), ("p", "m"), ("m", "m")), range(2))
)


def main() -> None:
    """Compare the numbers of all sides, then time them."""
    # One thread unless asked otherwise: on few cores threads wait for one another.
    threads = os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    print_versions("torch", "jax", "numpy")
    print(f"InfoNCE at order {ORDER}, N = {N}, d = {D}, float64, OMP_NUM_THREADS={threads}")
    rays = directions()
    sides: dict[str, Callable[[], Numbers]] = {
        "automatic differentiation, ray by ray": partial(by_rays, autograd=True),
        "values, ray by ray": partial(by_rays, autograd=False),
    }
    peers: dict[str, Callable[[], Numbers]] = {}
    first: dict[str, float] = {}
    for name, make in (
        ("nested torch.func.jvp, vmap", nested_jvp),
        ("torch.func.hessian of hessian, dense", dense),
        ("jax jet, vmap and jit", taylor_mode),
    ):
        try:
            peers[name] = make(rays)
        except ImportError as reason:
            print(f"{name}: not run, {reason}")
    reference: Numbers = {}
    rows = []
    for name, side in (sides | peers).items():
        start = time.perf_counter()
        found = side()
        first[name] = time.perf_counter() - start
        reference = reference or found
        distance = max(abs(found[word] - reference[word]) for word in reference)
        if distance > AGREE:
            raise SystemExit(f"{name}: differs by {distance:.1e}")
        rows.append((name, f"{distance:.0e}"))
    times = alternate(sides | peers, rounds=ROUNDS)
    base = times["automatic differentiation, ray by ray"]
    print_table(
        f"{len(reference)} coefficients from {len(rays)} rays",
        ("side", "differs by", "first call", "a call", "over ray by ray"),
        [
            (name, distance, f"{first[name]:.2g} s", str(times[name]), show_ratio(ratio(times[name], base)))
            for name, distance in rows
        ],
    )


def infonce(z1: Array, z2: Array) -> Array:
    """One direction: the second views are the candidates."""
    import torch

    similarities = z1 @ z2.mT
    return (torch.log(torch.exp(similarities).sum(-1)) - (z1 * z2).sum(-1)).mean()


def by_rays(*, autograd: bool) -> Numbers:
    """The project's own: nothing is remembered between calls."""
    from verify.audits.blackbox.coefficients import Measurement, Method
    from verify.truths.function import BlackBox

    at = Measurement(BlackBox(infonce), N, D, ORDER, Method(RADIUS, autograd=autograd))
    return {word: at.power(word)[0] for word in WORDS}


def directions() -> Array:
    """Unit rays (R, 2, N, d) that the project measures along."""
    import numpy as np

    found: list[Array] = []
    _along(lambda ray: found.append(ray) or 0.0)
    return np.stack(found)


def _along(coefficient: Callable[[Array], float]) -> Numbers:
    """The same contraction with Taylor coefficients of t⁴ along unit rays from elsewhere."""
    from verify.audits.blackbox.coefficients import Measurement, Method
    from verify.truths.function import BlackBox

    @dataclass
    class Elsewhere(Measurement):
        def _coefficient(self, direction: Array) -> tuple[float, float]:
            return coefficient(direction), 0.0

    at = Elsewhere(BlackBox(infonce), N, D, ORDER, Method(RADIUS))
    return {word: at.power(word)[0] for word in WORDS}


def _of_batch(coefficients: Callable[[], Array]) -> Numbers:
    """The contraction when all rays were measured at once, in the order in which they are asked for."""
    known = iter(coefficients().tolist())
    return _along(lambda _: next(known))


def nested_jvp(rays: Array) -> Callable[[], Numbers]:
    """Forward mode in forward mode, four deep."""
    import torch

    def derivative(f: Callable[[Array], Array], t: Array) -> Array:
        return torch.func.jvp(f, (t,), (torch.ones_like(t),))[1]

    def coefficient(ray: Array) -> Array:
        f: Callable[[Array], Array] = lambda t: infonce(*(t * ray))  # noqa: E731 (the innermost of a chain)
        for _ in range(ORDER):
            f = partial(derivative, f)
        return f(torch.zeros((), dtype=ray.dtype)) / factorial(ORDER)

    batch = torch.from_numpy(rays)
    return lambda: _of_batch(lambda: torch.func.vmap(coefficient)(batch))


def dense(_: Array) -> Callable[[], Numbers]:
    """All 8⁴ fourth derivatives in the variables that suffice, of which a few are needed."""
    import torch

    from verify.audits.blackbox.coefficients import Measurement, Method
    from verify.truths.function import BlackBox

    root = 2**-0.5

    def of_few(u: Array) -> Array:
        """u (2, 2, 2): sum and difference of the views, datum, coordinate."""
        z = torch.stack([root * (u[0] + u[1]), root * (u[0] - u[1])])
        return infonce(*torch.nn.functional.pad(z, (0, 0, 0, N - DATA)))

    @dataclass
    class Dense(Measurement):
        derivatives: Array = field(default=None)

        def monomial(self, powers: dict[Any, int]) -> tuple[float, float]:
            variables = [
                ("pm".index(view), datum, axis)
                for view, datum, axis in powers
                for _ in range(2 * powers[view, datum, axis])
            ]
            below = factorial(2) ** 2 if len(powers) == 2 else factorial(4)
            return float(self.derivatives[tuple(index for one in variables for index in one)]) / below, 0.0

    def numbers() -> Numbers:
        zero = torch.zeros(2, DATA, D, dtype=torch.float64)
        fourth = torch.func.hessian(torch.func.hessian(of_few))(zero)
        at = Dense(BlackBox(infonce), N, D, ORDER, Method(RADIUS), derivatives=fourth)
        return {word: at.power(word)[0] for word in WORDS}

    return numbers


def taylor_mode(rays: Array) -> Callable[[], Numbers]:
    """JAX's Taylor mode, compiled; the first call compiles."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.experimental.jet import jet

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 (JAX's own signature)

    def loss(z: Array) -> Array:
        return (jnp.log(jnp.exp(z[0] @ z[1].T).sum(-1)) - (z[0] * z[1]).sum(-1)).mean()

    def coefficient(ray: Array) -> Array:
        zero = jnp.zeros_like(ray)
        series = jet(loss, (zero,), ((ray,) + (zero,) * (ORDER - 1),))[1]
        return series[-1] / factorial(ORDER)

    compiled = jax.jit(jax.vmap(coefficient))
    return lambda: _of_batch(lambda: np.asarray(compiled(rays)))


if __name__ == "__main__":
    main()
