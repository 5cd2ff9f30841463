"""Sec. 3.2 and App. D.1 under f/‖f‖ itself: what the model of a fixed E|f|² says of it, and how far that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from derive import catalogue
from numeric.sphere.equal_modes import Sphere
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import unit_vectors as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import c, d_M
from verify.papers.claims.iclr.unit_edges import HOW, INFONCE, SPECTRAL, closed, shift, slopes
from verify.papers.claims.iclr.unit_minima import Minimum

if TYPE_CHECKING:
    from collections.abc import Iterator


@ICLR.claim(
    "iclr:norm-model",
    where='Sec. 3.2, "Effect of Normalization", Eq. (13)',
    says="which modes f/‖f‖ keeps, Eq. (13) says, c = 1 being a temperature of 1: eigenvalues of Σ⁻¹B that exceed the"
    " average of the d_M kept ones less {shift}",
    recorded="refuted",
    kind="error",
    given="f/‖f‖ of a linear model at the temperature 1/c, Gaussian data; one more mode beside d_M kept ones of one"
    " eigenvalue, to leading order in 1/d_M.",
    tried="For InfoNCE (B = A0) and for the spectral loss (B = 2A0), with c as the inverse temperature; the form of"
    " Eq. (13) is right for both, its number for neither.",
    why="The form is right, the number is not. A fixed E|f|² leaves the length of each f free, whose variance enters"
    " the loss and which f/‖f‖ does not have: of the print's coefficient 1 of Tr[(WΣWᵀ)²] a quarter is that of the"
    " negatives, a quarter that of x (counted by mistake, iclr:infonce-quartic), and ½ the cosine's. What f/‖f‖ has"
    " instead is lambda_bar(1 − lambda_bar²), from two views' lengths that vary together. Eq. (13) loses modes too"
    " late.",
    falls=("that Eq. (13) places the collapses of Fig. 6",),
    counterexample=counterexamples.threshold_of_unit_vectors,
    shift=2 * c / d_M,
)
def model() -> Iterator[Reading]:
    """The edge of one more mode beside d_M that are kept equally, to leading order in d_M."""
    yield Reading(
        {"shift": shift(INFONCE)}, [closed(), slopes(INFONCE)],
        "InfoNCE, B = A0, f/‖f‖ at the temperature 1/c; kept modes of one eigenvalue, many of them",
        how=HOW,
    )  # fmt: skip
    yield Reading(
        {"shift": shift(SPECTRAL)}, [slopes(SPECTRAL)],
        "the spectral contrastive loss, B = 2 A0, of √c f/‖f‖; kept modes of one eigenvalue, many of them",
        how=HOW,
    )  # fmt: skip


# The view correlations of the modes that are kept, and of one whose views are independent.
WEAK, KEPT = 0.6, 4


@ICLR.claim(
    "iclr:norm-strong-always",
    where="Sec. 3.2, App. D.1",
    says="with normalisation a sufficiently strong augmentation can always cause a collapse in its subspace: {always}",
    recorded="conditional",
    given="f/‖f‖ of a linear model on Gaussian data, the global minimum; the augmentation so strong that two views of"
    " the mode are independent.",
    why="Under f/‖f‖ a mode that is all noise still spreads f over the sphere. At a low temperature that is worth more"
    " than the alignment it costs: with 1/τ above the sum of the other modes' view correlations, about, it is kept"
    " however strong its augmentation.",
    counterexample=counterexamples.noise_is_kept,
    always=True,
)
def strong_always() -> Iterator[Reading]:
    """Five modes, one of them of two independent views, which is the strongest augmentation there is."""
    lam = (WEAK,) * KEPT + (0.0,)
    for tau, name in ((sympy.S.One, "1"), (sympy.Rational(1, 10), "1/10")):
        found = Minimum("infonce", lam, temperature=float(tau))
        derived = found.derived(catalogue("infonce+normalised").set({"tau": tau}))
        edge = Sphere(KEPT, WEAK, float(tau)).threshold()
        seen = found.powers[0]
        measured = [
            Measured("always", "exact", "whether λ_c > 0, from L″(0) in closed form", [Point({}, bool(edge > 0))],
                     note=f"λ_c = {edge:.3f}"),
            Measured("always", "trained", "whether the noise is lost where the loss written by hand is lowest",
                     [Point({}, found.lost(seen))], seed=0, note=f"smallest share {seen:.2g}"),
        ]  # fmt: skip
        yield Reading(
            {"always": found.lost(derived[-1])}, measured,
            f"InfoNCE of f/‖f‖ at a temperature of {name}, {KEPT} modes of λ = {WEAK} beside one of noise",
            how="the shares at the minimum of the definition",
        )  # fmt: skip
