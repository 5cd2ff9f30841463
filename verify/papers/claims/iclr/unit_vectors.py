"""Sec. 3.2 and App. D.1 under f/‖f‖ itself: what the model of a fixed E|f|² says of it, and how far that is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy

from derive import catalogue
from derive.landscape.mode_potential import b as level
from derive.landscape.stationary import T1, m
from numeric.sphere.equal_modes import Sphere
from verify.papers.claims.claim import Measured, Point, Reading
from verify.papers.claims.counterexamples import unit_vectors as counterexamples
from verify.papers.claims.iclr.ledger import ICLR
from verify.papers.claims.iclr.penalised import OFF, c, d_M, ends, points
from verify.papers.claims.iclr.unit_edges import HOW, INFONCE, SPECTRAL, closed, shift, slopes
from verify.papers.claims.iclr.unit_minima import Minimum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@ICLR.claim(
    "iclr:norm-model",
    where='Sec. 3.2, "Effect of Normalization", Eq. (13)',
    says="which modes f/‖f‖ keeps, Eq. (13) says, c = 1 being a temperature of 1: eigenvalues of Σ⁻¹B that exceed the"
    " average of the d_M kept ones less {shift}",
    recorded="refuted",
    kind="error",
    given="f/‖f‖ of a linear model at the temperature 1/c, Gaussian data; one more mode beside d_M kept ones of one"
    " eigenvalue, to leading order in 1/d_M.",
    tried="As what it is derived from, Eq. (10) with E|f|² = c, it holds (iclr:eq13), and Sec. 3.2 says itself that"
    " this is not entirely a direct normalisation. Of f/‖f‖, for InfoNCE (B = A0) and for the spectral loss (B = 2A0),"
    " with c as the inverse temperature, its form is right for both and its number for neither.",
    why="The form is right, the number is not. A fixed E|f|² leaves the length of each f free, whose variance enters"
    " the loss and which f/‖f‖ does not have: of the print's coefficient 1 of Tr[(WΣWᵀ)²] a quarter is that of the"
    " negatives, a quarter that of x (which Eq. (24) adds, iclr:infonce-quartic), and ½ the cosine's. What f/‖f‖ has"
    " instead comes from two views' lengths that vary together: λ_bar(1 − λ_bar²) for InfoNCE, of λ_bar/2 in the place"
    " of λ_bar for the spectral loss, whose Σ⁻¹B has twice the view correlations. Eq. (13) loses modes later than f/‖f‖"
    " does.",
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
    given="A linear model on Gaussian data, the global minimum of Eq. (10) as κ → ∞ or of f/‖f‖ itself; the"
    " augmentation so strong that two views of the mode are independent; λ_i = a_i/(a_i + c_i).",
    why="A mode that is all noise still spreads f over the sphere. In Eq. (13) with B = A0 − C it is lost where the λ_i"
    " of the other kept modes add up to c at least, as two that are not augmented do at c = 1, and with InfoNCE's B ="
    " A0 where they add up to 2c: with fewer or weaker ones beside it no strength suffices. Under f/‖f‖ itself the sum"
    " is held against 1/τ, about.",
    counterexample=counterexamples.noise_is_kept,
    always=True,
)
def strong_always() -> Iterator[Reading]:
    """A mode of two independent views, which is the strongest augmentation there is, beside others."""
    for name, r in (
        ("B = A0 − C as in App. D.1, beside two modes that are not augmented", (1.0, 1.0, -1.0)),
        ("B = A0 − C, beside one mode that is augmented too, λ = 0.6", (0.2, -1.0)),
        ("B = A0, InfoNCE, beside two modes of λ = 0.9", (0.9, 0.9, 0.0)),
    ):
        yield Reading(
            {"always": _is_lost(r)}, [_lost_in_the_model(r)], f"Eq. (10) as κ → ∞ at c = 1, {name}",
            how="its power were it kept beside the others",
        )  # fmt: skip
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


def _is_lost(r: Sequence[float]) -> bool:
    """Whether the power at E|f|² = 1 of the last of modes of these eigenvalues of Σ⁻¹B, all kept, is not positive."""
    found, values = points(fixed=True), [sympy.nsimplify(one) for one in r]
    at = {level: values[-1], T1: sum(values), m: len(values), c: 1}
    return bool(found.power.subs(at) <= 0)


def _lost_in_the_model(r: Sequence[float]) -> Measured:
    minima = ends(r, np.ones(len(r)), c=1.0, minimise=True, starts=4)
    powers = [float(end.frame[:, -1] @ end.gram @ end.frame[:, -1]) for end in minima]
    quantity = "whether the mode is zero where descents on Eq. (10) at a fixed norm end, Σ = I"
    note = f"power {min(powers):.2g} to {max(powers):.2g}"
    return Measured("always", "exact", quantity, [Point({}, one < OFF) for one in powers], seed=0, note=note)
