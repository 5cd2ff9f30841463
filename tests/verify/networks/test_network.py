"""The shapes of the networks, their sizes as published, and what they compute, written out a second time."""

import pytest
import torch
import torch.nn.functional as F

from derive import InputError
from verify.networks.network import architecture, build
from verify.networks.resnet import resnet12, resnet18
from verify.networks.vit import ViT

SMALL = (
    {"name": "resnet18", "width": 4, "d1": 6},
    {"name": "resnet12", "width": 2, "d1": 6, "projector": 8},
    {"name": "vit", "width": 12, "depth": 2, "patch": 8, "d1": 6, "projector": 8},
)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_sizes_are_the_published_ones():
    with torch.device("meta"):  # shapes alone, no memory
        # He et al. 2016 have 11.7 million, 0.5 of them in ImageNet's head and 0.0077 more in the 7 × 7 stem.
        assert count(resnet18()) == 11_168_832
        assert count(resnet18()) + 3 * 64 * (49 - 9) + 512 * 1000 + 1000 == 11_689_512
        assert round(count(resnet12()) / 1e6, 2) == 12.42  # Lee et al. 2019
        # A layer: four d × d of the attention, two d × 4d of the mlp, their biases, two normalisations.
        d, depth = 192, 6
        layer = 12 * d**2 + 9 * d + 4 * d
        assert count(ViT(d, depth=depth)) == depth * layer + 48 * d + d + d + 65 * d + 2 * d


@pytest.mark.parametrize("given", SMALL)
def test_f_is_the_last_layer_of_what_is_under_it(given):
    network = build(given).eval()
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    seen = []
    network.last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    f = network(images)
    assert f.shape == (3, 6)
    assert torch.allclose(f, seen[0] @ network.last.weight.T, atol=1e-6)
    kept = network.representation(images)
    assert torch.equal(kept, network.backbone(images) if "projector" in given else f)


def plain_resnet18(w, x):
    """The network from its equations, with the normalisations of evaluation mode; w gives the weights in order."""

    def normed(x):
        gain, offset, mean, variance = (next(w)[:, None, None] for _ in range(4))
        next(w)  # how many batches were seen
        return gain * (x - mean) / torch.sqrt(variance + 1e-5) + offset

    x = normed(F.conv2d(x, next(w), padding=1)).relu()
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = normed(F.conv2d(x, next(w), stride=stride, padding=1)).relu()
            y = normed(F.conv2d(y, next(w), padding=1))
            if stride == 2:
                x = normed(F.conv2d(x, next(w), stride=2))
            x = (x + y).relu()
    return x.mean((2, 3))


def plain_vit(v, x, heads, depth):
    """The network from its equations; v gives the weights by name."""

    def normed(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        return scaled * v[f"{name}.weight"] + v[f"{name}.bias"]

    patch = v["patches.weight"].shape[-1]
    pieces = F.unfold(x, patch, stride=patch).mT
    tokens = pieces @ v["patches.weight"].flatten(1).T + v["patches.bias"]
    t = torch.cat([v["first"].expand(len(x), 1, -1), tokens], 1) + v["positions"]
    for k in range(depth):
        at = f"layers.{k}"
        u = normed(t, f"{at}.norm1") @ v[f"{at}.self_attn.in_proj_weight"].T + v[f"{at}.self_attn.in_proj_bias"]
        n, length, width = t.shape
        query, key, value = u.reshape(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = torch.softmax(query @ key.mT / (width // heads) ** 0.5, -1) @ value
        mixed = mixed.permute(0, 2, 1, 3).reshape(n, length, width)
        t = t + mixed @ v[f"{at}.self_attn.out_proj.weight"].T + v[f"{at}.self_attn.out_proj.bias"]
        u = F.gelu(normed(t, f"{at}.norm2") @ v[f"{at}.linear1.weight"].T + v[f"{at}.linear1.bias"])
        t = t + u @ v[f"{at}.linear2.weight"].T + v[f"{at}.linear2.bias"]
    return normed(t[:, 0], "norm")


def shaken(module):
    """The module in evaluation mode with all its numbers moved, the normalisations' too."""
    generator = torch.Generator().manual_seed(1)
    for one in module.state_dict().values():
        if one.is_floating_point():
            one.add_(0.1 * torch.rand(one.shape, generator=generator))
    return module.eval()


def test_resnet18_is_what_its_equations_say():
    network = shaken(resnet18(4))
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    written = plain_resnet18(iter(network.state_dict().values()), x)
    assert torch.allclose(network(x), written, rtol=1e-4)
    network.state_dict()["4.path.0.weight"].mul_(1.1)  # a mutant
    assert not torch.allclose(network(x), written, rtol=1e-4)


@pytest.mark.parametrize("recording", [True, False])
def test_a_vit_is_what_its_equations_say(recording):
    network = shaken(ViT(12, depth=2, heads=3, patch=8))
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.set_grad_enabled(recording):  # without, torch takes a path of its own
        assert torch.allclose(network(x), plain_vit(network.state_dict(), x, 3, 2), atol=1e-5)


def test_layers_of_a_vit_start_apart():
    first, second = ViT(12, depth=2, heads=3, patch=8).layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_random_weights_depend_on_the_seed_alone():
    before = torch.get_rng_state()
    one, other, again = (build(SMALL[0], seed=seed).last.weight for seed in (0, 1, 0))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"name": "resnet81"},
            "there is no network 'resnet81'; did you mean resnet18? There are resnet18, resnet12, vit",
        ),
        ({}, "there is no network None; there are resnet18, resnet12, vit"),
        ({"name": "resnet18", "depth": 3}, "resnet18 has no 'depth'; it has width, d1, projector"),
        (
            {"name": ["vit"]},
            "there is no network ['vit']; did you mean vit? There are resnet18, resnet12, vit",
        ),
        ({"name": "vit", "width": 10**9}, "width = 1000000000 of vit: a whole number from 1 to 4096 is needed"),
        ({"name": "vit", "width": 2.5}, "width = 2.5 of vit: a whole number from 1 to 4096 is needed"),
        ({"name": "vit", "projector": -1}, "projector = -1 of vit: a whole number from 0 to 4096 is needed"),
        (
            {"name": "vit", "width": 10},
            "a vit of width 10 with 3 heads and patches of 4: the heads must divide the width, and the patches 32",
        ),
    ],
)
def test_what_is_no_network_is_refused(given, said):
    with pytest.raises(InputError) as error:
        architecture(given)
    assert str(error.value) == said
