"""Fields in numbers: the flow of modes in time, the states it ends in, and what comes back when a parameter does.

Imports from what stands above it in `numeric`.
"""
