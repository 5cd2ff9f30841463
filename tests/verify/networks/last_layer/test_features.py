"""Features from arrays, files and networks; checkpoints that fit, do not fit, or would like to be run."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from derive import InputError
from verify.networks.checkpoint import save_network, write_tensors
from verify.networks.last_layer.capture import augmented, features_of
from verify.networks.last_layer.checkpoint import load_weights, put_weights
from verify.networks.last_layer.features import Features, read_features
from verify.networks.last_layer.head import last_linear
from verify.networks.last_layer.network import network
from verify.networks.network import build


def arrays(n=6, d0=3, d1=2, seed=0):
    g = np.random.default_rng(seed)
    return {"x": g.normal(size=(n, d0)), "x_pos": g.normal(size=(n, d0)), "W": g.normal(size=(d1, d0))}


def of(**changed):
    a = arrays() | changed
    return Features((a["x"], a["x_pos"]), a["W"], a.get("b"))


SAME_ROW = "each is to be (N, d0), the same datum in the same row"


def holding(value, at):
    return np.where(np.arange(18).reshape(6, 3) == at, value, 0.0)


def refused(call, *given, **named):
    with pytest.raises(InputError) as error:
        call(*given, **named)
    return str(error.value)


def test_chunks_put_together_are_the_whole():
    one = of(b=np.array([1.0, 2.0]))
    chunks = [chunk for _, chunk in one.chunks(4)]
    assert [c.shape[1] for c in chunks] == [4, 2]
    assert np.array_equal(np.concatenate(chunks, 1), np.stack(one.views))
    assert one.embedded() == pytest.approx(np.stack(one.views) @ one.W.T + one.b)
    assert one.first(4).N == 4


@pytest.mark.parametrize("kind", ["npz", "safetensors", "folder"])
def test_features_are_read_from_files(kind, tmp_path):
    a = arrays()
    path = tmp_path / f"features.{kind}"
    if kind == "npz":
        np.savez(path, **a)
    elif kind == "safetensors":
        write_tensors(path, {name: torch.from_numpy(value) for name, value in a.items()}, {})
    else:
        path.mkdir()
        for name, value in a.items():
            np.save(path / f"{name}.npy", value)
    found = read_features(path)
    assert np.array_equal(found.views[1], a["x_pos"])
    assert np.array_equal(found.W, a["W"])
    if kind == "folder":
        assert isinstance(found.views[0], np.memmap)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.zeros((6, 3, 1))}, f"the views have shapes (6, 3, 1) and (6, 3); {SAME_ROW}"),
        ({"x_pos": np.zeros((5, 3))}, f"the views have shapes (6, 3) and (5, 3); {SAME_ROW}"),
        ({"W": np.zeros((2, 4))}, "W has shape (2, 4); with 3 features it is to be (d1, 3)"),
        (
            {"W": np.full((2, 3), np.nan)},
            "W has entries that are not finite numbers; was the network's training stable?",
        ),
        ({"b": np.zeros(3)}, "b has shape (3,); with 2 outputs it is to be (2,)"),
        ({"x": np.full((6, 3), "a")}, "view 0 holds <U1, not numbers"),
        ({"x": holding(np.nan, 7)}, "feature 1 of datum 2 in view 0 is NaN; features are to be finite"),
        ({"x_pos": holding(np.inf, 17)}, "feature 2 of datum 5 in view 1 is infinite; features are to be finite"),
    ],
)
def test_unusable_arrays_are_refused(changed, message):
    assert refused(of, **changed) == message


def test_a_single_view_is_refused():
    message = "one view of the data shows no augmentation; give two views or more, such as x and x_pos"
    assert refused(Features, (np.zeros((4, 2)),), np.zeros((1, 2))) == message


def test_unusable_files_are_refused(tmp_path):
    path = tmp_path / "f.npz"
    assert refused(read_features, path) == f"there is no file {path}"
    np.savez(path, x=np.zeros((4, 2)), W=np.zeros((1, 2)))
    assert (
        refused(read_features, path) == f"{path} holds W, x but no x_pos; a features file holds x, x_pos, W and maybe b"
    )
    path.write_bytes(b"no archive")
    assert refused(read_features, path).startswith(f"{path} cannot be read as NumPy arrays: ")
    np.savez(path, x=np.array([{}], dtype=object))
    assert "allow_pickle=False" in refused(read_features, path)


# Networks.


def small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_the_hook_sees_what_the_last_layer_is_given():
    net, x = small().train(), torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    found = features_of(net, [(x[0, :3], x[1, :3]), (x[0, 3:], x[1, 3:])])
    assert net.training
    assert found.layer == "3"
    net.eval()
    with torch.no_grad():
        assert torch.from_numpy(found.embedded()).float() == pytest.approx(
            net(x.reshape(10, 3)).reshape(2, 5, 2).numpy(), abs=1e-6
        )


def test_memory_maps_are_filled(tmp_path):
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    out = [np.lib.format.open_memmap(tmp_path / f"{k}.npy", "w+", np.float32, (4, 4)) for k in range(2)]
    found = features_of(small(), [(x, x)], out=out)
    assert isinstance(found.views[0], np.memmap)
    assert np.array_equal(np.load(tmp_path / "0.npy"), features_of(small(), [(x, x)]).views[0])


def test_the_same_seed_gives_the_same_views():
    def noise(x, generator):
        return x + torch.randn(x.shape, generator=generator)

    one, two = (list(augmented(torch.zeros(3, 2), noise, torch.Generator().manual_seed(4), batch=2)) for _ in range(2))
    assert all(torch.equal(a, b) for p, q in zip(one, two, strict=True) for a, b in zip(p, q, strict=True))
    assert not torch.equal(one[0][0], one[0][1])


def test_layers_that_do_not_do_are_refused():
    net = small()
    assert refused(last_linear, net, "4") == "the network has no layer '4'; its last linear layers: 0, 3".replace(
        "; Its", "; Its"
    )
    named = nn.ModuleDict({"projector": nn.Linear(2, 2)})
    assert refused(last_linear, named, "projecter") == (
        "the network has no layer 'projecter'; did you mean projector? Its last linear layers: projector"
    )
    assert refused(last_linear, net, "2") == "layer '2' is a ReLU, not linear; f = W φ + b needs torch.nn.Linear"
    assert refused(last_linear, nn.ReLU()) == "the network, a ReLU, has no linear layer; its last layer is to be one"


def test_networks_that_do_not_run_are_refused():
    x = torch.zeros(5, 3)
    assert refused(features_of, small(), []) == "there are no data to run the network on"
    message = refused(features_of, small(), [(torch.zeros(5, 2), x)])
    assert message.startswith("the network failed on data of shape (5, 2): RuntimeError: ")

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            return self.used(x)

    assert features_of(Unused(), [(x, x)]).layer == "used"
    expected = "layer 'unused' did not run when the network ran; name the layer that gives its output"
    with pytest.raises(InputError, match=expected):
        features_of(Unused(), [(x, x)], layer="unused")
    tokens = nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Linear(1, 2))
    assert refused(features_of, tokens, [(x, x)]) == "layer '1' is given (5, 3, 1), not one vector a datum (5, 1)"


def test_features_that_are_not_finite_are_refused():
    net = small()
    with torch.no_grad():
        net[0].bias[1] = torch.inf
    x = torch.zeros(5, 3)
    assert (
        refused(features_of, net, [(x, x)]) == "feature 1 of datum 0 in view 0 is infinite; features are to be finite"
    )


# Checkpoints.


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"epoch": 3, "state_dict": s},
        lambda s: {"model": {f"module.{k}": v for k, v in s.items()}},
    ],
)
def test_state_dicts_are_found_where_people_put_them(wrap, tmp_path):
    net = small()
    torch.save(wrap(net.state_dict()), tmp_path / "net.pt")
    other = small()
    with torch.no_grad():
        other[0].weight.zero_()
    put_weights(other, load_weights(tmp_path / "net.pt"))
    assert torch.equal(other[0].weight, net[0].weight)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_malicious_pickle_is_not_run(tmp_path):
    bad, made = tmp_path / "bad.pt", tmp_path / "made"
    message = f"{bad} holds more than weights, which would have to be run; save its state_dict() alone"
    torch.save({"state_dict": Malicious(made)}, bad)
    assert refused(load_weights, bad) == message
    bad.write_bytes(pickle.dumps(Malicious(made)))
    assert refused(load_weights, bad) == message
    assert not made.exists()
    pickle.loads(bad.read_bytes())  # noqa: S301 (to show that it would have been)
    assert made.exists()


def test_unusable_checkpoints_are_refused(tmp_path):
    path = tmp_path / "net.pt"
    assert refused(load_weights, path) == f"there is no file {path}"
    path.write_bytes(b"")
    assert refused(load_weights, path).startswith(f"{path} cannot be read as a checkpoint: ")
    torch.save([1, 2], path)
    assert refused(load_weights, path) == f"{path} holds a list and no state dict; save the network's state_dict()"
    torch.save({"epoch": 1}, path)
    assert refused(load_weights, path) == f"{path} holds a dict and no state dict; save the network's state_dict()"


def test_a_checkpoint_that_does_not_fit_names_what_does_not(tmp_path):
    state = small().state_dict()
    state["0.weight"] = torch.zeros(4, 2)
    state["extra"] = state.pop("3.bias")
    torch.save(state, tmp_path / "net.pt")
    expected = (
        f"{tmp_path / 'net.pt'} does not fit a Sequential; missing: 3.bias; unexpected: extra;"
        " of another shape: 0.weight is 4×2, not 4×3"
    )
    assert refused(put_weights, small(), load_weights(tmp_path / "net.pt")) == expected


def test_a_checkpoint_of_ones_own_knows_its_network(tmp_path):
    built = build({"name": "resnet12", "width": 2, "d1": 3}, seed=1)
    save_network(tmp_path / "a.safetensors", built)
    found, last, taken = network(tmp_path / "a.safetensors")
    assert (last, taken) == ("last", "")
    assert torch.equal(found.last.weight, built.last.weight)


MINE = """
from torch import nn
NET, NUMBER = nn.Linear(3, 2), 3
def make():
    return nn.Linear(3, 2)
def broken():
    return 1 / 0
"""


def test_a_users_network(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    weights = tmp_path / "w.pt"
    torch.save(nn.Linear(3, 2).state_dict(), weights)
    for name in ("NET", "make"):
        assert network(weights, f"{file}:{name}")[0].weight.shape == (2, 3)
    assert refused(network, weights, f"{file}:mke") == f"{file} defines no 'mke'; did you mean make?"
    assert (
        refused(network, weights, f"{file}:NUMBER") == f"{file}:NUMBER: NUMBER is of type int; a torch module is needed"
    )
    assert refused(network, weights, f"{file}:broken") == (
        f"{file}:broken: broken() failed: ZeroDivisionError: division by zero; it is called without arguments"
    )
    assert refused(network, weights) == (
        f"{weights} does not say which network it holds; say so with --model FILE.py:NAME, or --model resnet18"
    )
