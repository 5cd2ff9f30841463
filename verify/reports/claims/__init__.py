"""The ledger as a person reads it: on a terminal, as a matrix, an errata sheet, and the corrected theory.

`pages` writes a page as Markdown or LaTeX; the others say what is on it.
"""
