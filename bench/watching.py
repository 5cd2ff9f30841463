"""What a look at a training costs beside its step: seconds of both, and their ratio.

OMP_NUM_THREADS=1 python bench/watching.py
"""

import time

import torch
import torch.nn.functional as F

from verify.networks.network import build
from verify.networks.watching import Watch


def main(steps: int = 12, every: int = 50) -> None:
    """Print seconds a step of NT-Xent with a ResNet-18, and of a look at 128 outputs in 128 coordinates."""
    torch.manual_seed(0)
    net = build({"name": "resnet18", "width": 16, "d1": 128})
    rate = torch.optim.SGD(net.parameters(), lr=0.01)
    watch, spent = Watch(every=1), 0.0
    for step in range(steps):
        begun = time.process_time()
        z = net(torch.randn(256, 3, 32, 32))
        u = F.normalize(z, dim=1)
        logits = (u @ u.T / 0.5).masked_fill(torch.eye(256, dtype=torch.bool), -1e9)
        loss = F.cross_entropy(logits, torch.arange(256).roll(128))
        rate.zero_grad()
        loss.backward()
        rate.step()
        if step:
            spent += time.process_time() - begun
        watch(z[:128], z[128:], loss=loss.item())
    begun = time.process_time()
    for _ in range(100):
        watch(z[:128], z[128:])
    look, own = (time.process_time() - begun) / 100, spent / (steps - 1)
    print(f"a step {own:.3f} s, a look {1e3 * look:.2f} ms: {100 * look / own:.2f} % of a step each time,", end=" ")
    print(f"{100 * look / own / every:.4f} % every {every} steps")


if __name__ == "__main__":
    main()
