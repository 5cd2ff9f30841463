"""What papers print: published claims with their ledger, and printed formulas.

`claims` re-derives and judges the claims of a paper, `printed` holds a formula against what is derived and measured.
"""
