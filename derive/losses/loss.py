"""A loss: a definition, with its name, its source and what can be derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import sympy

from derive.algebra.alphabet import basis_of
from derive.algebra.effort import LIMIT, derived
from derive.algebra.graphs import CLASSMATE, ENCODER, OF_ONE_KIND, PLAIN, STOPPED
from derive.algebra.ranges import Ranges, check_values
from derive.algebra.scalars import normal_form
from derive.algebra.signs import sign
from derive.definition import notation
from derive.definition.allowed import declared, domain
from derive.definition.clusters import Sample
from derive.definition.contents import (
    batch_size,
    check_definition,
    depends_on_moments,
    encoders,
    looks_at_coordinates,
    parameters,
    parity,
    roles,
    samples,
    sees_differences,
)
from derive.definition.expression import Expression, as_expression, as_scalar, free_views, scalars
from derive.definition.kinds import in_two_kinds
from derive.definition.language import EMBEDDING_DIMENSION, Mean, inner
from derive.definition.rewriting import normalised, substitute
from derive.definition.samples import kept_apart
from derive.definition.views import View, white_noise
from derive.definition.written import definition
from derive.errors import InputError
from derive.expansion.expansion import Expansion, check_basis
from derive.expansion.laws import Gaussian, Law
from derive.expansion.laws.averaging import trace_polynomial
from derive.expansion.moments import MomentSeries, moment_series
from derive.expansion.series import check_order
from derive.latex import for_notebook
from derive.references import REFERENCES

SAMPLINGS = ("iid", "fixed")


@dataclass(frozen=True)
class Loss:
    """A loss of an embedding f, defined over views.

    The definition is averaged over one datum: views of it may be free, views of any other must be bound by a
    `Mean`. Parameters are SymPy symbols.

    Args:
        expression: the definition.
        name: a short name, as on the command line.
        title: its usual name.
        sources: keys of `derive.references.REFERENCES`.
        where: the place in the sources, such as "Eq. 2".
        notes: what a reader should know, in sentences.
        batch: the number of data in a batch, where the definition does not determine it (see `batch_size`).
        bias: whether the linear model that the loss is expanded for is f(x) = W x + b rather than W x.
        ranges: the values that parameters take, by name: a pair of excluded ends, None where there is no end.
            A parameter that is not named is positive, unless its symbol was made negative or real. What the definition
            itself implies (see `domain`) need not be declared.
        defaults: values that parameters have where numbers are needed and none is given, pairs of a name and a value.

    >>> from derive import Loss, Mean, exp, half_sq, log, views
    >>> x, x_pos, chi = views("x, x_pos, chi")
    >>> infonce = Loss(half_sq(x, x_pos) + log(Mean(exp(-half_sq(x, chi)), over=chi)))
    >>> print(infonce.expand(order=4))
    −Tr[W A0 Wᵀ] + ¾ Tr[(W Σ Wᵀ)²] + O(W⁶)

    """

    expression: Expression
    name: str = "loss"
    title: str = ""
    sources: tuple[str, ...] = ()
    where: str = ""
    notes: tuple[str, ...] = ()
    batch: sympy.Expr | None = None
    bias: bool = False
    ranges: Mapping[str, object] | Ranges = field(default=Ranges())
    defaults: tuple[tuple[str, sympy.Expr], ...] = ()

    def __post_init__(self) -> None:
        """Check the definition and the sources."""
        object.__setattr__(self, "expression", as_expression(self.expression))
        check_definition(self.expression, self.name)
        if self.bias and self.encoders == 2:
            message = f"{self.name} has two encoders, W x and V y; a bias is for a single one, W x + b: leave it out"
            raise InputError(message)
        for key in self.sources:
            if key not in REFERENCES:
                message = f"loss {self.name}: source {key!r} is not in derive.references"
                raise InputError(message)
        given, parameters = self.ranges, self.parameters
        known = given if isinstance(given, Ranges) else declared(given, parameters, self.name)
        object.__setattr__(self, "ranges", known.restricted(parameters.values()))

    @property
    def source(self) -> str:
        """The sources in one line."""
        cited = "; ".join(REFERENCES[key].short for key in self.sources)
        return f"{cited}, {self.where}" if cited and self.where else cited

    @property
    def parameters(self) -> dict[str, sympy.Symbol]:
        """The loss's symbols by name; d1, the embedding's dimension, is one where the definition needs it."""
        return parameters(self.expression)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The finite samples that the definition draws."""
        return samples(self.expression)

    @property
    def batch_size(self) -> sympy.Expr | None:
        """The number of data in a batch, or None for a population loss.

        Where a mean over a sample of n also looks at the datum that the loss is averaged over, the batch is that
        datum and the sample, n + 1; otherwise it is the sample.
        """
        return batch_size(self.expression, self.name) if self.batch is None else self.batch

    @cached_property
    def roles(self) -> frozenset[int]:
        """How its views are seen: PLAIN, and maybe under a second augmentation or through a second encoder."""
        return roles(self.expression)

    @property
    def encoders(self) -> int:
        """2 where some views are seen through a second encoder, g(y) = V y, else 1."""
        return encoders(self.roles)

    @property
    def stopped(self) -> bool:
        """Whether some views are stopped: then training follows no gradient of it, but a field (`derive.fields`)."""
        return STOPPED in self.roles

    @property
    def point(self) -> str:
        """What it is expanded in: W, (W, b) or (W, V)."""
        return notation.point(self.encoders, bias=self.bias)

    @property
    def rotation_invariant(self) -> bool:
        """Whether the definition contains only inner products and distances of f: then no rotation of f matters.

        A definition with coordinates may be invariant all the same, as Barlow Twins is at λ = 1; its expansion tells.

        >>> from derive import catalogue
        >>> [catalogue(name).rotation_invariant for name in ("infonce", "barlow-twins")]
        [True, False]
        """
        return not looks_at_coordinates(self.expression)

    @property
    def even(self) -> bool:
        """Whether f → −f is known to change nothing."""
        return parity(self.expression) == 0

    @property
    def depends_on_moments(self) -> bool:
        """Whether it depends on the data through finitely many moments alone, as VICReg does and InfoNCE does not."""
        return depends_on_moments(self.expression)

    @cached_property
    def domain(self) -> Ranges:
        """The ranges of the parameters: what was declared, and what the definition needs.

        A sample has one draw or more and a batch two data or more, both whole numbers; arguments of logarithms and
        radicands are positive, at W = 0 where they depend on W.

        >>> from derive import Loss, inner, symbols, views
        >>> rho = symbols("rho")
        >>> print(Loss(-sympy.log(1 - rho) * inner(*views("x, x_pos"))).domain)
        rho: between 0 and 1
        """
        try:
            batch = self.batch_size
        except InputError:
            batch = None
        return domain(self.expression, batch, self._ranges, self.name)

    @property
    def _ranges(self) -> Ranges:
        assert isinstance(self.ranges, Ranges)  # noqa: S101 (what __post_init__ makes of it)
        return self.ranges

    def seen(self, law: Law) -> Law:
        """The law of the data as far as the loss sees it: a common mean cancels in differences.

        >>> from derive import Uncentred, catalogue
        >>> [catalogue(name).seen(Uncentred()).text for name in ("infonce", "spectral")]
        ['gaussian', 'mean']
        """
        return law.of_differences if sees_differences(self.expression) else law

    def with_ranges(self, ranges: Mapping[str, object]) -> Loss:
        """The same loss with ranges declared, as in ``Loss(…, ranges=…)``; others are kept.

        >>> from derive import catalogue
        >>> print(catalogue("infonce+weight-decay").with_ranges({"gamma": (0, 1)}).domain)
        gamma: between 0 and 1
        """
        old, new = self._ranges, declared(ranges, self.parameters, self.name)
        return replace(self, ranges=Ranges.collect(dict(old.of) | dict(new.of), old.positive))

    def set(self, values: Mapping[str, object]) -> Loss:
        """The loss with exact values put for parameters.

        Samples stay distinct: where two samples of one datum get the same size, as those of N − 1 and of 1 draw do at
        N = 2, one of them is shown with a datum of its own, chi2 next to chi.

        Raises:
            InputError: for a name that is not a parameter of this loss, a value outside of the range that was declared
                for it or at which the loss is not defined, and for d1, which is a property of W and is set on an
                expansion.

        """
        known = self.parameters
        unknown = sorted(set(values) - set(known))
        if unknown:
            listed = ", ".join(known) or "none"
            message = f"{self.name} has no parameter {unknown[0]!r}; it has: {listed}"
            raise InputError(message)
        if EMBEDDING_DIMENSION.name in values:
            message = "d1 is the dimension of the embedding; set it on the expansion, loss.expand(…).set({'d1': …})"
            raise InputError(message)
        put = {known[name]: as_scalar(value) for name, value in values.items()}
        check_values(put, self._ranges, self.name)
        expression = substitute(kept_apart(self.expression, put), put)
        if any(value.has(sympy.zoo, sympy.nan, sympy.oo) for value in scalars(expression)):
            given = ", ".join(f"{name} = {value}" for name, value in values.items())
            message = f"{self.name} is not defined at {given}: it divides by zero there"
            raise InputError(message)
        batch = None if self.batch is None else self.batch.subs(put)
        left = tuple((name, value) for name, value in self.defaults if name not in values)
        return replace(self, expression=expression, batch=batch, ranges=self._ranges.put(put), defaults=left)

    def filled(self) -> Loss:
        """The loss with its defaults put for parameters that are not set: τ = 1 after ``+normalised``.

        >>> from derive import catalogue
        >>> catalogue("infonce+normalised").filled().text()
        'E_x[(1 − cos(f(x), f(x′))) + log E_χ exp(−(1 − cos(f(x), f(χ))))]'
        """
        return self.set(dict(self.defaults))

    def moments(self, order: int = 4, *, sampling: str = "iid", mean: bool = False) -> MomentSeries:
        """The series in moments of inner products, whatever the data.

        Args:
            order: even order in W.
            sampling: "iid" for independent draws, "fixed" for a training set that is the batch.
            mean: whether the data have a mean; it matters to a fixed set, which is centred otherwise.

        """
        if self.stopped:
            message = (
                f"{self.name} stops gradients, so that training follows a field and not the gradient of a loss: it has"
                " no landscape; derive.fields.field(…) derives the field"
            )
            raise InputError(message)
        if sampling not in SAMPLINGS:
            message = f"sampling {sampling!r} is unknown; the samplings are {' and '.join(SAMPLINGS)}"
            raise InputError(message)
        if sampling == "fixed" and CLASSMATE in self.roles:
            message = (
                f"{self.name} has views of other data of a class, and a fixed training set has its own share of each"
                " class; take independent draws, --sampling iid"
            )
            raise InputError(message)
        fixed: dict[str, Any] = {"fixed": True, "fixed_set": self.batch_size} if sampling == "fixed" else {}
        series = partial(moment_series, self.expression, bias=self.bias or mean, **fixed)
        return derived(series, check_order(order), LIMIT, self.name)

    def expand(
        self,
        order: int = 4,
        *,
        basis: str = "A0,Sigma",
        data: Law | None = None,
        sampling: str = "iid",
        limit: float | None = LIMIT,
    ) -> Expansion:
        """The expansion in W of the linear model f(x) = W x, or in (W, b) jointly of W x + b (see `with_bias`).

        Args:
            order: even order in W through which to expand.
            basis: the letters of the words, "A0,Sigma" or "A0,C".
            data: the law of the views; `Gaussian` unless given.
            sampling: "iid" for independent draws, "fixed" for a centred training set that is the batch, with fresh
                noise (exact at second order, refused beyond).
            limit: the most steps that it may take, see `derive.algebra.effort`; None for no limit.

        Raises:
            InputError: an unusable order, basis or sampling; as TooLargeError, an order that takes too long.
            NotAnalyticError: the loss has no expansion at W = 0.

        """
        law = data or Gaussian()
        here = self.under(law)
        if here is not self:
            return here.expand(order, basis=basis, data=law, sampling=sampling, limit=limit)
        series = partial(self._expand, check_basis(basis), law, sampling)
        return derived(series, check_order(order), limit, self.name)

    def under(self, law: Law) -> Loss:
        """The loss as a law of the data takes its definition."""
        expression = law.defined(self.expression)
        return self if expression == self.expression else replace(self, expression=expression)

    def _expand(self, basis: str, law: Law, sampling: str, order: int) -> Expansion:
        series = self.moments(order, sampling=sampling, mean=bool(law.arrays))
        polynomial = trace_polynomial(series, law, bias=self.bias)
        fixed = "fixed training set" if law.arrays else "fixed centred training set"
        drawn = {"fixed": (fixed,), "iid": ("independent draws",)}[sampling]
        # A law without classes is one of a single class, in which all data are independent.
        alike = ("data of a class independent, as all data are",)
        words = (word for invariants in polynomial for one in invariants for _, word, _ in one)
        expansion = Expansion.collect(
            {invariants: self._simplified(series.scalars.to_sympy(value)) for invariants, value in polynomial.items()},
            order,
            normal=True,
            loss=self.name,
            constant=series.constant,
            assumptions=law.assumptions
            + (alike if CLASSMATE in self.roles and "weights" not in law.arrays else ())
            + (drawn if self.samples or sampling == "fixed" else ()),
            source=self.source,
            parameters=(*self.parameters, *law.parameters(order)),
            bias=self.bias,
            arrays=law.arrays,
            ranges=self.domain,
            encoders=self.encoders,
            basis="A0,Sigma" if self.roles <= OF_ONE_KIND else basis_of(words),
        )
        return expansion.in_basis(basis)

    def _simplified(self, coefficient: sympy.Expr) -> sympy.Expr:
        """|u| written as u or −u where the ranges say which."""
        put = {
            one: found * one.args[0]
            for one in coefficient.atoms(sympy.Abs)
            if (found := sign(one.args[0], ranges=self.domain)) is not None
        }
        return normal_form(coefficient.xreplace(put)) if put else coefficient

    def normalised(self, temperature: object = None) -> Loss:
        """The same loss of f/(|f| √τ), so that inner products become cosines over τ. It has no expansion at W = 0.

        Args:
            temperature: τ, the symbol ``tau`` unless given; 1 unless given for a loss that has a temperature of its
                own, ``tau`` or ``t``.

        >>> from derive import catalogue
        >>> print(catalogue("infonce").normalised().text())
        E_x[1/τ (1 − cos(f(x), f(x′))) + log E_χ exp(−1/τ (1 − cos(f(x), f(χ))))]

        """
        own = {"tau", "t"} & self.parameters.keys()
        tau = as_scalar(temperature) if temperature is not None else sympy.S.One if own else sympy.Symbol("tau")
        found = replace(
            self,
            expression=normalised(self.expression, tau),
            defaults=(*self.defaults, ("tau", sympy.S.One)) if tau == sympy.Symbol("tau") else self.defaults,
            name=f"{self.name}+normalised",
            title=f"{self.title or self.name}, normalised features",
        )
        declared = {symbol.name for symbol, _ in self._ranges.of}
        temperatures = sorted({"tau", "t"} & found.parameters.keys() - declared)
        return found.with_ranges(dict.fromkeys(temperatures, (0, None)))

    def with_weight_decay(self, gamma: object = None) -> Loss:
        """The loss plus γ‖W‖², or γ(‖W‖² + ‖V‖²) with two encoders (γ a symbol unless given)."""
        strength = sympy.Symbol("gamma") if gamma is None else gamma
        size = as_expression(0)
        for role in (PLAIN, ENCODER)[: self.encoders]:
            g = white_noise("g")._replace(role=role)
            size = size + Mean(inner(g, g), over=g)
        return self._modified(strength * size, "weight-decay", "weight decay")

    def with_norm_penalty(self, kappa: object = None, c: object = None) -> Loss:
        """The loss plus κ(E|f(x)|² − c)², the model of normalisation in ICLR 2023, Eq. 10, and the same of g.

        A second encoder that is put on afterwards leaves the penalty one of f alone.
        """
        strength = sympy.Symbol("kappa") if kappa is None else kappa
        target = sympy.Symbol("c") if c is None else c
        penalty = as_expression(0)
        for x in (View("x", "x"), View("y", "y", role=ENCODER))[: self.encoders]:
            penalty = penalty + strength * (Mean(inner(x, x), over=x) - target) ** 2
        return self._modified(penalty, "norm-penalty", "norm penalty")

    def with_bias(self) -> Loss:
        """The same loss for the model f(x) = W x + b, E[x] = 0. Weight decay is ‖W‖² and leaves b alone.

        A loss of differences f(x) − f(x′) alone does not see b; a norm penalty does.

        >>> from derive import catalogue
        >>> print(catalogue("spectral").with_bias().expand(order=4))
        −2 Tr[W A0 Wᵀ] − 2 |b|² + Tr[(W Σ Wᵀ)²] + 2 bᵀ W Σ Wᵀ b + |b|⁴ + O((W, b)⁶)
        """
        if self.bias:
            message = f"{self.name} already has a bias; f(x) = W x + b has one"
            raise InputError(message)
        note = "The b in the coefficients is the loss's own parameter; |b|² and bᵀ(…)b are of the model's bias."
        return replace(
            self,
            bias=True,
            name=f"{self.name}+bias",
            title=f"{self.title or self.name}, model with a bias",
            notes=(*self.notes, note) if "b" in self.parameters else self.notes,
        )

    def with_two_encoders(self) -> Loss:
        """The same loss with what an anchor is compared with seen through a second encoder, g(y) = V y.

        >>> from derive import catalogue
        >>> print(catalogue("spectral").with_two_encoders().expand(order=4))
        −2 Tr[W A Vᵀ] + Tr[W Σ Wᵀ V Σ₂ Vᵀ] + O((W, V)⁶)
        """
        if self.encoders == 2:
            message = f"{self.name} already has two encoders: leave one of the modifiers out"
            raise InputError(message)
        return replace(
            self,
            expression=in_two_kinds(self.expression, ENCODER),
            name=f"{self.name}+two-encoders",
            title=f"{self.title or self.name}, two encoders",
        )

    def text(self) -> str:
        """The definition in plain text."""
        return self.written(notation.TEXT)

    def latex(self) -> str:
        """The definition in LaTeX, for math mode."""
        return self.written(notation.LATEX)

    def _repr_latex_(self) -> str:
        return for_notebook(self.latex())

    def written(self, style: notation.Style) -> str:
        """The definition in a style."""
        body = definition(self.expression, style)
        anchor = sorted(free_views(self.expression))
        if not anchor:
            return body
        return style.mean(anchor[0].datum if style is notation.LATEX else style.view(anchor[0])) + style.brackets(body)

    def _modified(self, addition: Expression, name: str, title: str) -> Loss:
        clash = set(Loss(addition).parameters) & set(self.parameters)
        if clash:
            message = f"{self.name} already has a parameter {min(clash)!r}; give {name} a symbol of another name"
            raise InputError(message)
        return replace(
            self,
            expression=self.expression + addition,
            name=f"{self.name}+{name}",
            title=f"{self.title or self.name} + {title}",
        )
