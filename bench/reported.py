"""Public reports on self-supervised losses: the code that they are about, and what an audit says of it.

    python bench/reported.py [--only WORD] > reported.csv

Each loss is written anew from what its report describes. Where a report says what the code should be, the audit
compares it with that (`quartic audit FILE.py:NAME --against OTHER.py:NAME`); a loss that is stuck is looked up
(`quartic stuck`).
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from derive import InputError
from verify.audits.blackbox.auditing import audit_function
from verify.audits.stuck import stuck_at

TAU, EPS, NU = 0.5, 1e-6, 25.0
TwoViews = Callable[..., Tensor]


def unit(z: Tensor) -> Tensor:
    """Unit vectors."""
    return F.normalize(z, dim=-1)


# The losses as they should be.


def ntxent(z1: Tensor, z2: Tensor) -> Tensor:
    """Chen et al. 2020, Eq. 1."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    logits = (z @ z.T / TAU).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(logits, torch.arange(2 * n).roll(n))


def infonce(z1: Tensor, z2: Tensor) -> Tensor:
    """In-batch negatives of the other view, one direction."""
    return F.cross_entropy(unit(z1) @ unit(z2).T / TAU, torch.arange(len(z1)))


def _dcl(z1: Tensor, z2: Tensor, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """DCL of unit vectors, both directions, with the negatives of both views combined as given."""
    off = torch.eye(len(z1), dtype=torch.bool)
    total = torch.zeros((), dtype=z1.dtype)
    for a, b in ((unit(z1), unit(z2)), (unit(z2), unit(z1))):
        own, other = ((a @ c.T / TAU).masked_fill(off, -math.inf) for c in (a, b))
        total = total + (combine(own, other) - (a * b).sum(1) / TAU).mean()
    return total / 2


def dcl(z1: Tensor, z2: Tensor) -> Tensor:
    """Yeh et al. 2022, Eq. 6: one sum over the negatives of both views."""
    return _dcl(z1, z2, lambda own, other: torch.cat([own, other], 1).logsumexp(1))


def _vicreg(z1: Tensor, z2: Tensor, of_variance: float, *, twice: bool = False, gram: bool = False) -> Tensor:
    """VICReg with a factor on its variance term."""
    total = NU * F.mse_loss(z1, z2)
    for z in (z1, z2):
        c = z - z.mean(0)
        spread = (c if twice else z).var(0)
        total = total + of_variance * NU * F.relu(1 - (spread + 1e-4).sqrt()).mean()
        matrix = c @ c.T if gram else c.T @ c
        cov = matrix / (len(z) - 1)
        total = total + (cov - torch.diag(torch.diag(cov))).pow(2).sum() / z.shape[1]
    return total


def vicreg(z1: Tensor, z2: Tensor) -> Tensor:
    """Bardes et al. 2022, Eqs. 1 to 6: the variance term of each view with weight 1."""
    return _vicreg(z1, z2, 1.0)


def vicreg_code(z1: Tensor, z2: Tensor) -> Tensor:
    """The authors' code: that of each view with weight ½."""
    return _vicreg(z1, z2, 0.5)


def _barlow(z1: Tensor, z2: Tensor, correction: int = 0, *, together: bool = False) -> Tensor:
    """Barlow Twins, views standardised by themselves or together."""
    both = torch.cat([z1, z2])

    def standard(z: Tensor) -> Tensor:
        of = both if together else z
        return (z - of.mean(0)) / (of.var(0, correction=correction) + 1e-5).sqrt()

    c = standard(z1).T @ standard(z2) / len(z1)
    on = (torch.diag(c) - 1).pow(2).sum()
    return on + 0.005 * (c.pow(2).sum() - torch.diag(c).pow(2).sum())


def barlow(z1: Tensor, z2: Tensor) -> Tensor:
    """Zbontar et al. 2021, with batch norm."""
    return _barlow(z1, z2)


def simsiam(p: Tensor, z: Tensor) -> Tensor:
    """Chen & He 2021, one term: −cos(p, z) with z held."""
    return -F.cosine_similarity(p, z.detach(), dim=-1).mean()


# The losses as they are reported.


def dcl_of_two_sums(z1: Tensor, z2: Tensor) -> Tensor:
    """lightly until 1.5.20."""
    return _dcl(z1, z2, lambda own, other: own.logsumexp(1) + other.logsumexp(1))


def dcl_small_number(z1: Tensor, z2: Tensor) -> Tensor:
    """The diagonal is lowered by log(1e-45) rather than taken out."""
    small = math.log(1e-45)
    total = torch.zeros((), dtype=z1.dtype)
    for a, b in ((unit(z1), unit(z2)), (unit(z2), unit(z1))):
        sim = torch.cat([a @ a.T, a @ b.T], 1) / TAU
        mask = torch.eye(len(a), dtype=z1.dtype).repeat(1, 2)
        total = total + ((sim + mask * small).logsumexp(1) - (a * b).sum(1) / TAU).mean()
    return total / 2


def _weighted(z1: Tensor, z2: Tensor, scale: float) -> Tensor:
    """DCLW in one direction: weights 2 − scale · softmax of the positives."""
    a, b = unit(z1), unit(z2)
    off = torch.eye(len(a), dtype=torch.bool)
    positive = (a * b).sum(1)
    weight = 2 - scale * F.softmax(positive / 0.5, 0)
    negatives = torch.cat([(a @ a.T / TAU).masked_fill(off, -math.inf), (a @ b.T / TAU).masked_fill(off, -math.inf)], 1)
    return (negatives.logsumexp(1) - weight * positive / TAU).mean()


def dclw(z1: Tensor, z2: Tensor) -> Tensor:
    """Weights over their mean, as the paper has them."""
    return _weighted(z1, z2, len(z1))


def dclw_proposed(z1: Tensor, z2: Tensor) -> Tensor:
    """Without the number of data, as the report would have it."""
    return _weighted(z1, z2, 1.0)


def dcl_summed(z1: Tensor, z2: Tensor) -> Tensor:
    """The sum over data where the mean is meant."""
    return len(z1) * dcl(z1, z2)


def subtracted(z1: Tensor, z2: Tensor) -> Tensor:
    """NT-Xent from which e^(1/τ) is subtracted in place of the pair (x, x)."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    sim = (z @ z.T / TAU).exp()
    positive = (z * z.roll(n, 0)).sum(1) / TAU
    return ((sim.sum(1) - math.exp(1 / TAU)).log() - positive).mean()


def eps_twice(z1: Tensor, z2: Tensor) -> Tensor:
    """ε added to the sum of negatives twice."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    sim = (z @ z.T / TAU).exp()
    off = ~torch.eye(2 * n, dtype=torch.bool)
    negatives = (sim * off).sum(1) + EPS
    return -((z * z.roll(n, 0)).sum(1) / TAU).exp().div(negatives + EPS).log().mean()


def eps_once(z1: Tensor, z2: Tensor) -> Tensor:
    """ε added once."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    sim = (z @ z.T / TAU).exp()
    off = ~torch.eye(2 * n, dtype=torch.bool)
    return -((z * z.roll(n, 0)).sum(1) / TAU).exp().div((sim * off).sum(1) + EPS).log().mean()


def positives_left_in(z1: Tensor, z2: Tensor) -> Tensor:
    """NT-Xent with the positive in the denominator, written with masks."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    off = ~torch.eye(2 * n, dtype=torch.bool)
    sim = (z @ z.T / TAU).exp() * off
    return ((sim.sum(1)).log() - (z * z.roll(n, 0)).sum(1) / TAU).mean()


def maximum_not_held(z1: Tensor, z2: Tensor) -> Tensor:
    """NT-Xent less its largest logit, through which gradients go."""
    z, n = unit(torch.cat([z1, z2])), len(z1)
    logits = (z @ z.T / TAU).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    logits = logits - logits.max(1, keepdim=True).values
    positive = logits[torch.arange(2 * n), torch.arange(2 * n).roll(n)]
    return (logits.exp().sum(1).log() - positive).mean()


def no_temperature_on_positives(z1: Tensor, z2: Tensor) -> Tensor:
    """The temperature divides the negatives alone."""
    a, b = unit(z1), unit(z2)
    off = torch.eye(len(a), dtype=torch.bool)
    positive = (a * b).sum(1)
    logits = torch.where(off, a @ b.T, a @ b.T / TAU)
    return (logits.logsumexp(1) - positive).mean()


def no_temperature(z1: Tensor, z2: Tensor) -> Tensor:
    """No temperature at all."""
    return F.cross_entropy(unit(z1) @ unit(z2).T, torch.arange(len(z1)))


def broadcast_shift(z1: Tensor, z2: Tensor) -> Tensor:
    """The largest distance of each row is subtracted along the columns."""
    logits = unit(z1) @ unit(z2).T / TAU
    shift = logits.max(1).values.detach()
    return (logits - shift).logsumexp(1).mean() - (torch.diag(logits) - shift).mean()


def tau_in_the_logarithm(z1: Tensor, z2: Tensor) -> Tensor:
    """−log(τ A/B): a constant more."""
    return infonce(z1, z2) - math.log(TAU)


def _soft_clip(z1: Tensor, z2: Tensor, temperature: Callable[[Tensor], Tensor]) -> Tensor:
    logits = unit(z1) @ unit(z2).T / TAU
    own = (unit(z1) @ unit(z1).T + unit(z2) @ unit(z2).T) / 2
    targets = F.softmax(temperature(own), -1)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets.T)) / 2


def targets_multiplied(z1: Tensor, z2: Tensor) -> Tensor:
    """Soft targets whose similarities are multiplied by the temperature."""
    return _soft_clip(z1, z2, lambda own: own * TAU)


def targets_divided(z1: Tensor, z2: Tensor) -> Tensor:
    """The same, divided by it."""
    return _soft_clip(z1, z2, lambda own: own / TAU)


def bessel(z1: Tensor, z2: Tensor) -> Tensor:
    """Standard deviations of N − 1, the mean over N."""
    return _barlow(z1, z2, correction=1)


def standardised_together(z1: Tensor, z2: Tensor) -> Tensor:
    """Both views by their common mean and variance."""
    return _barlow(z1, z2, together=True)


def nothing_held(p: Tensor, z: Tensor) -> Tensor:
    """−cos(p, z) without a stop."""
    return -F.cosine_similarity(p, z, dim=-1).mean()


def centred_twice(z1: Tensor, z2: Tensor) -> Tensor:
    """Variances of centred embeddings."""
    return _vicreg(z1, z2, 0.5, twice=True)


def gram(z1: Tensor, z2: Tensor) -> Tensor:
    """N × N products in place of the covariance."""
    return _vicreg(z1, z2, 0.5, gram=True)


def apart(z1: Tensor, z2: Tensor) -> Tensor:
    """An invariance loss of the wrong sign."""
    return F.cosine_similarity(z1, z2, dim=-1).mean()


def overwritten(z1: Tensor, z2: Tensor) -> Tensor:
    """A symmetric loss of which the second direction replaces the first, over two."""
    return F.mse_loss(z1, z2.detach()) / 2


def accumulated(z1: Tensor, z2: Tensor) -> Tensor:
    """Both directions, over two."""
    return (F.mse_loss(z1, z2.detach()) + F.mse_loss(z2, z1.detach())) / 2


@dataclass(frozen=True)
class Report:
    """A report: where, and the code; what it should be, or the value at which a training was stuck."""

    where: str
    code: TwoViews | None = None
    should: TwoViews | None = None
    stuck: str = ""


REPORTS = (
    Report("lightly-ai/lightly#1827", dcl_of_two_sums, dcl),
    Report("lightly-ai/lightly#1806", standardised_together, barlow),
    Report("lightly-ai/lightly#559", nothing_held, simsiam),
    Report("lightly-ai/lightly#1445", centred_twice, vicreg_code),
    Report("Lightning-Universe/lightning-bolts#695", subtracted, ntxent),
    Report("Lightning-Universe/lightning-bolts#252", positives_left_in, ntxent),
    Report("Lightning-Universe/lightning-bolts#681", eps_twice, eps_once),
    Report("facebookresearch/vicreg#8", vicreg_code, vicreg),
    Report("facebookresearch/vicreg#25", gram, vicreg_code),
    Report("KevinMusgrave/pytorch-metric-learning#467", vicreg, vicreg_code),
    Report("KevinMusgrave/pytorch-metric-learning#282", maximum_not_held, ntxent),
    Report("yaohungt/Barlow-Twins-HSIC#6", bessel, barlow),
    Report("RElbers/info-nce-pytorch#17", no_temperature_on_positives, infonce),
    Report("AdaptiveMotorControlLab/CEBRA#48", broadcast_shift, infonce),
    Report("ustcllm/RecStudio#21", no_temperature, infonce),
    Report("bowang-lab/BLEEP#5", targets_multiplied, targets_divided),
    Report("drboog/Lafite#25", tau_in_the_logarithm, infonce),
    Report("ai4co/rl4co#284", apart),
    Report("facebookresearch/VICRegL#6", overwritten, accumulated),
    Report("PatrickHua/SimSiam#39", simsiam),
    Report("raminnakhli/Decoupled-Contrastive-Learning#14", dcl_small_number, dcl),
    Report("raminnakhli/Decoupled-Contrastive-Learning#1", dclw_proposed, dclw),
    Report("raminnakhli/Decoupled-Contrastive-Learning#13", dcl_summed, dcl),
    Report("HobbitLong/SupContrast#3", stuck="8.909"),
    Report("HobbitLong/SupContrast#83", stuck="8.909"),
    Report("tensorflow/similarity#233", stuck="6.9287"),
)


def said(report: Report) -> tuple[str, str]:
    """The verdict of an audit of a report's code, and its answer."""
    if report.stuck:
        return "stuck", stuck_at(report.stuck).text()
    assert report.code is not None  # noqa: S101
    options: dict[str, Any] = {}
    if report.should is not None:
        options = {"definition": report.should, "against": (report.should.__name__, "two-views")}
    try:
        found = audit_function(report.code, name=report.code.__name__, **options)
    except InputError as error:
        return "refused", str(error)
    return found.verdict, found.answer.text


def main() -> None:
    """Write a row a report as it is found."""
    asked = argparse.ArgumentParser(description="What an audit says of losses that were reported.")
    asked.add_argument("--only", default="", help="a part of the name of the repository")
    only = asked.parse_args().only
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["report", "code", "verdict", "says", "seconds"])
    for report in REPORTS:
        if only in report.where:
            begun = time.process_time()
            verdict, text = said(report)
            name = "" if report.code is None else report.code.__name__
            spent = f"{time.process_time() - begun:.1f}"
            writer.writerow([report.where, name, verdict, " ".join(text.split()), spent])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
