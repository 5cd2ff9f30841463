"""Identities of the literature on quadratic forms in normal variables and on Wishart matrices, and their sources.

They are derived and checked like any printed moment; a test walks them.
"""
