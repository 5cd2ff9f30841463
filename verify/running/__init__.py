"""How long work is run: limits on other people's code, names loaded when asked for, sweeps that are safe to kill.

`limits` bounds seconds and memory, `sweeps` computes a table of settings once each.
"""
