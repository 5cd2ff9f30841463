"""Counterexamples to refuted claims, in NumPy or mpmath alone.

Each is a function of a few lines that anyone can paste into an interpreter. It returns

    printed   the value that the printed statement gives,
    true      the value from the definition of the loss,
    at        numbers by the names of the formula's letters, where the statement is a formula (optional),

and shares no line with the rest of the project. What a claim shows is the function's own source.
"""
