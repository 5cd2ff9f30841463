"""The corrected theory in one place: Table 1, Theorems 1 to 3 and Appendix F.1 of the ICLR paper.

Every formula of the page is derived by the engine when the page is written. ``docs/theory.md`` and ``docs/theory.tex``
are what `quartic theory` prints; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import sympy

from derive import Elliptical, Law, catalogue, closed_form, moment
from derive.definition.notation import LATEX
from derive.landscape.canonical_pairs import canonical_pairs
from derive.landscape.collapse import Collapse
from derive.landscape.conditions import Condition
from derive.landscape.correlations import in_correlations
from derive.landscape.exact_modes import exact_modes
from derive.landscape.lost_modes import opened
from derive.landscape.stationary import stationary
from derive.losses.limit import population
from verify.papers.claims.formulas import A0, Sigma, formula_of
from verify.papers.claims.writing import latex
from verify.reports.catalogue import collapse_of
from verify.reports.claims.pages import Block, Formulas, Heading, Paragraph, Table

_ROWS = (
    ("infonce", "InfoNCE"),
    ("ntxent", "NT-Xent (SimCLR), batch of N"),
    ("weighted-infonce", "weighted InfoNCE, batch of N"),
    ("spectral", "Spectral Contrastive"),
    ("barlow-twins", "Barlow Twins"),
    ("beta-infonce", "β-InfoNCE"),
)
_MODIFIERS = (
    ("+ weight decay", "InfoNCE + weight decay γ‖W‖²"),
    ("+ fixed norm", r"InfoNCE + normalisation, $\mathbb{E}\|f\|^2 = c$"),
    ("+ fixed norm + bias", "InfoNCE + normalisation + bias"),
)


# The variance over both data, given one of them, the mean of that, and the variance of the mean.
_DISTANCES = (
    "Var(|f(x) - f(chi)|^2)",
    "Var(|f(x) - f(chi)|^2 | x)",
    "E(Var(|f(x) - f(chi)|^2 | x))",
    "Var(E(|f(x) - f(chi)|^2 | x))",
)


@cache
def page() -> tuple[Block, ...]:
    """The blocks of the page; derived once."""
    return tuple(_blocks())


def _blocks() -> Iterator[Block]:
    yield Heading("The corrected theory")
    yield Paragraph(
        "What Ziyin, Lubana, Ueda and Tanaka (ICLR 2023) set out to derive, with every constant as it follows from the"
        " definitions of the losses. Nothing here was typed in: `quartic theory` derives it when it is printed, and"
        " `quartic claims` holds it against the print. Data are Gaussian with zero mean, f(x) = Wx; $A_0 ="
        " \\mathbb{E}[x x'^{\\top}]$ of two views of a datum, $\\Sigma = \\mathbb{E}[x x^{\\top}]$, $C = \\Sigma -"
        " A_0$, with eigenvalues $a_i$, $\\sigma_i$, $c_i$ of a common mode; $\\Sigma \\succ 0$. A batch is of N"
        " independent data, each with fresh augmentations; on one centred training set of N, with its own $A_0$, the"
        " factor $(N - 1)/(N + \\alpha - 1)$ of weighted InfoNCE is $N/(N + \\alpha - 1)$, and the conditions stay as"
        " they are."
    )
    yield from _table_1()
    yield from _proposition_1()
    yield from _theorem_1()
    yield from _theorem_2()
    yield from _theorem_3()
    yield from _unit_vectors()
    yield from _two_encoders()
    yield from _appendix()


def _table_1() -> Iterator[Block]:
    yield Heading("Table 1: the origin, and which collapses can happen")
    yield Paragraph(
        "B is the matrix in $L = -\\operatorname{Tr}[W B W^{\\top}] + \\ldots$ of the unnormalised losses. A"
        " condition says where modes are zero at the minima through order 4, for $d_1 \\ge d_0$ and"
        " $a_i > 0$; sums run over all modes. $\\lambda_i = a_i/\\sigma_i$, the correlation of two views along a mode,"
        " stands where it alone decides; then $A_0$ and $C$ need not commute."
    )
    rows = [(title, f"${catalogue(name).expand(4).origin(LATEX)}$", *_cells(collapse_of(name, "as it is")))
            for name, title in _ROWS]  # fmt: skip
    for variant, title in _MODIFIERS:
        # A fixed norm leaves the origin out of reach: B is that of the loss.
        shaped = "infonce" if "norm" in variant else "infonce+weight-decay"
        origin = catalogue(shaped).expand(4).origin(LATEX)
        rows.append((title, f"${origin}$", *_cells(collapse_of("infonce", variant))))
    yield Table(("loss", "B", "dimensional collapse", "complete collapse"), rows)


def _cells(found: Collapse) -> tuple[str, str]:
    return tuple(  # type: ignore[return-value]
        "open" if one is None else one.said() if one.formula in (sympy.true, sympy.false) else f"${_latex(one)}$"
        for one in (found.dimensional, found.complete)
    )


def _latex(condition: Condition) -> str:
    """In λ_i where it is about these alone."""
    return condition.whitened().latex()


def _proposition_1() -> Iterator[Block]:
    yield Heading("Proposition 1 and Eq. (5): the variance of a squared distance")
    yield Paragraph(
        "x and χ are views of two data. The variance over both is that of Proposition 1. What Eq. (5) needs is the mean"
        " over x of the variance over χ at fixed x: the second cumulant of a mean over χ is taken at each x. The two"
        " differ by the variance of the mean at fixed x."
    )
    yield Formulas([_identity(text) for text in _DISTANCES])
    yield Paragraph(
        "For elliptical data, $x = s g$ with one scale s per datum, $\\mathbb{E} s^2 = 1$ and"
        " $s_4 = \\mathbb{E} s^4$, which is 1 for a Gaussian:"
    )
    yield Formulas([_identity(text, Elliptical()) for text in _DISTANCES])


def _identity(text: str, law: Law | None = None) -> tuple[str, str]:
    found = moment(text, law=law)
    return found.definition(LATEX), found.latex()


def _theorem_1() -> Iterator[Block]:
    yield Heading("Theorem 1: all stationary points")
    yield Paragraph(
        "One for each mask M of at most $\\min(d_0, d_1)$ modes with $h_i > 0$, up to rotations of W from the left; m"
        " is their number. Where modes share $b_i$, U is any eigenbasis, so that masks that keep some of them stand"
        " for a family of points. $\\lambda_i$ are the eigenvalues of $\\Sigma^{-1/2} A_0 \\Sigma^{-1/2}$, the"
        " correlations of two views of a datum along a mode: $a_i/\\sigma_i$ where $A_0$ and $C$ commute. $b_i$ are"
        " those of $\\Sigma^{-1/2} B \\Sigma^{-1/2}$. $B$ and $\\Sigma$ need not commute, nor $B$ be invertible. The"
        " minima keep the largest $b_i$ (not the largest eigenvalues of $B$), as many as are positive and fit into"
        " $d_1$ rows."
    )
    for name, title in (("infonce", "InfoNCE"), ("beta-infonce", "β-InfoNCE"), ("spectral", "Spectral Contrastive")):
        yield Paragraph(f"{title}, {_expansion(name)}:")
        yield from _points(name)
    closed = closed_form(catalogue("infonce"))
    modes = None if closed is None else exact_modes(closed)
    if modes is not None:
        yield Paragraph(
            "InfoNCE to all orders, mode by mode, $h_i$ the eigenvalues of $\\Sigma^{1/2} W^{\\top} W \\Sigma^{1/2}$:"
        )
        yield Formulas([("h_i", sympy.latex(in_correlations(height))) for height in modes.heights])


def _theorem_2() -> Iterator[Block]:
    yield Heading("Propositions 3 and 4, Theorem 2: normalisation")
    yield Paragraph(
        "InfoNCE with $\\kappa (\\mathbb{E}\\|f\\|^2 - c)^2$. At a finite κ the penalty adds to B, and sets a level"
        " θ that a mode has"
        " to exceed:"
    )
    yield from _points("infonce+norm-penalty")
    yield Paragraph("As $\\kappa \\to \\infty$, where $\\operatorname{Tr}[W \\Sigma W^{\\top}] = c$:")
    yield from _points("infonce+norm-penalty", limit="kappa")


def _theorem_3() -> Iterator[Block]:
    yield Heading("Theorem 3: normalisation and bias")
    yield Paragraph(
        "f(x) = Wx + b with the same penalty, $\\kappa \\to \\infty$. There are two branches: one where the bias takes"
        " up what the unnormalised solution leaves of c, and one with b = 0, which is that of Theorem 2. The loss does"
        " not see b, so that b turns the constraint into $\\operatorname{Tr}[W \\Sigma W^{\\top}] \\le c$: the minimum"
        " has $b \\ne 0$ where the minimum without normalisation, which keeps all modes that fit, has a smaller norm"
        " than c, and b = 0 otherwise. Points with $b \\ne 0$ that keep fewer modes exist then too, and are saddles."
    )
    yield from _points("infonce+norm-penalty+bias", limit="kappa")


def _unit_vectors() -> Iterator[Block]:
    found = opened()
    pair, view = (rf"\Phi_{{ab}}\, {sympy.latex(one)}" for one in (found.pair, -found.view))
    names = (r"\operatorname{Tr}[V A_0 V^{\top}]", r"\operatorname{Tr}[V \Sigma V^{\top}]", r"\|V \mu\|^2")
    weights = zip((found.A0, found.Sigma, found.mean), names, strict=True)
    terms = [f"{_factor(weight)} {name}" for weight, name in weights]
    yield Heading("Unit vectors: a lost mode, and the mean of the data")
    yield Paragraph(
        "A loss of $f/\\|f\\|$ has no expansion at $W = 0$. Around a W that has lost modes it has one. Let it depend on"
        " the cosines $c_{ab}$ of its views, with $\\Phi_{ab} = \\partial L/\\partial c_{ab}$. W keeps $z = Wx$ with"
        " more than two modes, $R = \\|z\\|$; the data have the mean μ, with $\\Sigma$ and $A_0$ about it, and the lost"
        " modes are independent of z. For V with rows on lost modes, into rows that W does not use:"
    )
    yield Formulas(
        [
            ("L(W + V)", " + ".join(("L(W)", *terms, r"o(\|V\|^2)")).replace("+ -", "-")),
            (r"\alpha", rf"-\mathbb{{E}} \sum_{{ab \text{{ of one datum}}}} {pair}"),
            (r"\gamma", rf"-\mathbb{{E}} \sum_{{ab \text{{ of two data}}}} {pair}"),
            (r"\beta", rf"-\mathbb{{E}} \sum_{{ab}} {view}"),
        ]
    )
    yield Paragraph(
        "The weight of $\\|V\\mu\\|^2$ is half the second derivative of the loss in a number added to all embeddings"
        " along a row that W does not use. A bias b stands there with the mean, $\\|V\\mu + b\\|^2$, and takes it away,"
        " as centring does. Where the weight is positive, a mode that would come back without a mean stays lost with a"
        " large enough one. N data whose population has zero mean have"
        " $\\mathbb{E}\\|\\mu\\|^2 = \\operatorname{Tr} \\Sigma/N$, and f of unit length sees it."
    )
    yield Paragraph(
        "For given data, whatever their law, the loss is a function of $G = W^{\\top} W$, and W is stationary where"
        " $G\\, \\partial L/\\partial G = 0$. If W has lost one mode v, $\\partial L/\\partial G = q\\, v v^{\\top}$,"
        " and the mode stays lost where $q > 0$."
    )


def _two_encoders() -> Iterator[Block]:
    loss = catalogue("clip")
    pairs = canonical_pairs(loss.expand(4))
    limit = canonical_pairs(population(loss, "N").expand(4))
    yield Heading("Two encoders: CLIP")
    yield Paragraph(
        "Images $f(x) = Wx$ and texts $g(y) = Vy$, $\\Sigma$ and $\\Sigma_2$ their covariances,"
        " $A = \\mathbb{E}[x y^{\\top}]$; $P \\Lambda Q^{\\top}$ is a singular value decomposition, $\\lambda_i$ the"
        f" canonical correlations. CLIP's symmetric cross-entropy on batches of N, {_expansion('clip')}, sees W and V"
        " through $W^{\\top} V$ alone. Through order 4 there is a stationary point for each mask M of $d_1$ pairs"
        " at most:"
    )
    yield Formulas(pairs.lines(LATEX))
    yield Paragraph(
        "What the terms in 1/N of higher order add is small only where all $\\lambda_i$ are: with $\\lambda_i$ from 0.3"
        " to 0.9, trained powers lie above $\\lambda_i \\tau$, and these below."
    )
    yield Paragraph(
        "No pair with $\\lambda_i > 0$ is lost at a minimum where"
        " $d_1 \\ge \\min(d_0, d_0')$, to all orders and at every N: the loss is a convex function of $W^{\\top} V$,"
        " and falls along each pair that is missing. As $N \\to \\infty$ the loss ends at order 4, and"
        f" $m_i = {sympy.latex(limit.power)}$ for the $d_1$ largest $\\lambda_i$. $W \\to TW$, $V \\to T^{{-\\top}} V$"
        " changes nothing. $W = V = 0$ is a saddle, and from small weights the pair of singular vectors of A with the"
        f" singular value $a_i$ grows at the rate ${sympy.latex(pairs.beta)}\\, a_i$: the order in time is that of A,"
        " and not that of the $\\lambda_i$."
    )


def _appendix() -> Iterator[Block]:
    yield Heading("Appendix F.1: a random scale of each view")
    b = sympy.Symbol("b", positive=True)
    s = sympy.Symbol("s", positive=True)
    moment = {k: sympy.integrate(s**k * sympy.exp(-s / b) / b, (s, 0, sympy.oo)) for k in (1, 2, 4)}
    # The engine measures a scale in units of √E[s²].
    units = {k: sympy.simplify(moment[k] / moment[2] ** sympy.Rational(k, 2)) for k in (1, 4)}
    put = {A0: moment[1] ** 2 * A0, Sigma: moment[2] * A0}
    yield Paragraph(
        "x = s x̂, s exponential of mean b and drawn for each view; here $A_0 = \\mathbb{E}[\\hat x \\hat"
        " x^{\\top}]$ of the clean"
        f" data, so that two views have $\\mathbb{{E}}[x x'^{{\\top}}] = {latex(put[A0])}$ and"
        f" $\\Sigma = {latex(put[Sigma])}$. Through order 4:"
    )
    lines = []
    for name, title in (("infonce", "InfoNCE"), ("spectral", "SCL")):
        formula = formula_of(catalogue(name).expand(4, data=Elliptical(units, per="view")))
        lines.append((rf"L_{{\text{{{title}}}}}", latex(formula.xreplace(put))))
    yield Formulas(lines)


def _factor(weight: sympy.Expr) -> str:
    return f"({sympy.latex(weight)})" if weight.is_Add else sympy.latex(weight)


def _expansion(name: str) -> str:
    return f"$L = {catalogue(name).expand(4).latex()}$"


def _points(name: str, limit: str | None = None) -> Iterator[Block]:
    for points in stationary(catalogue(name).expand(4), limit=limit):
        if points.given(LATEX):
            yield Paragraph(f"Where ${points.given(LATEX)}$:")
        yield Formulas(points.lines(LATEX))
