"""The figures: what is drawn there was trained, and is to be reproduced by training."""

from __future__ import annotations

from verify.claims.iclr.ledger import ICLR

_TRAINED = "a figure of trained models, which this version does not train"

for _name, _where, _says in (
    ("fig1", "Fig. 1", "toy diag(r1, r2) landscape: no, dimensional and complete collapse; stars at the minima"),
    (
        "fig2-resnet",
        "Fig. 2, upper row",
        (
            "ResNet-18 on CIFAR-10, SimCLR, d1 = 128, weight decay 10⁻³, Gaussian-noise augmentation: the loss under"
            " W_last → aW_last, and under (r1, r2) on the larger and the smaller half of its singular values"
        ),
    ),
    ("fig2-vit", "Fig. 2, lower row", "the same for a ViT"),
    ("fig3", "Fig. 3", "phase diagram over σ and θ and downstream error, β = ½, d0 = 2"),
    (
        "fig4",
        "Fig. 4",
        (
            "CIFAR-10 with the printed imbalanced class counts: InfoNCE against SCL, with and without projector, linear"
            " evaluation"
        ),
    ),
    (
        "fig5-left",
        "Fig. 5, left",
        (
            "InfoNCE, data from N(0, I) in 32 dimensions, Adam 6·10⁻⁴, full batch, 5,000 iterations: smallest"
            " singular values of"
            " WᵀW against σ"
        ),
    ),
    (
        "fig5-mid",
        "Fig. 5, middle",
        "weighted InfoNCE, α = 0.1, σ = 5: smallest eigenvalues against N, with the critical N",
    ),
    (
        "fig5-right",
        "Fig. 5, right",
        "β-InfoNCE, d0 = 5: all five eigenvalues against σ, with the predicted collapse points",
    ),
    ("fig6", "Fig. 6", "InfoNCE with f/‖f‖: smallest eigenvalues of WᵀW against σ"),
    (
        "fig7",
        "Fig. 7",
        "three-layer tanh and ReLU networks, d1 = 2: rescalings of the last layer in one and in two dimensions",
    ),
):
    ICLR.not_run(f"iclr:{_name}", where=_where, says=_says, waits_for=_TRAINED)
