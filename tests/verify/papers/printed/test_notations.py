r"""The notations that papers print, one a line: what each is read as, or the place where it is refused and why."""

import pytest
import sympy

from derive import InputError
from derive.definition.display import undisplayed
from verify.papers.printed.reading import read_expansion

SYMBOLS = {name: sympy.Symbol(name) for name in ("N", "tau", "alpha", "gamma_std")}
ONE = "Tr[W Wᵀ]"
QUARTIC = "Tr[(W Σ Wᵀ)²]"


def read(text, **options):
    return read_expansion(text, loss="mine", symbols=SYMBOLS, **options).expansion.text().rpartition(" + O")[0]


TRANSPOSES = (
    r"W^{\mathsf T}",
    r"W^{\mathsf{T}}",
    r"W^\mathsf{T}",
    r"W^\mathsf T",
    r"W^T",
    r"W^{T}",
    r"W^\top",
    r"W^{\top}",
    r"W^{\intercal}",
    r"W^\intercal",
    r"W^{\rm T}",
    r"W^{\mathrm{T}}",
    r"W^{\text{T}}",
    r"W^{\textsf{T}}",
    r"W^{\!\top}",
    r"W^{\,T}",
    "W'",
    r"W^\prime",
    r"W^{\prime}",
    "Wᵀ",
    "W.T",
    "W^⊤",
    r"W{}^{\top}",
    r"\mathbf{W}^\top",
    r"\mathbf W^\top",
)
TRACES = (
    r"\operatorname{Tr}[W W^T]",
    r"\operatorname{tr}(W W^T)",
    r"\mathrm{Tr}\left[W W^T\right]",
    r"\mathrm{tr}\{W W^T\}",
    r"\text{Tr}(W W^T)",
    r"\Tr(W W^T)",
    r"\tr\big(W W^T\big)",
    r"{\rm Tr}(W W^T)",
    r"\operatorname*{Tr}\!\left(W W^T\right)",
    r"\mathop{\mathrm{Tr}}(W W^T)",
    r"\mathrm{Tr}\,[W\;W^T]",
    "trace(W*W.T)",
    r"\operatorname{Tr}\lbrack W W^T\rbrack",
)
NORMS = (
    r"\|W\|_F^2",
    r"\|W\|^2_F",
    r"\lVert W \rVert_F^2",
    "||W||_F^2",
    r"\left\|W\right\|_F^2",
    r"\bigl\|W\bigr\|_{F}^{2}",
    r"\left\lVert W \right\rVert_{\mathrm{F}}^2",
    r"\Vert W \Vert_{\mathrm F}^{2}",
    "‖W‖²_F",
    "‖W‖_F²",
    r"\|\mathbf{W}\|_{\text{F}}^2",
    r"\|W^\top\|_{HS}^2",
)
DISPLAYS = (
    "$ Tr[W W^T] $",
    "$$ Tr[W W^T] $$",
    r"\[ Tr[W W^T] \]",
    r"\( Tr[W W^T] \)",
    "$$Tr[W W^T].$$",
    r"$Tr[W W^T]\,.$",
    r"\begin{equation} Tr[W W^T] \label{eq:one} \end{equation}",
    r"\begin{equation*}L(W) = Tr[W W^T],\end{equation*}",
    "\\begin{align}\n  \\mathcal{L} &= Tr[W W^T] \\tag{3} \\\\\n\\end{align}",
    r"\begin{align*} L &= Tr[W W^T] + N - N \nonumber \\ &= Tr[W W^T]. \end{align*}",
    r"\begin{equation}\begin{aligned} L ={}& Tr[ \\ & W W^T] \end{aligned}\label{a=b}\end{equation}",
    "Tr[W % the trace\n W^T] % all\n",
    r"\displaystyle Tr[W W^T]",
    r"Tr[W~W^T] \\[2pt]",
    r"\[ \begin{split} L &= Tr[W W^T] \end{split} \]",
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *((f"Tr[W {one}]", ONE) for one in TRANSPOSES),
        *((one, ONE) for one in TRACES),
        *((one, ONE) for one in NORMS),
        *((one, ONE) for one in DISPLAYS),
        (r"\|W \Sigma W^\top\|_F^2", QUARTIC),
        (r"\tfrac34 \left\| W\Sigma W^{\mathsf T} \right\|_F^2", "¾ Tr[(W Σ Wᵀ)²]"),
        (r"\|W\|_F^4", "Tr[W Wᵀ]²"),
        (r"\|W\|_F^2 \|W\|_F^2", "Tr[W Wᵀ]²"),
        (r"\|W W^T - (W W^T)\|_F^2 + \|W\|_F^2", ONE),
        (r"\operatorname{Tr}[(W \boldsymbol{\Sigma} W^\top)^2]", QUARTIC),
        (r"\operatorname{Tr}[W \mathbf{A}_0 W^\top]", "Tr[W A0 Wᵀ]"),
        (r"\operatorname{Tr}[W \mathbf{A_{0}} W^\top]", "Tr[W A0 Wᵀ]"),
        (r"\frac1\tau Tr[W W^T]", "1/τ Tr[W Wᵀ]"),
        (r"\frac1{\tau} Tr[W W^T]", "1/τ Tr[W Wᵀ]"),
        (r"\frac{1}\tau Tr[W W^T]", "1/τ Tr[W Wᵀ]"),
        (r"\frac1N Tr[W W^T]", "1/N Tr[W Wᵀ]"),
        (r"\dfrac\alpha2 Tr[W W^T]", "α/2 Tr[W Wᵀ]"),
        (r"\nicefrac{1}{2} Tr[W W^T]", "½ Tr[W Wᵀ]"),
        (r"\gamma_{std} Tr[W W^T]", "γ_std Tr[W Wᵀ]"),
        (r"\gamma_{\mathrm{std}} Tr[W W^T]", "γ_std Tr[W Wᵀ]"),
        ("10e-1 Tr[W W^T]", ONE),
        ("5e-1 Tr[W W^T]", "½ Tr[W Wᵀ]"),
        (".5 Tr[W W^T]", "½ Tr[W Wᵀ]"),
        ("2.5e2 Tr[W W^T]", "250 Tr[W Wᵀ]"),
        ("2e Tr[W W^T]", "2 E Tr[W Wᵀ]"),
        (r"–2 \times Tr[W W^T]", "−2 Tr[W Wᵀ]"),
        (r"\ln(2) Tr[W W^T] - \log(2) Tr[W W^T] + Tr[W W^T]", ONE),
    ],
)
def test_it_is_read(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\|W\|^2", "‖…‖^2 of a matrix can be read in two ways; write ‖W‖_F^2 for Tr[W W^T]\n  \\|W\\|^2\n  ^"),
        (r"\|W\|_F", "a norm has an even power here, as in ‖W‖_F^2\n  \\|W\\|_F\n         ^"),
        (r"\|W\|_F^3", "a norm has an even power here, as in ‖W‖_F^2\n  \\|W\\|_F^3\n          ^"),
        (r"\|W\|_1^2", "the norm of a matrix is that of Frobenius here, ‖W‖_F^2\n  \\|W\\|_1^2\n        ^"),
        (r"\|W\|_2^2", "‖W‖_2 of a matrix is its largest singular value, which no expansion has; ‖W‖_F^2 is read\n"),
        (r"N + \|W", "the bar ‖ that closes the norm is missing here\n  N + \\|W\n         ^"),
        (r"\|\|_F^2", "'‖' stands where a term is needed\n  \\|\\|_F^2\n    ^"),
        (
            r"N + \|W A_0\|_F^2",
            (
                "‖M‖_F^2 is Tr[M Mᵀ], and W A0 A0 Wᵀ is not a product of W X Wᵀ: one of A0, Σ, C or nothing stands"
                " between"
                " W and Wᵀ\n  N + \\|W A_0\\|_F^2\n      ^"
            ),
        ),
        (r"\|A_0 W\|_F^2", "‖M‖_F^2 is Tr[M Mᵀ], and A0 W Wᵀ A0 does not fit: A0 is d0×d0 and W d1×d0\n  \\|A_0 W"),
        (r"\|A_0\|_F^2", "‖M‖_F^2 is Tr[M Mᵀ], and A0 A0 holds no W: the words are products of W A0 Wᵀ, "),
        (r"\|W\Sigma^{1/2}\|_F^2", "a trace or a matrix has whole powers from 1 to 20, not 1/2\n  \\|W\\Sigma^{1/2}"),
        (r"|W|_F^2", "bars stand for |b|^2, the bias's norm, alone; of a matrix it is ‖W‖_F^2\n  |W|_F^2\n  ^"),
        ("$N", "'$' is opened here and not closed at the end of the formula\n  $N\n  ^"),
        ("$$N$", "'$$' is opened here and not closed at the end of the formula\n  $$N$\n  ^"),
        ("N$", "'$' means nothing in a formula; leave it out\n  N$\n   ^"),
        (r"\[N", "'\\[' is opened here and not closed at the end of the formula\n  \\[N\n  ^"),
        (r"\begin{align} N \end{equation}", "the environment align is opened here and not closed at the end of the"),
        (r"\begin{equation} N \end{equation*}", "the environment equation is opened here and not closed at the end"),
        (
            r"\begin{pmatrix} N \end{pmatrix}",
            "the environment pmatrix is not a display of a formula; write the formula",
        ),
        (r"L &= N \\ B &= A_0", "the printed formula states several things, L, B; give one formula"),
        (r"\sqrt[3]{N}", "a root other than the square root is written as a power, N^(1/3)\n  \\sqrt[3]{N}\n       ^"),
        (r"N\frac", "\\frac takes two groups in braces, as in \\frac{3}{4}\n  N\\frac\n        ^"),
        (r"\frac\tau23", "\\frac takes two groups in braces, as in \\frac{3}{4}\n  \\frac\\tau23\n           ^"),
        (
            r"N - \mathbb{E}[N]",
            (
                "an expectation is not computed here: E[f(x) f(x)^T] is W Sigma W^T, E[f(x) f(x')^T] is W A0 W^T\n"
                "  N - \\mathbb{E}[N]\n      ^"
            ),
        ),
        ("1e999999 N", "powers of ten go from -40 to 40 here\n  1e999999 N\n  ^"),
        (
            r"N + \cdots + N",
            (
                "what is left out of a formula stands at its end, as higher orders: … + O(W^6) or … + \\cdots\n"
                "  N + \\cdots + N\n      ^"
            ),
        ),
        (
            r"Tr[W W^\dagger]",
            "dagger is unknown here; the transpose of W is written W^T\n  Tr[W W^\\dagger]\n         ^",
        ),
        (r"Tr[W W^t]", "t is unknown here; "),
        (r"N \Tr + N", "after Tr brackets are needed, Tr[…]\n  N \\Tr + N\n        ^"),
        (r"\input{file}", "input is unknown here; "),
        ("N ^ __import__('os')", "after ^ an exponent is needed"),
    ],
)
def test_it_is_refused_at_its_place(text, said):
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value).startswith(said)


def test_a_vector_needs_no_letter_for_its_norm():
    assert read(r"\|W^\top b\|^2 + \lVert b\rVert^2", bias=True) == "|b|² + bᵀ W Wᵀ b"


def test_what_surrounds_a_formula_leaves_its_places_where_they_are():
    for text in DISPLAYS:
        assert len(undisplayed(text)) == len(text)
        assert undisplayed(undisplayed(text)) == undisplayed(text)
