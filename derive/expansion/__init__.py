"""From a definition to its expansion: the series in W, its moments, and Wick contraction to trace words.

`series` and `moments` assume nothing about the data; `wick` has Isserlis' theorem, `expansion` the result as a value.
"""
