"""Landscapes in numbers: stationary points, powers of the modes, phase diagrams, minimisers found by iteration.

`landscape` goes from matrices to modes and back, `powers` and `modes` solve for the powers, `descent` minimises.
"""
