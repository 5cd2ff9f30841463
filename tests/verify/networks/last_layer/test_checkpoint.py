"""Weights of the forms that trainings leave behind, whatever stands before their names or lies beside them."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from derive import InputError
from verify.networks.last_layer.checkpoint import fitting, load_weights, put_weights


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))


def behind(prefix, state):
    return {prefix + key: value for key, value in state.items()}


def without_counters(state):
    return {key: value for key, value in state.items() if "num_batches" not in key}


OWN, COPY = net(0).state_dict(), net(1).state_dict()
HEAD = {"fc.weight": torch.zeros(5, 2), "fc.bias": torch.zeros(5)}
# What was saved; what is said of it.
FORMS = {
    "plain": (OWN, ""),
    "with a classifier": ({**OWN, **HEAD}, "left out: fc.weight, fc.bias"),
    "DataParallel": (behind("module.", OWN), "taken from module.*"),
    "compiled": (behind("_orig_mod.", OWN), "taken from _orig_mod.*"),
    "Lightning": (
        {"state_dict": {**behind("net.", OWN), **behind("net.", HEAD)}, "epoch": 3, "global_step": 10},
        "taken from net.*; left out: net.fc.weight, net.fc.bias",
    ),
    "MoCo": (
        {
            "state_dict": {
                **behind("module.encoder_k.", COPY),
                **behind("module.encoder_q.", OWN),
                "module.queue": torch.ones(2),
            }
        },
        "taken from module.encoder_q.*; other copies left: module.encoder_k.*; left out: module.queue",
    ),
    "a momentum backbone": (
        {**behind("backbone_momentum.", COPY), **behind("backbone.", OWN)},
        "taken from backbone.*; other copies left: backbone_momentum.*",
    ),
    "student and teacher": (
        {"student": behind("module.backbone.", OWN), "teacher": behind("backbone.", COPY), "epoch": 1},
        "taken from module.backbone.*",
    ),
    "an older torch": (without_counters(OWN), ""),
    "BYOL": (
        {**behind("online_encoder.net.", OWN), **behind("target_encoder.net.", COPY)},
        "taken from online_encoder.net.*; other copies left: target_encoder.net.*",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_trained_network_is_taken_and_the_rest_named(form, tmp_path):
    saved, said = FORMS[form]
    torch.save(saved, tmp_path / "net.ckpt")
    module = net(2)
    assert put_weights(module, load_weights(tmp_path / "net.ckpt")) == said
    for key, value in without_counters(OWN).items():
        assert torch.equal(module.state_dict()[key], value)
        assert not torch.equal(value, COPY[key]) or "running" in key or key.startswith("1.")


def test_safetensors_are_the_same(tmp_path):
    save_file(behind("encoder.", OWN), tmp_path / "net.safetensors")
    assert put_weights(net(2), load_weights(tmp_path / "net.safetensors")) == "taken from encoder.*"


def test_the_closest_prefix_is_named_where_none_fits(tmp_path):
    torch.save({**behind("net.", OWN), "net.3.weight": torch.zeros(7, 3)}, tmp_path / "net.pt")
    with pytest.raises(
        InputError, match=r"does not fit a Sequential, behind net\.; of another shape: 3\.weight is 7×3, n"
    ):
        fitting(net(), load_weights(tmp_path / "net.pt"))
    torch.save({"other": torch.zeros(2)}, tmp_path / "none.pt")
    with pytest.raises(InputError, match=r"missing: 0\.weight"):
        fitting(net(), load_weights(tmp_path / "none.pt"))
