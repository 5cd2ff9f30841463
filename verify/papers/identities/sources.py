"""Where the identities were printed."""

from __future__ import annotations

from derive.references import REFERENCES, Reference

SOURCES: dict[str, Reference] = {
    "ziyin2023": REFERENCES["ziyin2023"],
    "isserlis1918": Reference(
        "Isserlis 1918",
        "Leon Isserlis",
        "On a formula for the product-moment coefficient of any order of a normal frequency distribution in any number"
        " of variables",
        "Biometrika 12",
    ),
    "lancaster1954": Reference(
        "Lancaster 1954",
        "Henry Oliver Lancaster",
        "Traces and cumulants of quadratic forms in normal variables",
        "Journal of the Royal Statistical Society B 16",
    ),
    "searle1971": Reference("Searle 1971", "Shayle R. Searle", "Linear Models", "Wiley"),
    "magnus1978": Reference(
        "Magnus 1978",
        "Jan R. Magnus",
        "The moments of products of quadratic forms in normal variables",
        "Statistica Neerlandica 32",
    ),
    "muirhead1982": Reference(
        "Muirhead 1982", "Robb J. Muirhead", "Aspects of Multivariate Statistical Theory", "Wiley"
    ),
    "magnus1988": Reference(
        "Magnus and Neudecker 1988",
        "Jan R. Magnus, Heinz Neudecker",
        "Matrix Differential Calculus with Applications in Statistics and Econometrics",
        "Wiley",
    ),
    "mathai1992": Reference(
        "Mathai and Provost 1992",
        "Arak M. Mathai, Serge B. Provost",
        "Quadratic Forms in Random Variables: Theory and Applications",
        "Marcel Dekker",
    ),
    "seber2003": Reference(
        "Seber and Lee 2003", "George A. F. Seber, Alan J. Lee", "Linear Regression Analysis", "Wiley"
    ),
    "letac2004": Reference(
        "Letac and Massam 2004",
        "Gérard Letac, Hélène Massam",
        "All invariant moments of the Wishart distribution",
        "Scandinavian Journal of Statistics 31",
    ),
    "graczyk2005": Reference(
        "Graczyk et al. 2005",
        "Piotr Graczyk, Gérard Letac, Hélène Massam",
        "The hyperoctahedral group, symmetric group representations and the moments of the real Wishart distribution",
        "Journal of Theoretical Probability 18",
    ),
    "petersen2012": Reference(
        "Petersen and Pedersen 2012",
        "Kaare Brandt Petersen, Michael Syskind Pedersen",
        "The Matrix Cookbook",
        "Technical University of Denmark",
    ),
}
