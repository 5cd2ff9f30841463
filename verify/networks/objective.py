"""What a network is trained on: a published loss of two views of one batch, as it is or of f/|f|.

Losses of batches are those of `verify.truths.batched`. Of the population losses the spectral one is here in the form
in which it is trained (HaoChen et al. 2021, Sec. 3): its mean over independent data is one over the pairs of different
data in the batch, which is unbiased,

    −2/n Σ_i ⟨z1_i, z2_i⟩ + 1/(n(n − 1)) Σ_{i≠j} ⟨z1_i, z2_j⟩².

With `normalised`, each f is divided by its length, and the loss no longer changes with the scale of the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from derive import CATALOGUE, InputError, catalogue
from verify.truths.batched import batched

TRAINED = (*(name for name, loss in CATALOGUE.items() if loss.batch_size is not None), "spectral")


@dataclass(frozen=True)
class Objective:
    """A loss of two views.

    Attributes:
        loss: a catalogue name.
        parameters: of the loss, by their names in the catalogue.
        normalised: whether f is divided by its length.

    Raises:
        InputError: a loss that is not trained on one batch, or parameters that are not its own.

    >>> import torch
    >>> z = torch.eye(2)
    >>> Objective("spectral")(z, z)
    tensor(-2.)
    >>> Objective("ntxent", {"tau": 0.5}, normalised=True).text
    'ntxent (tau = 0.5), f/|f|'

    """

    loss: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    normalised: bool = False

    def __post_init__(self) -> None:
        if self.loss not in TRAINED:
            raise InputError(f"there is no loss {self.loss!r} of one batch; there are {', '.join(TRAINED)}")
        needed = sorted(set(catalogue(self.loss).parameters) - {"N"})  # N is the batch's
        if sorted(self.parameters) != needed:
            raise InputError(
                f"{self.loss} needs values for {', '.join(needed) or 'nothing'}, and was given some for"
                f" {', '.join(sorted(self.parameters)) or 'nothing'}"
            )

    @property
    def text(self) -> str:
        """The objective in words."""
        values = ", ".join(f"{name} = {value:g}" for name, value in self.parameters.items())
        return f"{self.loss}{f' ({values})' if values else ''}{', f/|f|' if self.normalised else ''}"

    def __call__(self, z1: Tensor, z2: Tensor) -> Tensor:
        """The loss of embeddings (n, d1) of both views, a number."""
        if self.normalised:
            z1, z2 = (z / (z * z).sum(-1, keepdim=True).sqrt() for z in (z1, z2))
        if self.loss == "spectral":
            return _spectral(z1, z2)
        return batched(self.loss)((z1[None], z2[None]), self.parameters)[0]


def _spectral(z1: Tensor, z2: Tensor) -> Tensor:
    n = len(z1)
    pairs = (z1 * z2).sum(-1)
    # All ⟨z1_i, z2_j⟩² at once are Tr[Z1ᵀZ1 Z2ᵀZ2].
    others = ((z1.mT @ z1) * (z2.mT @ z2)).sum() - (pairs * pairs).sum()
    return others / (n * (n - 1)) - 2 * pairs.mean()
