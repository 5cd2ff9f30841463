"""Cases in which views are seen in two ways, under two augmentations or through two encoders.

A random loss has random roles, or those that a loss of two views gets; or it is one of the catalogue. The data are
halves of a pair: both show one latent datum, each by a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Literal

from derive import CATALOGUE, catalogue
from derive.algebra.graphs import AUGMENTATION, CLASSMATE, ENCODER, PLAIN
from derive.definition.contents import roles
from derive.definition.expression import Expression, ViewAverage, children, labels, rebuilt, walk
from derive.definition.kinds import in_two_kinds
from derive.definition.rewriting import relabelled, with_views
from derive.definition.views import View
from verify.assurance.oracle.law import Law, Matrix, Second
from verify.assurance.oracle.random_laws import of_points, random_law
from verify.assurance.oracle.random_losses import Case, random_case

Kinds = Literal["one", "mean", "classes", "noise", "classmates", "augmentations", "encoders"]
ROLES: Mapping[Kinds, int] = {
    "one": PLAIN,
    "mean": PLAIN,
    "classes": PLAIN,
    "noise": PLAIN,
    "classmates": CLASSMATE,
    "augmentations": AUGMENTATION,
    "encoders": ENCODER,
}
# Of the parameters of the catalogue; roots of ε are fractions, and N is drawn apart.
VALUES = {
    "alpha": ("1/2", "3/7", "2"),
    "beta": ("1/3", "2/5", "4"),
    "tau": ("1/2", "5/3", "2"),
    "t": ("5/4", "2", "1/3"),
    "b": ("1", "-1/2", "2/3"),
    "lambda": ("1/5", "1", "3"),
    "mu": ("1/2", "1", "5"),
    "nu": ("2", "1/3"),
    "c": ("3/5", "1"),
    "kappa": ("2/7", "3"),
    "gamma_std": ("1", "3/2"),
    "epsilon": ("4/9", "1/4", "1"),
}


def case_in(random: Random, kinds: Kinds) -> Case:
    """A case with views of these kinds; those with one kind of view are of `random_case`."""
    role = ROLES[kinds]
    if kinds in ("mean", "classes", "noise"):
        return random_case(random, kinds)
    if role == PLAIN:
        return random_case(random)
    if role == CLASSMATE:
        case = random_case(random, random.choice(("classes", "classes", "classes", "mean", "")))
        if case.law.points is not None:
            return case
        return replace(case, loss=replace(case.loss, expression=with_classmates(random, case.loss.expression)))
    if random.random() < 0.35:
        return _published(random, role)
    case = random_case(random)
    loss = replace(case.loss, expression=with_roles(random, case.loss.expression, role), bias=False)
    if role == AUGMENTATION:
        loss = replace(loss, bias=case.loss.bias)
    law = with_second(random, case.law if loss.bias else replace(case.law, bias=None), role)
    return replace(case, loss=loss, law=law, basis="A0,Sigma")


def with_roles(random: Random, node: Expression, role: int) -> Expression:
    """A definition some of whose views are seen in the second way; different views out of a number, in the same."""
    every = {view for part in walk(node) for view in labels(part) if isinstance(view, View)}
    # A mean over white noise is taken for weight decay, and becomes one of each encoder's.
    seen = node if any(view.white for view in every) else in_two_kinds(node, role)
    if random.random() < 0.4 and role in roles(seen):
        return seen
    further = {view for part in walk(node) if isinstance(part, ViewAverage) for view in part.over}
    named = sorted(every - further)
    second = random.sample(named, random.randint(min(1, len(named)), len(named)))
    return _with_further(random, relabelled(node, {view: view._replace(role=role) for view in second}), role)


def with_classmates(random: Random, node: Expression) -> Expression:
    """A definition some of whose views show other data of the class, if not those that others are further views of."""
    nodes = list(walk(node))
    means = [part for part in nodes if isinstance(part, ViewAverage)]
    kept = {part.of for part in means} | {view for part in means for view in part.over}
    every = {view for part in nodes for view in labels(part) if isinstance(view, View) and not view.white}
    named = sorted(every - kept)
    chosen = random.sample(named, random.randint(min(1, len(named)), len(named)))
    put = {view: view._replace(role=CLASSMATE) for view in chosen}
    if means and random.random() < 0.5:
        finite = {part.over for part in means if part.count is not None}
        put |= {view: view._replace(role=CLASSMATE) for over in finite for view in over}
    return relabelled(node, put)


def _with_further(random: Random, node: Expression, role: int) -> Expression:
    """The same with further views of a datum seen in one way or the other, in each mean by itself."""
    node = rebuilt(node, [_with_further(random, part, role) for part in children(node)])
    if not isinstance(node, ViewAverage) or random.random() < 0.5:
        return node
    put = {view: view._replace(name=f"{view.name}_second", role=role) for view in node.over}
    return replace(node, over=tuple(put.values()), body=with_views(node.body, put))


def with_second(random: Random, law: Law, role: int) -> Law:
    """The same law with views of the second kind; those of the first change with them, as halves of one pair."""
    d0 = len(law.A0)
    other = random.choice((1, 2, 2, 3)) if role == ENCODER else d0
    V = [[_entry(random) for _ in range(other)] for _ in range(law.d1)] if role == ENCODER else None
    left, right = (
        _transposed([[Fraction(random.randint(-2, 2)) for _ in range(d)] for _ in range(3)]) for d in (d0, other)
    )
    points: Matrix | None = None
    if law.points is not None:
        # A datum of the set is a point of both kinds, and A0, A, A₂ are means of products of points.
        left = _transposed(law.points)
        points = _transposed([_centred(random, len(law.points)) for _ in range(other)])
        right = _transposed(points)
    divided = Fraction(1, 1 if law.points is None else len(law.points))
    A0, A, A2 = (_product(*pair, divided) for pair in ((left, left), (left, right), (right, right)))
    noise = _plus(law.Sigma, law.A0, -1)
    root = [[Fraction(random.randint(-2, 2)) for _ in range(other)] for _ in range(other)]
    second = Second(A, A2, _plus(A2, _product(root, root), 1), V, points)
    return replace(law, A0=A0, Sigma=_plus(A0, noise, 1), second=second)


def _published(random: Random, role: int) -> Case:
    known = (name for name, loss in CATALOGUE.items() if CLASSMATE not in loss.roles)
    name = random.choice((*known, "clip", "infonce"))
    loss = catalogue(name)
    loss = replace(loss, expression=_of_role(in_two_kinds(loss.expression, role), role))
    values = {one: Fraction(random.choice(VALUES[one])) for one in loss.parameters if one in VALUES}
    if "N" in loss.parameters:
        values["N"] = Fraction(random.choice((2, 3, 3, 4)))
    law = random_law(random, random.choice((1, 2, 2, 3)), random.choice((1, 2, 2, 3)), None)
    order = 6 if name in ("infonce", "clip") else 4
    if loss.batch_size is not None and law.scale is None and random.random() < 0.15:
        law, order = of_points(random, law, int(values["N"])), 2
    flow: Literal["before", "after", "left"] = random.choice(("before", "after", "left"))
    return Case(loss, order, with_second(random, law, role), values, flow, "A0,Sigma")


def _of_role(node: Expression, role: int) -> Expression:
    """A definition whose views of the second kind have a role."""
    named = {view for part in walk(node) for view in labels(part) if isinstance(view, View)}
    return relabelled(node, {view: view._replace(role=role) for view in named if view.role != PLAIN})


def _entry(random: Random) -> Fraction:
    return Fraction(random.choice((-3, -2, -1, 1, 2, 3)), random.choice((1, 1, 2)))


def _centred(random: Random, n: int) -> list[Fraction]:
    some = [Fraction(random.randint(-3, 3)) for _ in range(n - 1)]
    return [*some, -sum(some, Fraction(0))]


def _product(left: Matrix, right: Matrix, factor: Fraction = Fraction(1)) -> Matrix:
    """Left times the transpose of right."""
    return [[factor * sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0)) for v in right] for u in left]


def _plus(left: Matrix, right: Matrix, sign: int) -> Matrix:
    return [[a + sign * b for a, b in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]


def _transposed(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]
