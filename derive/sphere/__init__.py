"""Losses of unit vectors: around a W that has lost modes, in powers of 1/τ, and over the shares of the modes kept.

Imports from `derive.losses` and what stands above it.
"""
