"""A second engine for expansions, in plain fractions, that shares no code with `derive`.

Of `derive` it reads the tree of a definition and the words of an expansion, and nothing else. A loss is expanded at one
W, one A0, one Σ of fractions: its value is a power series in t, W → tW, whose coefficients are polynomials in the
coordinates of f(x), which are Gaussian variables; a mean over a sample of N − 1 draws is a sum over N − 1 copies. Then
the variables are integrated out one by one. `derive` never sees a coordinate, the oracle never sees a graph or a trace;
where both give the same fractions at every order, on losses drawn at random, neither is likely to be wrong.
"""
