"""Losses of unit vectors in numbers: means over the kept block, thresholds of lost modes, shares of the kept ones.

Imports from `numeric.landscape` and what stands above it.
"""
