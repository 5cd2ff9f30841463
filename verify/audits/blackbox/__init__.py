"""A torch loss that this project has never seen: measured, and turned into its exact expansion.

Data flows one way: `verify.truths.function` calls the user's code and watches it, `regularity` and `invariances` say
what it is near 0, `rays` measures Taylor coefficients, `coefficients` contracts them over Gaussian data at several
batch sizes, `exact` recognises rational numbers and rational functions of N, and the result is a `derive.Expansion`
like any other.
"""
