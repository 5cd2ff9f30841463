"""Identities of the literature on quadratic forms in normal variables and on Wishart matrices, as they are printed.

Each is translated into this project's letters: the quadratic form xᵀ G x with G = Wᵀ W is |f(x)|², f = W x, so that
the literature's A Σ is W Σ Wᵀ up to a rotation of the trace, xᵀ w_i w_iᵀ x is f(x)_i², and a Wishart matrix over its n
degrees of freedom is Mean(f(u) f(u)^T, u, n). Where a place in the source is not known to the page, its section stands.
Some are printed wrongly on purpose, as a slip of a known kind: `wrong` must be refuted where `printed` holds.
"""

from __future__ import annotations

from typing import NamedTuple

from derive import Elliptical, Law, StudentT
from verify.papers.identities.sources import SOURCES


class Identity(NamedTuple):
    """An identity as it is printed.

    Attributes:
        name: a short name.
        moment: the left-hand side, see `derive.moment`.
        printed: the right-hand side.
        key: of its source in `verify.papers.identities.sources`.
        where: the place in the source.
        wrong: the same with a slip; empty where none is made.
        law: of the data, None for Gaussian ones.

    """

    name: str
    moment: str
    printed: str
    key: str
    where: str
    wrong: str = ""
    law: Law | None = None

    @property
    def source(self) -> str:
        """The source in one line."""
        return f"{SOURCES[self.key].short}, {self.where}"


_S = "W Sigma W^T"
_T1, _T2, _T3, _T4, _T5, _T6 = f"Tr[{_S}]", *(f"Tr[({_S})^{k}]" for k in range(2, 7))
_SAMPLE = "Mean(f(u) f(u)^T, u, n)"


def _entry(i: str, power: int = 1) -> str:
    return f"({_S})_{i}" if power == 1 else f"(({_S})^{power})_{i}"


_SQUARES = " + ".join(
    (
        f"{_entry('ii')} {_entry('jj')} {_entry('kk')}",
        *(f"2 {_entry(one)} {_entry(pair)}^2" for one, pair in (("ii", "jk"), ("jj", "ik"), ("kk", "ij"))),
    )
)

IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "four coordinates",
        "E(f(x)_i f(x)_j f(x)_k f(x)_l)",
        " + ".join(f"{_entry(a)} {_entry(b)}" for a, b in (("ij", "kl"), ("ik", "jl"), ("il", "jk"))),
        "isserlis1918",
        "four variates",
        wrong=f"{_entry('ij')} {_entry('kl')} + {_entry('ik')} {_entry('jl')}",
    ),
    Identity(
        "a cube and a coordinate",
        "E(f(x)_i^3 f(x)_j)",
        f"3 {_entry('ii')} {_entry('ij')}",
        "isserlis1918",
        "four variates, three of them equal",
    ),
    Identity(
        "two squares",
        "E(f(x)_i^2 f(x)_j^2)",
        f"{_entry('ii')} {_entry('jj')} + 2 {_entry('ij')}^2",
        "isserlis1918",
        "four variates, equal in pairs",
    ),
    Identity(
        "three squares",
        "E(f(x)_i^2 f(x)_j^2 f(x)_k^2)",
        f"{_SQUARES} + 8 {_entry('ij')} {_entry('jk')} {_entry('ik')}",
        "isserlis1918",
        "six variates, equal in pairs",
        wrong=f"{_SQUARES} + 6 {_entry('ij')} {_entry('jk')} {_entry('ik')}",
    ),
    Identity("an odd moment", "E(f(x)_i f(x)_j f(x)_k)", "0", "isserlis1918", "an odd number of variates"),
    Identity("mean of a quadratic form", "E(|f(x)|^2)", _T1, "seber2003", "Theorem 1.5"),
    Identity("variance of a quadratic form", "Var(|f(x)|^2)", f"2 {_T2}", "seber2003", "Theorem 1.6", wrong=f"{_T2}"),
    Identity(
        "second moment of a quadratic form",
        "E(|f(x)|^4)",
        f"{_T1}^2 + 2 {_T2}",
        "magnus1978",
        "two equal forms",
        wrong=f"3 {_T1}^2",
    ),
    Identity(
        "third moment of a quadratic form",
        "E(|f(x)|^6)",
        f"{_T1}^3 + 6 {_T1} {_T2} + 8 {_T3}",
        "magnus1978",
        "three equal forms",
    ),
    Identity(
        "fourth moment of a quadratic form",
        "E(|f(x)|^8)",
        f"{_T1}^4 + 12 {_T1}^2 {_T2} + 12 {_T2}^2 + 32 {_T1} {_T3} + 48 {_T4}",
        "magnus1978",
        "four equal forms",
        wrong=f"{_T1}^4 + 12 {_T1}^2 {_T2} + 12 {_T2}^2 + 24 {_T1} {_T3} + 48 {_T4}",
    ),
    Identity(
        "fifth moment of a quadratic form",
        "E(|f(x)|^10)",
        f"{_T1}^5 + 20 {_T1}^3 {_T2} + 60 {_T1} {_T2}^2 + 80 {_T1}^2 {_T3} + 160 {_T2} {_T3} + 240 {_T1} {_T4}"
        f" + 384 {_T5}",
        "mathai1992",
        "Ch. 3, moments from cumulants",
    ),
    Identity(
        "sixth moment of a quadratic form",
        "E(|f(x)|^12)",
        f"{_T1}^6 + 30 {_T1}^4 {_T2} + 180 {_T1}^2 {_T2}^2 + 120 {_T2}^3 + 160 {_T1}^3 {_T3} + 960 {_T1} {_T2} {_T3}"
        f" + 640 {_T3}^2 + 720 {_T1}^2 {_T4} + 1440 {_T2} {_T4} + 2304 {_T1} {_T5} + 3840 {_T6}",
        "mathai1992",
        "Ch. 3, moments from cumulants",
    ),
    Identity(
        "third cumulant of a quadratic form",
        "Cum(|f(x)|^2, 3)",
        f"8 {_T3}",
        "lancaster1954",
        "traces and cumulants",
        wrong=f"4 {_T3}",
    ),
    Identity(
        "fourth cumulant of a quadratic form", "Cum(|f(x)|^2, 4)", f"48 {_T4}", "lancaster1954", "traces and cumulants"
    ),
    Identity(
        "fifth cumulant of a quadratic form", "Cum(|f(x)|^2, 5)", f"384 {_T5}", "lancaster1954", "traces and cumulants"
    ),
    Identity(
        "covariance of two quadratic forms",
        "Cov(|f(x)|^2, f(x)_i^2)",
        f"2 {_entry('ii', 2)}",
        "magnus1988",
        "Ch. 12, moments of quadratic forms",
    ),
    Identity(
        "covariance of two squares",
        "Cov(f(x)_i^2, f(x)_j^2)",
        f"2 {_entry('ij')}^2",
        "magnus1988",
        "Ch. 12, moments of quadratic forms",
    ),
    Identity(
        "product of two quadratic forms",
        "E(f(x)_i^2 |f(x)|^2)",
        f"{_entry('ii')} {_T1} + 2 {_entry('ii', 2)}",
        "magnus1978",
        "two forms",
    ),
    Identity(
        "product of three quadratic forms",
        "E(f(x)_i^2 f(x)_j^2 |f(x)|^2)",
        f"{_entry('ii')} {_entry('jj')} {_T1} + 2 {_entry('ii')} {_entry('jj', 2)} + 2 {_entry('jj')} {_entry('ii', 2)}"
        f" + 2 {_entry('ij')}^2 {_T1} + 8 {_entry('ij')} {_entry('ij', 2)}",
        "magnus1978",
        "three forms",
    ),
    Identity(
        "joint cumulant of three quadratic forms",
        "Cum(f(x)_i^2, f(x)_j^2, |f(x)|^2)",
        f"8 {_entry('ij')} {_entry('ij', 2)}",
        "mathai1992",
        "Ch. 3, joint cumulants",
    ),
    Identity(
        "E x xᵀ G x xᵀ",
        "E(|f(x)|^2 f(x)_i f(x)_j)",
        f"2 {_entry('ij', 2)} + {_T1} {_entry('ij')}",
        "petersen2012",
        "Sec. 8.2",
        wrong=f"{_entry('ij', 2)} + {_T1} {_entry('ij')}",
    ),
    Identity(
        "E (xᵀ G x)² x xᵀ",
        "E(|f(x)|^4 f(x)_i f(x)_j)",
        f"({_T1}^2 + 2 {_T2}) {_entry('ij')} + 4 {_T1} {_entry('ij', 2)} + 8 {_entry('ij', 3)}",
        "mathai1992",
        "Ch. 3",
    ),
    Identity(
        "variance of a bilinear form of independent vectors",
        "Var(<f(x), f(chi)>)",
        _T2,
        "searle1971",
        "Ch. 2, bilinear forms",
    ),
    Identity(
        "variance of a bilinear form of correlated vectors",
        "Var(<f(x), f(x_pos)>)",
        f"{_T2} + Tr[(W A0 W^T)^2]",
        "searle1971",
        "Ch. 2, bilinear forms",
        wrong=f"{_T2} + Tr[W A0 W^T]^2",
    ),
    Identity(
        "covariance of quadratic forms of correlated vectors",
        "Cov(|f(x)|^2, |f(x_pos)|^2)",
        "2 Tr[(W A0 W^T)^2]",
        "searle1971",
        "Ch. 2, bilinear forms",
    ),
    Identity(
        "fourth moment of a bilinear form",
        "E(<f(x), f(chi)>^4)",
        f"3 {_T2}^2 + 6 {_T4}",
        "mathai1992",
        "Ch. 3",
        wrong=f"3 {_T2}^2",
    ),
    Identity("variance of a squared distance", "Var(|f(x) - f(chi)|^2)", f"8 {_T2}", "ziyin2023", "Prop. 1"),
    Identity("mean of a Wishart matrix", "E(Mean(f(u)_i f(u)_j, u, n))", _entry("ij"), "muirhead1982", "Sec. 3.2"),
    Identity(
        "covariance of a Wishart matrix",
        "Cov(Mean(f(u)_i f(u)_j, u, n), Mean(f(u)_k f(u)_l, u, n))",
        f"({_entry('ik')} {_entry('jl')} + {_entry('il')} {_entry('jk')})/n",
        "muirhead1982",
        "Sec. 3.2",
        wrong=f"{_entry('ik')} {_entry('jl')}/n",
    ),
    Identity(
        "square of a Wishart matrix",
        "E(sum_k Mean(f(u)_i f(u)_k, u, n) Mean(f(u)_k f(u)_j, u, n))",
        f"(1 + 1/n) {_entry('ij', 2)} + 1/n {_T1} {_entry('ij')}",
        "letac2004",
        "moments of degree 2",
    ),
    Identity(
        "E Tr S²",
        f"E(Tr[{_SAMPLE}^2])",
        f"(1 + 1/n) {_T2} + 1/n {_T1}^2",
        "letac2004",
        "invariant moments of degree 2",
        wrong=f"{_T2} + 1/n {_T1}^2",
    ),
    Identity("E (Tr S)²", f"E(Tr[{_SAMPLE}]^2)", f"{_T1}^2 + 2/n {_T2}", "letac2004", "invariant moments of degree 2"),
    Identity(
        "E Tr S³",
        f"E(Tr[{_SAMPLE}^3])",
        f"(1 + 3/n + 4/n^2) {_T3} + (3/n + 3/n^2) {_T1} {_T2} + 1/n^2 {_T1}^3",
        "letac2004",
        "invariant moments of degree 3",
    ),
    Identity(
        "E Tr S Tr S²",
        f"E(Tr[{_SAMPLE}] Tr[{_SAMPLE}^2])",
        f"(4/n + 4/n^2) {_T3} + (1 + 1/n + 4/n^2) {_T1} {_T2} + 1/n {_T1}^3",
        "letac2004",
        "invariant moments of degree 3",
    ),
    Identity(
        "E (Tr S)³",
        f"E(Tr[{_SAMPLE}]^3)",
        f"{_T1}^3 + 6/n {_T1} {_T2} + 8/n^2 {_T3}",
        "letac2004",
        "invariant moments of degree 3",
    ),
    Identity(
        "E Tr S⁴",
        f"E(Tr[{_SAMPLE}^4])",
        f"(1 + 6/n + 21/n^2 + 20/n^3) {_T4} + (4/n + 12/n^2 + 16/n^3) {_T1} {_T3} + (2/n + 5/n^2 + 5/n^3) {_T2}^2"
        f" + (6/n^2 + 6/n^3) {_T1}^2 {_T2} + 1/n^3 {_T1}^4",
        "graczyk2005",
        "moments of degree 4",
        wrong=f"(1 + 6/n + 20/n^2 + 20/n^3) {_T4} + (4/n + 12/n^2 + 16/n^3) {_T1} {_T3} + (2/n + 5/n^2 + 5/n^3) {_T2}^2"
        f" + (6/n^2 + 6/n^3) {_T1}^2 {_T2} + 1/n^3 {_T1}^4",
    ),
    Identity("third cumulant of Tr S", f"Cum(Tr[{_SAMPLE}], 3)", f"8/n^2 {_T3}", "muirhead1982", "Sec. 3.2"),
    Identity("squared mean of a sample", "E(|Mean(f(u), u, n)|^2)", f"1/n {_T1}", "muirhead1982", "Sec. 3.1"),
    Identity(
        "four coordinates of an elliptical vector",
        "E(f(x)_i f(x)_j f(x)_k f(x)_l)",
        " + ".join(f"9/8 {_entry(a)} {_entry(b)}" for a, b in (("ij", "kl"), ("ik", "jl"), ("il", "jk"))),
        "muirhead1982",
        "Ch. 1, kurtosis; t with 20 degrees of freedom",
        wrong=" + ".join(f"{_entry(a)} {_entry(b)}" for a, b in (("ij", "kl"), ("ik", "jl"), ("il", "jk"))),
        law=Elliptical(scale=StudentT(20)),
    ),
    Identity(
        "variance of a quadratic form of an elliptical vector",
        "Var(|f(x)|^2)",
        f"9/4 {_T2} + 1/8 {_T1}^2",
        "muirhead1982",
        "Ch. 1, kurtosis; t with 20 degrees of freedom",
        law=Elliptical(scale=StudentT(20)),
    ),
)
