"""Models and data drawn at random, in small fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from random import Random

from verify.assurance.oracle.law import Class, Law, Matrix

SCALES = (("1/2", "3/2", "5/8"), ("1/2", "2", "4/5"), ("1", "-1", "3/4"))  # s is the first with the third's chance


def random_law(random: Random, d0: int, d1: int, bias: list[Fraction] | None) -> Law:
    """A model and Gaussian or elliptical data of these dimensions."""
    W = [[_entry(random) for _ in range(d0)] for _ in range(d1)]
    A0, C = _covariance(random, d0), _covariance(random, d0)
    Sigma = [[a + c for a, c in zip(*rows, strict=True)] for rows in zip(A0, C, strict=True)]
    if random.random() < 0.8:
        return Law(W, A0, Sigma, bias)
    low, high, chance = map(Fraction, random.choice(SCALES))
    scale = {k: chance * low**k + (1 - chance) * high**k for k in range(1, 9)}
    return Law(W, A0, Sigma, bias, scale, random.choice(("datum", "view")))


def with_mean(random: Random, law: Law) -> Law:
    """The same with a mean, and Gaussian."""
    return replace(law, scale=None, per="datum", mean=_vector(random, len(law.A0)))


def of_classes(random: Random, law: Law, *, shared_noise: bool) -> Law:
    """The same with two or three classes.

    Args:
        random: what is drawn from.
        law: its model, and its bias, are kept.
        shared_noise: whether the augmentation adds the same noise in all classes.

    """
    d0 = len(law.A0)
    weights = random.choice(((1, 1), (1, 3), (2, 3), (1, 1, 2), (1, 2, 5)))
    same = _covariance(random, d0)
    classes = []
    for weight in weights:
        A0, C = _covariance(random, d0), same if shared_noise else _covariance(random, d0)
        Sigma = [[a + c for a, c in zip(*rows, strict=True)] for rows in zip(A0, C, strict=True)]
        classes.append(Class(Fraction(weight, sum(weights)), _vector(random, d0), A0, Sigma))
    A0, Sigma = (
        [[sum((p * X[k][m] for p, X in each), Fraction(0)) for m in range(d0)] for k in range(d0)]
        for each in ([(y.chance, y.A0) for y in classes], [(y.chance, y.Sigma) for y in classes])
    )
    return Law(law.W, A0, Sigma, law.bias, classes=classes)


# Weights of the whole numbers 0, ±1, … that have the moments of a standard normal number through orders 5 and 7.
NORMAL: dict[int, tuple[str, ...]] = {4: ("1/2", "1/6", "1/12"), 6: ("7/18", "1/4", "1/20", "1/180")}


def with_noise(random: Random, law: Law, order: int, *, alike: bool) -> Law:
    """The same with noise that depends on the datum, C(z) = C + T z (T z)ᵀ.

    Args:
        random: what is drawn from.
        law: its model, and its bias, are kept.
        order: through which moments are needed, 4 or 6.
        alike: whether the noise is the same for all data, T = 0.

    """
    d0 = range(len(law.A0))
    chances = {sign * k: Fraction(one) for k, one in enumerate(NORMAL[order]) for sign in (1, -1)}
    root, T = ([[Fraction(random.randint(-2, 2)) for _ in d0] for _ in d0] for _ in range(2))
    fixed = _covariance(random, len(d0))
    if alike:
        T = [[Fraction(0)] * len(d0)] * len(d0)
    nothing = [[Fraction(0)] * len(d0)] * len(d0)
    classes = []
    for at in product(chances, repeat=len(d0)):
        z = _times(root, list(map(Fraction, at)))
        moved = _times(T, z)
        noise = [[fixed[k][m] + moved[k] * moved[m] for m in d0] for k in d0]
        classes.append(Class(prod((chances[one] for one in at), start=Fraction(1)), z, nothing, noise))
    A0, C = (
        [[sum((one.chance * of(one)[k][m] for one in classes), Fraction(0)) for m in d0] for k in d0]
        for of in (lambda one: [[a * b for b in one.mean] for a in one.mean], lambda one: one.Sigma)
    )
    Sigma = [[A0[k][m] + C[k][m] for m in d0] for k in d0]
    return Law(law.W, A0, Sigma, law.bias, classes=classes, of_data=True)


def _times(matrix: Matrix, vector: list[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction(0)) for row in matrix]


def of_points(random: Random, law: Law, n: int) -> Law:
    """The same with n fixed points, which sum to zero, in place of Gaussian data."""
    d0 = range(len(law.A0))
    points = [[Fraction(random.randint(-3, 3)) for _ in d0] for _ in range(n - 1)]
    points.append([-sum((one[k] for one in points), Fraction(0)) for k in d0])
    A0 = [[sum((one[k] * one[m] for one in points), Fraction(0)) / n for m in d0] for k in d0]
    Sigma = [[A0[k][m] + law.Sigma[k][m] - law.A0[k][m] for m in d0] for k in d0]
    return replace(law, A0=A0, Sigma=Sigma, points=points)


def _entry(random: Random) -> Fraction:
    return Fraction(random.choice((-3, -2, -1, 1, 2, 3)), random.choice((1, 1, 2)))


def _vector(random: Random, d0: int) -> list[Fraction]:
    """A mean: sums of W μ with signs do not vanish, so that a term of odd order is seen."""
    return [
        Fraction(random.choice((1, -1)) * one, random.choice((1, 2, 3))) for one in random.sample((2, 5, 7, 11), d0)
    ]


def _covariance(random: Random, d0: int) -> Matrix:
    root = [[Fraction(random.randint(-2, 2)) for _ in range(d0)] for _ in range(d0)]
    return [[sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0)) for v in root] for u in root]
