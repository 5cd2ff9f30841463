"""SimSiam, BYOL and MoCo written as their papers and public repositories describe them, with linear networks."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def D(p, z):
    """SimSiam's negative cosine: the target is detached, then both are normalised."""
    z = z.detach()
    p, z = F.normalize(p, dim=1), F.normalize(z, dim=1)
    return -(p * z).sum(dim=1).mean()


def squared(p, z):
    return ((p - z.detach()) ** 2).sum(dim=1).mean() / 2


def live(p, z):
    """The stop forgotten."""
    return ((p - z) ** 2).sum(dim=1).mean() / 2


def predictor(size=2):
    return nn.Linear(size, size, bias=False)


SIMSIAM = (D, predictor())
SQUARED = (squared, predictor())
LIVE = (live, predictor())


class BYOL(nn.Module):
    """An online network with a predictor, and a target network that follows it by a moving average."""

    def __init__(self, tau=0.99, normalised=True, size=2, inputs=3):
        super().__init__()
        self.online_encoder = nn.Linear(inputs, size, bias=False)
        self.online_predictor = nn.Linear(size, size, bias=False)
        self.target_encoder = copy.deepcopy(self.online_encoder)
        for parameter in self.target_encoder.parameters():
            parameter.requires_grad = False
        self.tau, self.normalised = tau, normalised

    def loss_fn(self, x, y):
        if not self.normalised:
            return ((x - y) ** 2).sum(dim=-1) / 2
        x, y = F.normalize(x, dim=-1), F.normalize(y, dim=-1)
        return 2 - 2 * (x * y).sum(dim=-1)

    def update_moving_average(self):
        for old, new in zip(self.target_encoder.parameters(), self.online_encoder.parameters(), strict=True):
            old.data = old.data * self.tau + (1 - self.tau) * new.data

    def forward(self, x1, x2):
        one, two = (self.online_predictor(self.online_encoder(x)) for x in (x1, x2))
        with torch.no_grad():
            target_one, target_two = (self.target_encoder(x).detach() for x in (x1, x2))
        return (self.loss_fn(one, target_two) + self.loss_fn(two, target_one)).mean()


class SquaredBYOL(BYOL):
    def __init__(self):
        super().__init__(tau=0.996, normalised=False)


class MoCo(nn.Module):
    """Queries against a positive key and a queue of keys, all keys from a momentum encoder."""

    def __init__(self, dim=2, inputs=3, K=64, m=0.999, T=0.07):
        super().__init__()
        self.K, self.m, self.T = K, m, T
        self.encoder_q = nn.Linear(inputs, dim, bias=False)
        self.encoder_k = nn.Linear(inputs, dim, bias=False)
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
            k.data.copy_(q.data)
            k.requires_grad = False
        self.register_buffer("queue", F.normalize(torch.randn(dim, K), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def _momentum_update_key_encoder(self):
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
            k.data = k.data * self.m + q.data * (1.0 - self.m)

    @torch.no_grad()
    def _dequeue_and_enqueue(self, keys):
        pointer = int(self.queue_ptr)
        self.queue[:, pointer : pointer + len(keys)] = keys.T
        self.queue_ptr[0] = (pointer + len(keys)) % self.K

    def forward(self, im_q, im_k):
        q = F.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            self._momentum_update_key_encoder()
            k = F.normalize(self.encoder_k(im_k), dim=1)
        l_pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        logits = torch.cat([l_pos, l_neg], dim=1) / self.T
        labels = torch.zeros(logits.shape[0], dtype=torch.long)
        self._dequeue_and_enqueue(k)
        return F.cross_entropy(logits, labels)
