"""A network in a file: its weights, and its architecture as JSON beside them. Nothing in it is ever executed.

The format is safetensors. The metadata have two keys: ``architecture``, from which `network.build` makes the network,
and ``notes``, a JSON object of plain values on how it was trained. A file is written whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from derive import InputError
from verify.networks.network import Network, build, shell
from verify.running.sweeps.writing import usable_file, write_whole

Metadata = dict[str, Any]


def save_network(path: str | Path, network: Network, notes: Mapping[str, Any] | None = None) -> None:
    """Write a network.

    Args:
        path: ends in .safetensors; the folder must exist.
        network: on any device.
        notes: plain JSON values.

    Raises:
        InputError: no safetensors, another ending, or a place that cannot be written to.

    """
    write_tensors(path, network.state_dict(), {"architecture": network.architecture, "notes": dict(notes or {})})


def load_network(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """The network of a file, on the processor and in evaluation mode, and the notes on it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "small.safetensors"
    ...     save_network(file, build({"name": "resnet12", "width": 2, "d1": 3}), {"steps": 0})
    ...     network, notes = load_network(file)
    >>> network.last.weight.shape, notes, network.training
    (torch.Size([3, 20]), {'steps': 0}, False)

    Raises:
        InputError: no such file, no safetensors, no architecture in it, or weights that do not fit it.

    """
    tensors, metadata = read_tensors(path)
    if not isinstance(metadata.get("architecture"), dict):
        raise InputError(f"{path} does not say which network it holds; its metadata need the key 'architecture'")
    check_fit(shell(metadata["architecture"]), tensors, path)
    network = build(metadata["architecture"])
    network.load_state_dict(tensors)
    notes = metadata.get("notes")
    return network.eval(), notes if isinstance(notes, dict) else {}


def put_weights(network: Network, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Give a network the weights of a file.

    Raises:
        InputError: they do not fit.

    """
    check_fit(network, tensors, path)
    network.load_state_dict(dict(tensors))


def check_fit(network: Network, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Compare names and shapes of a network with those of a file.

    Raises:
        InputError: they do not fit.

    """
    own = network.state_dict()
    wrong = sorted(
        name
        for name in own.keys() | tensors.keys()
        if name not in own or name not in tensors or own[name].shape != tensors[name].shape
    )
    if wrong:
        named = ", ".join(wrong[:3]) + (", …" if len(wrong) > 3 else "")
        message = f"{path} does not fit the architecture that it names: {len(wrong)} tensors are missing, left over or"
        raise InputError(f"{message} of another shape ({named})")


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Tensors and plain JSON values under names, as a safetensors file, whole or not at all.

    Raises:
        InputError: as `save_network`.

    """
    _, to_bytes, _ = _safetensors()
    target = usable_place(path)
    plain = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
    content = to_bytes(plain, {key: json.dumps(value) for key, value in metadata.items()})
    try:
        write_whole(target, content)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from None


def usable_place(path: str | Path) -> Path:
    """A place for a checkpoint; found out before anything is computed.

    Raises:
        InputError: no safetensors, another ending, or a place that cannot be written to.

    """
    _safetensors()
    return usable_file(path, ".safetensors")


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], Metadata]:
    """Read what `write_tensors` wrote, tensors on the processor.

    Raises:
        InputError: no safetensors, or no such file.

    """
    opened, _, damaged = _safetensors()
    try:
        with opened(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (the file is not a mapping)
            texts = file.metadata() or {}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or 'no such file, or no permission'}") from None
    except damaged:
        raise InputError(f"{path} is not a safetensors file, or is damaged") from None
    return tensors, {key: _value(text) for key, text in texts.items()}


def _value(text: str) -> Any:
    """A value of the metadata; files of other programs hold plain text there."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _safetensors() -> tuple[Any, Any, type[Exception]]:
    """How files are opened and made, and the error of one that is not."""
    try:
        from safetensors import SafetensorError, safe_open
        from safetensors.torch import save
    except ImportError:
        raise InputError("checkpoints need safetensors: pip install 'quartic[networks]'") from None
    return safe_open, save, SafetensorError
