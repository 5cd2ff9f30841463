"""The command ``quartic landscape``. torch and matplotlib are loaded when it runs, not before."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from verify.command.completion import targets
from verify.running.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.networks.last_layer.features import Features


@click.command()
@click.argument("checkpoint")
@click.option(
    "--model", metavar="FILE.py:NAME", help="The network: a torch module, a function that makes one, or resnet18, …"
)
@click.option("--layer", metavar="NAME", help="The last linear layer; found unless given.")
@click.option("--data", metavar="PATH", help="Images: CIFAR-10 in any of its forms, or 'synthetic'.")
@click.option("--subset", default="train", show_default=True, help="Which images: train or test.")
@click.option("--images", "number", default=2048, show_default=True, help="How many of them, drawn at random.")
@click.option("--augmentation", type=click.Choice(["gaussian", "simclr"]), default="gaussian", show_default=True)
@click.option("--sigma", help="Strengths of Gaussian noise, such as 0.1,0.5,1; 0.5 unless given.")
@click.option(
    "--loss",
    "target",
    default="infonce-batch",
    show_default=True,
    shell_complete=targets,
    help="A loss of the catalogue, or file.py:NAME.",
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="An exact value, such as alpha=1/10.")
@click.option("--batch", default=128, show_default=True, help="Data in a batch of the loss.")
@click.option(
    "--split", default="2", show_default=True, help="Parts of the singular values of W, or their sizes: 2, or 96,32."
)
@click.option("--out", default=".", show_default=True, metavar="DIR", help="The folder to write to.")
@click.option("--seed", default=0, show_default=True, help="Of the images drawn and of their views.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def landscape(
    checkpoint: str,
    model: str | None,
    layer: str | None,
    data: str | None,
    subset: str,
    number: int,
    augmentation: str,
    sigma: str | None,
    target: str,
    settings: tuple[str, ...],
    batch: int,
    split: str,
    out: str,
    *,
    seed: int,
    quiet: bool,
    as_json: bool,
) -> None:
    """Look at the last layer of a trained network: predictions, the landscape over its rescaled weights, a verdict.

    CHECKPOINT holds the network's weights (safetensors, or torch.save of a state dict; nothing in it is run), or the
    features themselves: a .npz or .safetensors file, or a folder, with x, x_pos, W and maybe b. Writes landscape.png,
    .svg and .csv.

    Exit status: 0 no contradiction, 1 a prediction is contradicted, 2 unusable input.

    Example: quartic landscape resnet18.safetensors --data cifar10 --sigma 0.1,0.5,1,2 --out figures
    """
    from importlib.util import find_spec
    from pathlib import Path

    from derive import InputError
    from verify.running.sweeps.writing import usable_folder, write_whole

    if not find_spec("torch"):
        message = "torch is not installed, and features need it: pip install 'quartic[torch]'"
        raise InputError(message)
    from verify.audits.target import find_target, parse_values, refuse
    from verify.figures.last_layer import drawn
    from verify.figures.picture import save
    from verify.networks.last_layer.findings import text, to_json
    from verify.networks.last_layer.objective import objective
    from verify.networks.last_layer.strengths import study

    folder = usable_folder(out)
    loss: Any = find_target(target) if target.endswith(".py") or ":" in target or "/" in target else target
    one = objective(loss, parse_values(settings), batch=batch)
    strengths, sizes = _numbers(sigma or "0.5"), _sizes(split)
    if augmentation == "simclr":
        refuse("--augmentation simclr", {"--sigma": sigma})
    with progress(hidden=quiet, steps=3 * len(strengths)) as tick:
        if _holds_features(checkpoint):
            from verify.networks.last_layer.features import read_features

            refuse("features", {"--sigma": sigma, "--data": data, "--model": model, "--layer": layer})
            features = read_features(checkpoint)
            about = [("features", features.source)]
            at: list[tuple[str, float | None, Features]] = [("as given", None, features)]
        else:
            if number < batch:
                raise InputError(f"--images {number} makes no batch of {batch}; give more images or a smaller --batch")
            about, at = _of_network(
                checkpoint, model, layer, data, subset, number, augmentation, strengths, seed=seed, tick=tick
            )
        first = at[0][2]
        about.append(("layer", f"{first.layer or 'W'}: {first.d0} features → {first.d1}; N = {first.N} data"))
        about.append(("kept", _kept(at[0][0], first)))
        found = study(at, one, parts=sizes, tick=tick)
    picture = drawn(found)
    files = [save(picture, folder / f"landscape{ending}") for ending in (".png", ".svg")]
    table = folder / "landscape.csv"
    write_whole(table, picture.csv().encode())
    written = [str(Path(file)) for file in (*files, table)]
    if as_json:
        click.echo(json.dumps(to_json(found, about, written), indent=2, ensure_ascii=False))
    else:
        click.echo(text(found, about, written))
    if found.contradicted:
        sys.exit(1)


def _kept(label: str, features: Features) -> str:
    """The published measures of the outputs, under the first augmentation."""
    from derive import InputError
    from verify.networks.last_layer.diagnostics import diagnostics

    outputs = features.embedded()
    try:
        return f"{label}: {diagnostics(outputs[0], outputs[1]).text()}"
    except InputError as error:
        return f"{label}: {error}"


def _holds_features(checkpoint: str) -> bool:
    """Whether a path holds features rather than weights: by its form, and by its names."""
    from pathlib import Path

    path = Path(checkpoint)
    if path.is_dir() or path.suffix in (".npz", ".npy"):
        return True
    if path.suffix != ".safetensors" or not path.is_file():
        return False
    from verify.networks.checkpoint import read_tensors

    return {"x", "x_pos", "W"} <= set(read_tensors(path)[0])


def _of_network(
    checkpoint: str,
    model: str | None,
    layer: str | None,
    data: str | None,
    subset: str,
    number: int,
    augmentation: str,
    strengths: list[float],
    *,
    seed: int,
    tick: Callable[[str], None],
) -> tuple[list[tuple[str, str]], list[tuple[str, float | None, Features]]]:
    """The head of the report, and features at each strength."""
    import numpy as np
    import torch

    from derive import InputError
    from verify.networks.images import gaussian, read_images, simclr, synthetic_images
    from verify.networks.last_layer.capture import augmented, features_of
    from verify.networks.last_layer.network import network

    if data is None:
        raise InputError("a network needs images to be run on; give them with --data PATH, or --data synthetic")
    module, last, taken = network(checkpoint, model)
    images = synthetic_images(number, seed) if data == "synthetic" else read_images(data, subset)
    if number < len(images):
        images = images.subset(np.random.default_rng(seed).permutation(len(images))[:number])
    pixels = images.floats()
    views = (
        [(gaussian(s), f"σ = {s:g}", s) for s in strengths]
        if augmentation == "gaussian"
        else [(simclr(), "SimCLR", None)]
    )
    at: list[tuple[str, float | None, Features]] = []
    for change, label, strength in views:
        tick(f"{label}: the network runs")
        # The same numbers at each strength: what differs is the strength alone.
        generator = torch.Generator().manual_seed(seed)
        batches = augmented(pixels, change, generator)
        at.append((label, strength, features_of(module, batches, layer=layer or last)))
    parts = getattr(module, "architecture", {"name": model or type(module).__name__})
    described = ", ".join(f"{value}" if word == "name" else f"{word} {value}" for word, value in parts.items())
    about = [
        ("network", f"{checkpoint}, {described}"),
        *([("weights", taken)] if taken else []),
        ("data", images.source),
        ("views", views[0][0].text),
    ]
    if len(views) > 1:
        about[-1] = ("views", f"Gaussian noise of standard deviation σ on standardised pixels, seed {seed}")
    return about, at


def _numbers(given: str) -> list[float]:
    from derive import InputError

    try:
        found = [float(one) for one in given.split(",")]
    except ValueError:
        raise InputError(
            f"--sigma {given}: write strengths as numbers with commas between, such as 0.1,0.5,1"
        ) from None
    if len(set(found)) < len(found):
        raise InputError(f"--sigma {given}: a strength is given twice")
    return found


def _sizes(given: str) -> int | list[int]:
    from derive import InputError

    try:
        found = [int(one) for one in given.split(",")]
    except ValueError:
        raise InputError(f"--split {given}: write how many parts, such as 2, or their sizes, such as 96,32") from None
    return found[0] if len(found) == 1 else found
