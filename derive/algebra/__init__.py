"""Exact algebra, whatever the loss: letters and trace words, graphs of moments, coefficients, their signs and limits.

`words` has the words in canonical form, `scalars` the coefficients, `signs` the sign of an expression over the ranges
of its symbols.
"""
