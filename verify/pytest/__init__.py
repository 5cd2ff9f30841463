"""Checks of printed formulas in pytest: fixtures and how their failures are reported.

`verify.plugin` is what pytest loads.
"""
