"""Checkpoints come back to the bit; what is none is refused in a sentence, and nothing is executed."""

import json
import pickle
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from derive import InputError
from verify.networks.checkpoint import load_network, save_network
from verify.networks.network import build

SMALL = {"name": "resnet12", "width": 2, "d1": 3, "projector": 4}


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "network.safetensors"
    save_network(place, build(SMALL, seed=3), {"steps": 7})
    return place


def said(path):
    with pytest.raises(InputError) as error:
        load_network(path)
    return str(error.value)


def test_a_network_comes_back_to_the_bit(file):
    network, notes = load_network(file)
    before = build(SMALL, seed=3).state_dict()
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(one, after[name]) for name, one in before.items())
    assert (network.architecture, notes) == ({"name": "resnet12", "width": 2, "d1": 3, "projector": 4}, {"steps": 7})


def test_a_file_without_an_architecture_is_refused(tmp_path):
    place = tmp_path / "other.safetensors"
    place.write_bytes(save({"w": torch.zeros(1)}, {"format": "pt"}))
    assert said(place) == f"{place} does not say which network it holds; its metadata need the key 'architecture'"


def test_weights_that_do_not_fit_are_refused(tmp_path):
    tensors = build(SMALL).state_dict()
    tensors["last.weight"] = torch.zeros(3, 5)
    tensors["more"] = torch.zeros(1)
    del tensors["projector.0.bias"]
    place = tmp_path / "wrong.safetensors"
    place.write_bytes(save(tensors, {"architecture": json.dumps(SMALL)}))
    assert said(place) == (
        f"{place} does not fit the architecture that it names: 3 tensors are missing, left over or of another shape"
        " (last.weight, more, projector.0.bias)"
    )


def test_a_damaged_file_is_refused(file):
    content = file.read_bytes()
    for damaged in (content[:100], content[:-1], b"", b"\x00" * 64):
        file.write_bytes(damaged)
        assert said(file) == f"{file} is not a safetensors file, or is damaged"


class Boom:
    def __reduce__(self):
        return sys.exit, ("executed",)


def test_a_pickle_is_not_executed(tmp_path):
    place = tmp_path / "network.safetensors"
    place.write_bytes(pickle.dumps(Boom()))
    assert said(place) == f"{place} is not a safetensors file, or is damaged"


def test_a_file_that_is_not_there_is_refused(tmp_path):
    place = tmp_path / "none.safetensors"
    assert said(place) == f"cannot read {place}: no such file, or no permission"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("network.pt", "{folder}/network.pt does not end in .safetensors; name the file so"),
        ("no/network.safetensors", "there is no folder {folder}; make it first"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused(tmp_path, name, why):
    place = Path(tmp_path) / name
    with pytest.raises(InputError) as error:
        save_network(place, build(SMALL))
    assert str(error.value) == why.format(folder=place.parent)
    assert list(tmp_path.iterdir()) == []
