"""The command ``quartic landscape``. torch and matplotlib are loaded when it runs, not before."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

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
@click.option(
    "--data",
    metavar="PATH",
    help="Images: CIFAR-10 in any of its forms, 'synthetic', or any iterable of batches, package.module:LOADER.",
)
@click.option("--size", type=int, metavar="PIXELS", help="Resize images to squares of so many pixels, such as 224.")
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
    size: int | None,
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
    """What the last layer of a trained network keeps, what it has lost, how near the next loss is, and what to change.

    CHECKPOINT holds the network's weights (safetensors, or torch.save of a state dict; nothing in it is run), or the
    features themselves: a .npz, .pt or .safetensors file, or a folder, with x, x_pos, and W and b where they are known.
    Below the answer: predictions, and the landscape over the rescaled weights. Writes landscape.png, .svg and .csv.

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
    from verify.networks.last_layer.objective import objective
    from verify.networks.last_layer.strengths import study

    folder = usable_folder(out)
    loss: Any = find_target(target) if target.endswith(".py") or ":" in target or "/" in target else target
    values = parse_values(settings)
    one = objective(loss, values, batch=batch)
    strengths, sizes = _numbers(sigma or "0.5"), _sizes(split)
    if augmentation == "simclr":
        refuse("--augmentation simclr", {"--sigma": sigma})
    if data is not None and number < batch:
        raise InputError(f"--images {number} makes no batch of {batch}; give more images or a smaller --batch")
    with progress(hidden=quiet, steps=4 * len(strengths)) as tick:
        arrays = _arrays(checkpoint)
        if arrays is not None and "x_pos" not in arrays:
            _one_view(arrays, checkpoint, as_json=as_json)
            return
        if arrays is not None:
            given = {"--sigma": sigma, "--data": data, "--model": model, "--layer": layer, "--size": size is not None}
            refuse("features", given)
            about, at = _of_features(arrays, checkpoint)
        else:
            images = _Images(data, size, subset, number, augmentation, None if sigma is None else strengths, seed)
            about, at = _of_network(checkpoint, model, layer, images, tick=tick)
        first = _enough(at, about, batch)
        if first.normalised and isinstance(loss, str) and not _normalises(loss):
            # The loss as the network has it: of unit vectors.
            one = objective(f"{loss}+normalised", values, batch=batch)
        found = study(at, one, parts=sizes, tick=tick)
    if not found.at and not found.sphere:
        click.echo(_written(found, about, [], as_json=as_json))
        return
    picture = drawn(found)
    files = [save(picture, folder / f"landscape{ending}") for ending in (".png", ".svg")]
    table = folder / "landscape.csv"
    write_whole(table, picture.csv().encode())
    written = [str(Path(file)) for file in (*files, table)]
    click.echo(_written(found, about, written, as_json=as_json))
    if found.contradicted:
        sys.exit(1)


def _written(found: Any, about: list[tuple[str, str]], files: list[str], *, as_json: bool) -> str:
    """The report."""
    from verify.evidence.terminal import screen_width
    from verify.networks.last_layer.findings import text, to_json

    if as_json:
        return json.dumps(to_json(found, about, files), indent=2, ensure_ascii=False)
    return text(found, about, files, width=screen_width())


def _one_view(arrays: dict[str, Any], checkpoint: str, *, as_json: bool) -> None:
    """Print what outputs in one view tell."""
    from pathlib import Path

    from verify.evidence.terminal import screen_width
    from verify.networks.last_layer.one_view import one_view

    found = one_view(arrays, Path(checkpoint))
    said = json.dumps(found.to_json(), indent=2, ensure_ascii=False) if as_json else found.text(screen_width())
    click.echo(said.lstrip("\n"))


def _normalises(loss: str) -> bool:
    """Whether a loss of the catalogue sees unit vectors alone."""
    from derive import catalogue
    from derive.definition.regularity import homogeneity

    return homogeneity(catalogue(loss).expression) == 0


def _arrays(checkpoint: str) -> dict[str, Any] | None:
    """The features that a path holds; None where it holds weights."""
    from pathlib import Path

    from verify.networks.last_layer.features import feature_arrays

    return feature_arrays(Path(checkpoint))


def _of_features(
    arrays: dict[str, Any], path: str
) -> tuple[list[tuple[str, str]], list[tuple[str, float | None, Features]]]:
    """The head of the report, and features from the arrays of a file."""
    from pathlib import Path

    from verify.networks.last_layer.features import from_arrays

    found = from_arrays(arrays, Path(path))
    return [("features", found.source)], [("as given", None, found)]


def _enough(at: list[tuple[str, float | None, Features]], about: list[tuple[str, str]], batch: int) -> Features:
    """The first features, of which there have to be as many as a batch; the head says of which layer they are."""
    from derive import InputError

    first = at[0][2]
    about.append(("layer", f"{first.layer or 'W'}: {first.d0} features → {first.d1}; N = {first.N} data"))
    about.extend(("", note) for note in first.notes)
    if batch > first.N:
        raise InputError(f"{first.N} data make no batch of {batch}; give {batch} or more, or a smaller --batch")
    return first


class _Images(NamedTuple):
    """Which images a network is run on, and what is done to them."""

    data: str | None
    size: int | None
    subset: str
    number: int
    augmentation: str
    strengths: list[float] | None
    seed: int


def _of_network(
    checkpoint: str, model: str | None, layer: str | None, images: _Images, *, tick: Callable[[str], None]
) -> tuple[list[tuple[str, str]], list[tuple[str, float | None, Features]]]:
    """The head of the report, and features at each strength."""
    import torch

    from derive import InputError
    from verify.networks.images import gaussian, simclr
    from verify.networks.last_layer.capture import augmented, features_of
    from verify.networks.last_layer.loader import augmented_batches, find_loader, is_loader, two_views
    from verify.networks.last_layer.network import network

    if images.data is None:
        raise InputError("a network needs images to be run on; give them with --data PATH, or --data synthetic")
    loaded, own = None, False
    if is_loader(images.data):
        loaded, own = two_views(find_loader(images.data), images.number)
        loaded = [tuple(_resized(view, images.size) for view in views) for views in loaded]
    module, last, taken = network(checkpoint, model)
    pixels: Any = None
    pixels, source = _pixels(images) if loaded is None else (pixels, f"{images.data}, {sum(len(v[0]) for v in loaded)}")
    strengths = images.strengths or [0.5]
    if own and (images.strengths is not None or images.augmentation == "simclr"):
        raise InputError(f"{images.data} gives two views itself; leave --sigma and --augmentation out")
    views = (
        [(None, "as loaded", None)]
        if own
        else [(gaussian(s), f"σ = {s:g}", s) for s in strengths]
        if images.augmentation == "gaussian"
        else [(simclr(), "SimCLR", None)]
    )
    at: list[tuple[str, float | None, Features]] = []
    for change, label, strength in views:
        tick(f"{label}: the network runs")
        # The same numbers at each strength: what differs is the strength alone.
        generator = torch.Generator().manual_seed(images.seed)
        if change is None:
            batches: Any = loaded
        elif loaded is not None:
            batches = augmented_batches(loaded, change, strength, generator)
        else:
            batches = augmented(pixels, change, generator)
        at.append((label, strength, features_of(module, batches, layer=layer or last)))
    parts = getattr(module, "architecture", {"name": model or type(module).__name__})
    described = ", ".join(f"{value}" if word == "name" else f"{word} {value}" for word, value in parts.items())
    told = "two, as the loader gives them" if views[0][0] is None else views[0][0].text
    if len(views) > 1:
        told = f"Gaussian noise of standard deviation σ on standardised pixels, seed {images.seed}"
    about = [
        ("network", f"{checkpoint}, {described}"),
        *([("weights", taken)] if taken else []),
        ("data", source),
        ("views", told),
    ]
    return about, at


def _pixels(images: _Images) -> tuple[Any, str]:
    """Images of one of the known sets, at random, and where they come from."""
    import numpy as np

    from verify.networks.images import read_images, synthetic_images

    number, seed, data = images.number, images.seed, str(images.data)
    found = synthetic_images(number, seed) if data == "synthetic" else read_images(data, images.subset)
    if number < len(found):
        found = found.subset(np.random.default_rng(seed).permutation(len(found))[:number])
    return _resized(found.floats(), images.size), found.source


def _resized(x: Any, size: int | None) -> Any:
    """Images (n, channels, height, width) as squares of so many pixels."""
    from derive import InputError

    if size is None:
        return x
    if x.ndim != 4 or size < 1:
        raise InputError(
            f"--size {size}: data of shape {tuple(x.shape)} cannot be resized to squares of so many pixels"
        )
    from torch.nn.functional import interpolate

    return interpolate(x, (size, size), mode="bilinear", antialias=True)


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
