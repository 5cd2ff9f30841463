"""DirectPred (Tian et al. 2021): SimSiam whose predictor is set from the second moments of the embedding.

Along each eigenvector of F the predictor is √σ + ε σ_max, σ the eigenvalue and σ_max the largest.
"""

from __future__ import annotations

from dataclasses import replace

import sympy

from derive.fields.simsiam import LOSS
from derive.fields.training import OfMoments, Training, largest, sigma

DIRECTPRED = Training(
    replace(
        LOSS,
        name="directpred",
        title="DirectPred, squared distances",
        sources=("tian2021",),
        notes=("F is W Σ Wᵀ here, known exactly; the published one is a moving average over batches.",),
    ),
    OfMoments(sympy.sqrt(sigma) + sympy.Symbol("epsilon") * largest),
)
