"""The figures of Ziyin et al. 2023 that need no deep network: prediction against measurement.

Each module is one figure: `sweep` lists what is to be trained, `unit` trains it, `shown` draws it with the theory.
What the paper prints is kept: N(0, I_32), Adam at 6e-4, full batch, 5000 iterations, diagonal Gaussian noise of
variance σ². What it leaves out is chosen in the module, said there, and varied.
"""
