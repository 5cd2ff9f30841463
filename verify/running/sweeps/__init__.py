"""Sweeps: a table of settings, each computed once, with all results in one file that is safe to kill."""
