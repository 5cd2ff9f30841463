"""Train one network on images, in one process or several: ``python -m verify.command.pretrain`` or ``torchrun``.

    torchrun --nproc-per-node 8 -m verify.command.pretrain --network resnet18 --data cifar-10-batches-py --out
    net.safetensors

It trains as `verify.networks.pretrain` says. As it goes on it writes net.training.safetensors, from which the same
command goes on after a kill, and at the end the network itself.
"""

from __future__ import annotations

from typing import Any

import click

from verify.command.cli import main


@click.command()
@click.option("--network", "name", default="resnet18", show_default=True, help="resnet18, resnet12 or vit.")
@click.option("--width", type=int, help="Of its layers; full size unless given.")
@click.option("--projector", default=0, show_default=True, help="Hidden dimension of a projector; 0 for none.")
@click.option("--loss", default="infonce-batch", show_default=True, help="A catalogue loss of one batch.")
@click.option("--tau", type=float, help="The temperature, of a loss that has one.")
@click.option("--normalised", is_flag=True, help="Divide each embedding by its length.")
@click.option("--data", help="Images as quartic reproduce takes them; synthetic ones unless given.")
@click.option("--images", "number", type=int, help="How many images to use, from the first on.")
@click.option("--sigma", type=float, help="Gaussian noise of this strength; SimCLR's views unless given.")
@click.option("--steps", default=10_000, show_default=True, help="Of the optimiser.")
@click.option("--batch", default=512, show_default=True, help="Images a step, over all processes.")
@click.option("--optimiser", default="sgd", show_default=True, help="sgd or adam.")
@click.option("--rate", default=0.03, show_default=True, help="The learning rate at the first step.")
@click.option("--precision", default="float32", show_default=True, help="float32, bfloat16 or float16.")
@click.option("--device", help="cpu or cuda; the accelerator where there is one unless given.")
@click.option("--seed", default=0, show_default=True, help="Of all random numbers.")
@click.option("--out", required=True, help="The file of the network, ending in .safetensors.")
def pretrained(
    *,
    name: str,
    width: int | None,
    projector: int,
    loss: str,
    tau: float | None,
    normalised: bool,
    data: str | None,
    number: int | None,
    sigma: float | None,
    steps: int,
    batch: int,
    optimiser: Any,
    rate: float,
    precision: Any,
    device: str | None,
    seed: int,
    out: str,
) -> None:
    """Train a network on images without labels."""
    from verify.networks.checkpoint import save_network, usable_place
    from verify.networks.gathered import local_device, process_group, processes
    from verify.networks.given import given_images
    from verify.networks.images.augment import gaussian
    from verify.networks.images.simclr_views import simclr
    from verify.networks.network import build
    from verify.networks.objective import Objective
    from verify.networks.pretrain import LOOK, Schedule, pretrain

    place = usable_place(out)
    chosen = local_device(device)
    images = given_images(data, "train", number)
    shape = {"name": name, "projector": projector} | ({"width": width} if width is not None else {})
    network = build(shape, seed=seed)
    objective = Objective(loss, {} if tau is None else {"tau": tau}, normalised=normalised)
    schedule = Schedule(steps, batch, optimiser, rate, precision=precision, seed=seed)
    augmentation = simclr() if sigma is None else gaussian(sigma)
    with process_group(chosen):
        losses = pretrain(
            network, images, augmentation, objective, schedule, device=chosen,
            path=place.with_suffix(f".training{place.suffix}"),
        )  # fmt: skip
        if processes()[0]:
            return
        notes = {
            "objective": objective.text,
            "augmentation": augmentation.text,
            "images": images.source,
            "steps": steps,
        }
        save_network(place, network, notes)
        click.echo(f"{objective.text}, {augmentation.text}\n{images.source}")
        click.echo(f"loss {losses[0]:.4f} → {losses[-1]:.4f} in {steps} steps, looked at every {LOOK}\n→ {place}")


if __name__ == "__main__":
    main(pretrained)
