"""Training modules as they are: views in, a loss out, audited by the step that an optimiser takes.

A module here is called with two views of data, ``module(x1, x2)``, and returns its loss; W, P and Wₘ are its own.
"""
