"""How often the checker errs: wrong derivations that a route lets through, and right ones that a check contradicts.

The program that measures both, and writes the tables of ``docs/error_rates.md``, is ``bench/error_rates.py``.
"""
