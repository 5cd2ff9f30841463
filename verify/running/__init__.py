"""How work is run: limits on other people's code, names loaded when asked for, sweeps that are safe to kill.

`limits` bounds seconds and memory, `sweeps` computes each row of a table of settings once.
"""
