"""What the NeurReps abstract prints as the ICLR paper does, under its own numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import sympy

from verify.papers.claims.canonical import same
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.formulas import A0, B, C, G, H, Lambda, M, Sigma, Tr, U, W
from verify.papers.claims.iclr import (  # noqa: F401 (the modules enter the claims that have twins)
    bias,
    conditions,
    fixed_norm,
    infonce,
    landau,
    minima,
    normalisation,
    spectral,
    symmetry,
    weighted,
    words_of_minima,
    words_of_norm,
)
from verify.papers.claims.iclr.ends import TOLERANCE
from verify.papers.claims.iclr.ledger import ICLR, NEURREPS
from verify.papers.claims.iclr.stationary import half, invertible, newton_ends, slope_factor, tidied
from verify.papers.claims.values import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

# Numbers of equations here by those of the ICLR paper; the others are not in the abstract.
EQUATIONS = {
    1: 1, 2: 2, 3: 4, 7: 3, 10: 5, 13: 8, 14: 16, 15: 17, 16: 6, 17: 7, 18: 9, 19: 10, 20: 11, 21: 12, 22: 13, 23: 14,
    **{number: number - 6 for number in range(24, 51)},
}  # fmt: skip
WORDS = {
    "Theorem 3": "Theorem 4", "Theorem 2": "the limit before Eq. (8)", "Proposition 4": "Proposition 5",
    "Proposition 1": "Proposition 6", "Sec. 3.1": "Sec. 1.1", "Sec. 3.2": "Sec. 1.2", "Sec. 4.1": "Sec. 1.3",
    "App. A": "App. B", "App. B": "App. C", "Fig. 5": "Fig. 2", "Fig. 6": "Fig. 3", "Fig. 7": "Fig. 4",
    "Assumption 1": "the assumption CA0 = A0C",
}  # fmt: skip
_REFERENCE = re.compile(r"Eqs?\. \(\d+\)(?:(?:,| and| to|–| or) ?\(\d+\))*")


def renumbered(words: str) -> str:
    """A sentence with the abstract's numbers in place of the ICLR paper's.

    >>> renumbered("as Eqs. (24) and (8) and Theorem 3 have it, see iclr:eq8")
    'as Eqs. (18) and (8 of the ICLR paper) and Theorem 4 have it, see iclr:eq8'
    """
    pieces = re.split(rf"({_REFERENCE.pattern}|{'|'.join(map(re.escape, WORDS))})", words)
    return "".join(WORDS.get(piece) or (_numbers(piece) if k % 2 else piece) for k, piece in enumerate(pieces))


def _numbers(reference: str) -> str:
    return re.sub(r"\d+", lambda found: str(EQUATIONS.get(int(found[0]), f"{found[0]} of the ICLR paper")), reference)


def twin(id: str, of: str, where: str) -> None:  # noqa: A002 (the word of the ledger)
    """Enter a claim of the ICLR paper under its place in the abstract."""
    NEURREPS.also(id, of, where=where, of_ledger=ICLR, renumbered=renumbered)


twin("neurreps:eq2", "iclr:eq2", "Eqs. (1), (2)")
twin("neurreps:eq3", "iclr:eq7-simclr", "Eq. (3)")
twin("neurreps:eq4-weighted", "iclr:eq8", "before Eq. (4), for a perceptron")
twin("neurreps:eq4", "iclr:infonce-quartic", "Eq. (4) with Proposition 6")
twin("neurreps:thm1", "iclr:thm1", "Theorem 1, first part")
twin("neurreps:thm1-commuting", "iclr:eq9", "Theorem 1, second part; Eq. (31)")
twin("neurreps:prop2", "iclr:prop2", "Proposition 2")
twin("neurreps:eq5", "iclr:r-minimiser", "Eq. (5) and after it")
twin("neurreps:prop3", "iclr:prop3", "Proposition 3, Eq. (39)")
twin("neurreps:eq6", "iclr:eq16", "Eq. (6)")
twin("neurreps:eq7", "iclr:eq17", "Eq. (7)")
twin("neurreps:thm2", "iclr:thm2", "App. D.1, before Eq. (8)")
twin("neurreps:eq8", "iclr:eq13", "Eq. (8)")
twin("neurreps:eq9", "iclr:eq18", "Eq. (9)")
twin("neurreps:eq10", "iclr:eq19", "Eq. (10)")
twin("neurreps:eq11", "iclr:eq20", "Eq. (11)")
twin("neurreps:eq12", "iclr:eq21", "Eq. (12)")
twin("neurreps:eq13", "iclr:eq22", "Eq. (13)")
twin("neurreps:eq14", "iclr:eq23", "Eq. (14)")
twin("neurreps:eq14-threshold", "iclr:eq23-threshold", "after Eq. (14)")
twin("neurreps:thm4", "iclr:thm3", "Theorem 4")
twin("neurreps:prop5", "iclr:prop4", "Proposition 5, Eqs. (15), (40)–(44)")
twin("neurreps:eq17", "iclr:eq15", "Eqs. (16), (17)")
twin("neurreps:prop6", "iclr:prop1", "Proposition 6, Eqs. (22), (23)")
twin("neurreps:eq21", "iclr:eq27", "Eqs. (18)–(21)")
twin("neurreps:eq24", "iclr:eq30", "Eq. (24)")
twin("neurreps:eq27", "iclr:eq33", "Eq. (27)")
twin("neurreps:eq28", "iclr:eq34", "Eq. (28)")
twin("neurreps:eq29", "iclr:eq35", "Eq. (29)")
twin("neurreps:eq30", "iclr:eq36", "Eq. (30)")
twin("neurreps:eq32", "iclr:eq38", "Eq. (32)")
twin("neurreps:eq34", "iclr:eq40", "Eqs. (33), (34)")
twin("neurreps:eq35", "iclr:eq41", "Eq. (35)")
twin("neurreps:eq36", "iclr:eq42", "Eq. (36)")
twin("neurreps:eq37", "iclr:eq43", "Eq. (37)")
twin("neurreps:eq38", "iclr:eq44", "Eq. (38)")


@NEURREPS.claim(
    "neurreps:eq26",
    where="Eqs. (25), (26)",
    says="at a stationary point, with G = WᵀW and B invertible, G = {gram} and Σ^½GΣ^½ = {power}",
    recorded="holds",
    why="The lines before Eq. (27), in which a Σ is then spare: these have it right.",
    gram=2 * G * Sigma * G * Sigma * B**-1,
    power=2 * Sigma**half * G * Sigma * G * Sigma * B**-1 * Sigma**half,
)
def before_the_slip() -> Iterator[Reading]:
    """Wᵀ∇L = 0 solved for the WᵀW that stands before B."""
    found = half * (G * slope_factor(G) + 2 * G * B) * B**-1
    ends = invertible()
    yield Reading(
        {"gram": tidied(found), "power": tidied(Sigma**half * found * Sigma**half)},
        [
            *newton_ends("gram", "WᵀW", [Point(end.letters(), end.gram, TOLERANCE) for end in ends]),
            *newton_ends("power", "Σ^½WᵀWΣ^½", [Point(end.letters(), end.H, TOLERANCE) for end in ends]),
        ],
    )


kappa, c, rho, alpha, N = sympy.symbols("kappa c rho alpha N")
_quartic, _norm = Tr(W * Sigma * W.T * W * Sigma * W.T), Tr(W * Sigma * W.T)
# The two prints, typed off each on its own: the number here, there, and either formula.
PRINTED = (
    ("before (4)", "(8)", (1 - alpha) / N * Tr(W * C * W.T) - Tr(W * A0 * W.T),
     Tr(W * C * W.T) * (1 - alpha) / N - Tr(W * A0 * W.T)),
    ("(17)", "(15)", -2 * Tr(W * C * W.T) + _quartic, _quartic - 2 * Tr(W * C * W.T)),
    ("(21)", "(27)", 4 * _norm**2 + 8 * _quartic, 8 * _quartic + 4 * _norm**2),
    ("(24)", "(30)", -2 * W * B + 4 * W * Sigma * W.T * W * Sigma, 4 * W * Sigma * W.T * W * Sigma - 2 * W * B),
    ("(27)", "(33)", 2 * H**2 * Sigma**half * Sigma * B**-1 * Sigma**half,
     2 * H * H * Sigma**half * Sigma * B**-1 * Sigma**half),
    ("(30)", "(36)", half * Sigma**-half * U * M * Lambda * U.T * Sigma**-half,
     Sigma**-half * U * M * Lambda * U.T * Sigma**-half / 2),
    ("(36)", "(42)", -Tr(W * (B + 2 * kappa * c * Sigma) * W.T) + _quartic + kappa * rho**2,
     kappa * rho**2 + _quartic - Tr(W * (B + 2 * kappa * c * Sigma) * W.T)),
    ("(37)", "(43)", 4 * rho * W * Sigma, 4 * rho * W * Sigma),
    ("(38)", "(44)", -2 * W * (B + 2 * kappa * c * Sigma - 2 * kappa * rho * Sigma) + 4 * W * Sigma * W.T * W * Sigma,
     4 * W * Sigma * W.T * W * Sigma - 2 * W * (B + 2 * kappa * c * Sigma - 2 * kappa * rho * Sigma)),
)  # fmt: skip


@NEURREPS.claim(
    "neurreps:twins",
    where="Eqs. (1)–(44)",
    says="what the abstract numbers is what the ICLR paper prints, under other numbers: {same}",
    recorded="holds",
    why="Each has a row under the abstract's own number, with the verdict of its twin. Beyond those the abstract has"
    " the proof of Theorem 1 (neurreps:proof-thm1) and the unnumbered lines of App. D.",
    same=True,
)
def twins() -> Iterator[Reading]:
    """Nine formulas of both prints, compared as words and at random letters."""
    rng = np.random.default_rng(0)

    def symmetric() -> object:
        root = rng.standard_normal((2, 2))
        return root @ root.T + np.eye(2)

    letters = {name: symmetric() for name in ("A_0", "B", "C", "H", "Sigma")}
    letters |= {"W": rng.standard_normal((2, 2)), "U": np.linalg.qr(rng.standard_normal((2, 2)))[0]}
    letters |= {"M": np.diag([1.0, 0.0]), "Lambda": np.diag([0.7, 1.3])}
    at = letters | {"kappa": 0.6, "c": 1.4, "rho": 0.8, "alpha": 0.3, "N": 5.0}
    points = [
        Point({}, bool(np.allclose(evaluate(one, at), evaluate(other, at), rtol=1e-12))) for _, _, one, other in PRINTED
    ]
    derived = all(same(one, other) for _, _, one, other in PRINTED)
    yield Reading(
        {"same": derived},
        [
            Measured(
                "same", "exact", "whether the two prints have one value at random letters", points, note="9 formulas"
            )
        ],
        how="both prints typed off, and compared as words",
    )
