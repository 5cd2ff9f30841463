"""Training without labels: two augmented views of each batch, one loss, one code path for every device.

The random numbers of a step depend on the seed and on the number of the step alone, and an epoch's order on the seed
and on the epoch: a run that was killed goes on from its checkpoint to the same bits, on a processor, and several
processes (`verify.networks.gathered`) see the views that one would see. The weight decay γ adds γ|w|² to the loss for
all weights w, as Ziyin et al. 2023 write it; torch's optimisers call 2γ their weight decay.

All images lie on the device as bytes. With half precision the network runs under autocast; embeddings and the loss are
in single precision always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from math import cos, isfinite, pi
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from derive import InputError
from verify.networks.checkpoint import put_weights, read_tensors, usable_place, write_tensors
from verify.networks.gathered import gathered, processes, share, sum_gradients, summed, synchronised
from verify.networks.images.augment import Augmentation, two_views
from verify.networks.images.pixels import Images, standardise
from verify.networks.network import Network
from verify.networks.objective import Objective
from verify.running.sweeps.sweep import seed_of

# Steps from one look at the loss to the next: a look waits for the accelerator.
LOOK = 20
_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained; what is printed in Ziyin et al. 2023, Sec. 4.1 and App. C, unless given.

    Attributes:
        steps: of the optimiser.
        batch: images a step; each gives two views.
        optimiser: "sgd" or "adam".
        rate: the learning rate at the first step.
        last_rate: to which it falls with a cosine.
        momentum: of SGD.
        weight_decay: γ of γ|w|².
        precision: of the network, "float32", "bfloat16" or "float16".
        seed: of all random numbers.

    """

    steps: int
    batch: int = 256
    optimiser: Literal["sgd", "adam"] = "sgd"
    rate: float = 0.03
    last_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 1e-3
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.steps < 1 or self.batch < 2 or not self.rate > 0:
            message = f"steps = {self.steps}, batch = {self.batch}, rate = {self.rate}"
            raise InputError(f"{message}: at least one step, two images and a positive rate are needed")
        for name, value, known in (
            ("optimiser", self.optimiser, ("sgd", "adam")),
            ("precision", self.precision, tuple(_PRECISIONS)),
        ):
            if value not in known:
                raise InputError(f"{name} = {value!r}: there are {', '.join(known)}")

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, the first being 0.

        >>> schedule = Schedule(steps=100)
        >>> schedule.rate_at(0), round(schedule.rate_at(50), 6), round(schedule.rate_at(99), 6)
        (0.03, 0.0155, 0.001007)
        """
        return self.last_rate + (self.rate - self.last_rate) * (1 + cos(pi * step / self.steps)) / 2


def pretrain(
    network: Network,
    images: Images,
    augmentation: Augmentation,
    objective: Objective,
    schedule: Schedule,
    *,
    device: str | torch.device = "cpu",
    path: str | Path | None = None,
    every: int = 200,
    tick: Tick = lambda _: None,
) -> list[float]:
    """Train a network, in place.

    Args:
        network: is moved to the device.
        images: what it sees; their labels are not used.
        augmentation: gives a random view of each image.
        objective: the loss.
        schedule: how.
        device: "cpu", "cuda", …
        path: of a checkpoint, ending in .safetensors, from which training resumes if it exists; none unless given.
        every: the number of steps between two checkpoints.
        tick: called with the number of steps since the last call; those of an earlier run come all at once.

    Returns:
        The loss, without the weight decay, at every twentieth step.

    Raises:
        InputError: fewer images than a batch, a batch that the processes cannot share, a checkpoint of another run, or
            training that diverges.

    """
    run = _Run(network, images, augmentation, objective, schedule, torch.device(device))
    place = None if path is None else usable_place(path)
    if place is not None and place.exists():
        run.resume(place)
        tick(run.step)
    while run.step < schedule.steps:
        run.advance()
        tick(1)
        if place is not None and (run.step % every == 0 or run.step == schedule.steps) and processes()[0] == 0:
            run.save(place)
    network.eval()
    return run.losses


@dataclass(eq=False)
class _Run:
    network: Network
    images: Images
    augmentation: Augmentation
    objective: Objective
    schedule: Schedule
    device: torch.device
    step: int = 0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        schedule, number = self.schedule, processes()[1]
        if len(self.images) < schedule.batch:
            raise InputError(
                f"{len(self.images)} images are fewer than a batch of {schedule.batch}; give more, or a smaller batch"
            )
        if schedule.batch % number:
            raise InputError(
                f"{number} processes cannot share a batch of {schedule.batch} evenly; change one of the two"
            )
        if number > 1:
            synchronised(self.network)
        # Convolutions are fastest on an accelerator where the channels of a pixel lie together.
        layout = torch.channels_last if self.device.type == "cuda" else torch.contiguous_format
        self.network.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self.pixels = torch.from_numpy(self.images.pixels).to(self.device)
        weights = list(self.network.parameters())
        self.optimiser: torch.optim.Optimizer = (
            torch.optim.SGD(weights, 1.0, momentum=schedule.momentum, weight_decay=2 * schedule.weight_decay)
            if schedule.optimiser == "sgd"
            else torch.optim.Adam(weights, 1.0, weight_decay=2 * schedule.weight_decay)
        )
        # Numbers of half precision underflow: the gradient is scaled up, by as much as they hold.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=schedule.precision == "float16")

    def advance(self) -> None:
        """One step."""
        schedule, network = self.schedule, self.network
        network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = schedule.rate_at(self.step)
        loss = batch_loss(network, self.views(), self.objective, schedule.precision)
        self.optimiser.zero_grad()
        torch.autograd.backward(self.scaler.scale(loss))
        sum_gradients(network.parameters())
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self.step % LOOK == 0 or self.step == schedule.steps - 1:
            self.look(loss.detach())
        self.step += 1

    def views(self) -> tuple[Tensor, Tensor]:
        """This process's share of both views of the step's batch, all of which every process draws."""
        schedule = self.schedule
        epoch, at = divmod(self.step, len(self.images) // schedule.batch)
        order = torch.randperm(len(self.images), generator=_seeded("cpu", "order", schedule.seed, epoch))
        chosen = order[at * schedule.batch :][: schedule.batch].to(self.device)
        whole = standardise(self.pixels[chosen].float() / 255)
        one, other = two_views(whole, self.augmentation, _seeded(self.device, "views", schedule.seed, self.step))
        return share(one), share(other)

    def look(self, loss: Tensor) -> None:
        """Note the loss before the step, and refuse to go on where it, or a weight after the step, is not a number."""
        value = float(summed(loss))
        if not isfinite(value) or not all(bool(one.isfinite().all()) for one in self.network.parameters()):
            message = (
                f"training diverged within {self.step + 1} steps at learning rate {self.schedule.rate_at(self.step):g}"
            )
            raise InputError(f"{message}; lower the rate")
        self.losses.append(value)

    @property
    def settings(self) -> dict[str, Any]:
        """All that the weights depend on."""
        return {
            "architecture": self.network.architecture,
            "schedule": asdict(self.schedule),
            "objective": self.objective.text,
            "augmentation": self.augmentation.text,
            "images": [len(self.images), self.images.source],
        }

    def save(self, path: Path) -> None:
        """Weights, the optimiser's state, and what else the next step needs."""
        tensors = {f"network.{name}": one for name, one in self.network.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": one for name, one in state.items()}
        progress = {"step": self.step, "losses": self.losses, "scaler": self.scaler.state_dict()}
        write_tensors(path, tensors, {"settings": self.settings, "progress": progress})

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            InputError: it belongs to another run.

        """
        tensors, metadata = read_tensors(path)
        if metadata.get("settings") != self.settings:
            raise InputError(f"{path} holds no training with these settings; move it away, or write elsewhere")
        progress = metadata["progress"]
        put_weights(self.network, _under("network.", tensors), path)
        states: dict[int, dict[str, Tensor]] = {}
        for name, one in _under("optimiser.", tensors).items():
            number, _, what = name.partition(".")
            states.setdefault(int(number), {})[what] = one
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": states})
        self.scaler.load_state_dict(progress["scaler"])
        self.step, self.losses = progress["step"], progress["losses"]


def batch_loss(network: Network, views: tuple[Tensor, Tensor], objective: Objective, precision: str) -> Tensor:
    """This process's share of the loss of a batch, of which it sees these views, (n/R, 3, h, w) each."""
    images = torch.cat(views)
    with torch.autocast(images.device.type, _PRECISIONS[precision], enabled=precision != "float32"):
        embedded = network(images)
    z1, z2 = (gathered(one) for one in embedded.float().chunk(2))
    return objective(z1, z2) / processes()[1]


def _seeded(device: str | torch.device, *parts: object) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed_of("pretrain", *parts))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
