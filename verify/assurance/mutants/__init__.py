"""Mutants: wrong derivations made from right ones, and how many of them each route of evidence finds.

A mutant is made by one slip in one place: of the *definition* that a derivation starts from, of its *moments*, of the
*expansion* that comes out, of the *landscape* that is read off it, or of the *formula* in which a ledger states a
claim. Two mutants of one subject are different when they differ in exact arithmetic; one that says the same as the
original is *equivalent*, which is proved symbolically, and no route has to find it.
"""

from verify.assurance.mutants.expansions import mutants
from verify.assurance.mutants.mutant import Mutant, distinct

__all__ = ["Mutant", "distinct", "mutants"]
