"""InfoNCE with one-sided negatives, N − 1 of them and without the positive pair, at temperature τ."""

from derive import Loss, Mean, exp, inner, log, symbols, views

N, tau = symbols("N tau")
x, x_pos, chi = views("x, x_pos, chi")
negatives = (N - 1) * Mean(exp(inner(x, chi) / tau), over=chi, count=N - 1)
loss = Loss(-inner(x, x_pos) / tau + log(negatives), name="one-sided")


def code(z1, z2):
    """The same as it is trained, at τ = ½: two views of a batch, (N, d) each; in torch."""
    import torch

    similarity = z1 @ z2.T / 0.5
    others = similarity.masked_fill(torch.eye(len(z1), dtype=torch.bool), float("-inf"))
    return (others.logsumexp(1) - similarity.diagonal()).mean()
