"""Normalisations are replaced while the core runs, however a loss came by them, and never outside."""

import sys
import threading
import types
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import cosine_similarity, normalize

from derive import InputError
from verify.audits.blackbox.core import REPLACED_BY, core, without_normalisation
from verify.truths.function import BlackBox

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((2, 4, 3))
Z1, Z2 = torch.from_numpy(Z)
TAU = 0.2


def unnormalised(z1, z2):
    return F.cross_entropy(z1 @ z2.T / TAU, torch.arange(len(z1)))


def by_attribute(z1, z2):
    return unnormalised(torch.nn.functional.normalize(z1, dim=-1), F.normalize(z2, p=2, dim=1))


def by_imported_name(z1, z2):
    return unnormalised(normalize(z1), normalize(z2))


def by_default_argument(z1, z2, norm=F.normalize):
    return unnormalised(norm(z1), norm(z2))


def in_a_closure():
    norm = partial(F.normalize, dim=1)
    return lambda z1, z2: unnormalised(norm(z1), norm(z2))


def imported_while_it_runs(z1, z2):
    from torch.nn.functional import normalize as norm

    return unnormalised(norm(z1), norm(input=z2))


def in_place(z1, z2):
    return unnormalised(F.normalize(z1).mul_(1.0), F.normalize(z2).div_(1.0))


def into_a_tensor(z1, z2):
    out = torch.empty_like(z1)
    F.normalize(z1, out=out)
    return unnormalised(out, F.normalize(z2))


class Module(nn.Module):
    """Keeps the function as an attribute."""

    def __init__(self):
        super().__init__()
        self.norm = normalize

    def forward(self, z1, z2):
        return unnormalised(self.norm(z1), self.norm(z2))


def by_similarity(similarity):
    def loss(z1, z2):
        return F.cross_entropy(similarity(z1[:, None], z2[None], dim=-1) / TAU, torch.arange(len(z1)))

    return loss


def by_layer(z1, z2):
    return F.cross_entropy(nn.CosineSimilarity(dim=2)(z1[:, None], z2[None]) / TAU, torch.arange(len(z1)))


@pytest.mark.parametrize(
    ("loss", "replaced"),
    [
        (by_attribute, {"normalize": 2}),
        (by_imported_name, {"normalize": 2}),
        (by_default_argument, {"normalize": 2}),
        (in_a_closure(), {"normalize": 2}),
        (imported_while_it_runs, {"normalize": 2}),
        (in_place, {"normalize": 2}),
        (into_a_tensor, {"normalize": 2}),
        (Module(), {"normalize": 2}),
        (by_similarity(cosine_similarity), {"cosine_similarity": 1}),
        (by_similarity(torch.cosine_similarity), {"cosine_similarity": 1}),
        (by_layer, {"cosine_similarity": 1}),
        (torch.func.functionalize(by_imported_name), {"normalize": 2}),
    ],
)
def test_the_core_of_infonce_is_written_by_hand(loss, replaced):
    inner = core(loss)
    assert BlackBox(inner)(Z) == pytest.approx(float(unnormalised(Z1, Z2)), rel=1e-14)
    assert inner.replaced == replaced
    assert BlackBox(loss)(Z) == pytest.approx(float(by_attribute(Z1, Z2)), rel=1e-12)
    inner(Z1, Z2)
    assert inner.replaced == replaced, "of the latest call, not of all"


def test_inputs_are_not_changed_in_place():
    before = Z1.clone(), Z2.clone()
    core(lambda z1, _: normalize(z1).mul_(3).sum())(Z1, Z2)
    assert torch.equal(Z1, before[0])
    box = BlackBox(core(in_place))
    box(Z)
    assert not box.seen.mutated


def test_derivatives_are_those_of_the_core():
    z = torch.from_numpy(Z)
    for derivative in (torch.func.grad, torch.func.hessian):
        found = derivative(lambda z: core(by_imported_name)(*z))(z)
        torch.testing.assert_close(found, derivative(lambda z: unnormalised(*z))(z), rtol=1e-12, atol=1e-14)
    many = torch.stack([z, 2 * z])
    found = torch.func.vmap(lambda z: core(by_imported_name)(*z))(many)
    assert found[1] == pytest.approx(float(unnormalised(2 * Z1, 2 * Z2)))


def barlow_twins(norm1, norm2):
    def loss(z1, z2):
        correlation = norm1(z1).T @ norm2(z2) / len(z1)
        return ((correlation - torch.eye(z1.shape[1], dtype=z1.dtype)) ** 2).sum()

    return loss


def test_batch_normalisation():
    plain = barlow_twins(lambda z: z, lambda z: z)(Z1, Z2)
    layers = [nn.BatchNorm1d(3, affine=False).double() for _ in range(2)]
    for norms in (layers, [partial(F.batch_norm, running_mean=None, running_var=None, training=True)] * 2):
        inner = core(barlow_twins(*norms))
        assert inner(Z1, Z2) == pytest.approx(float(plain), rel=1e-14)
        assert inner.replaced == {"batch_norm": 2}
        assert abs(barlow_twins(*norms)(Z1, Z2) - plain) > 0.1
    fresh = nn.BatchNorm1d(3, affine=False).double()
    core(barlow_twins(fresh, fresh))(Z1, Z2)
    assert torch.equal(fresh.running_mean, torch.zeros(3))


def test_weight_and_bias_after_a_batch_normalisation_are_kept():
    layer = nn.BatchNorm2d(3).double()
    layer.weight.data, layer.bias.data = torch.tensor([2.0, 3.0, 5.0]).double(), torch.tensor([0.0, 1.0, 0.0]).double()
    images = torch.from_numpy(RNG.standard_normal((4, 3, 2, 2)))
    with without_normalisation():
        found = layer(images)
    torch.testing.assert_close(found[:, 1], 3 * images[:, 1] + 1)
    torch.testing.assert_close(found[:, 2], 5 * images[:, 2])


def test_running_statistics_are_an_affine_map_and_stay():
    layer = nn.BatchNorm1d(3).double().eval()
    layer.running_var.fill_(4.0)
    inner = core(lambda z1, _: layer(z1).sum())
    assert inner(Z1, Z2) == layer(Z1).sum()
    assert inner.replaced == {}


def test_nothing_is_left_of_it_afterwards():
    functions = [(torch.nn.functional, name) for name in REPLACED_BY] + [(torch, "cosine_similarity")]
    before = [vars(module)[name] for module, name in functions]
    layer = nn.BatchNorm1d.forward, nn.CosineSimilarity.forward
    expected = by_attribute(Z1, Z2)
    core(by_imported_name)(Z1, Z2)

    def fails(z1, _):
        normalize(z1)
        raise ZeroDivisionError

    inner = core(fails)
    with pytest.raises(ZeroDivisionError):
        inner(Z1, Z2)
    assert inner.replaced == {"normalize": 1}
    assert [vars(module)[name] for module, name in functions] == before
    assert (nn.BatchNorm1d.forward, nn.CosineSimilarity.forward) == layer
    assert by_imported_name(Z1, Z2) == expected


def test_a_module_that_is_first_imported_inside_keeps_the_real_function(tmp_path, monkeypatch):
    (tmp_path / "imported_inside_the_core.py").write_text("from torch.nn.functional import normalize as norm\n")
    monkeypatch.syspath_prepend(tmp_path)

    def loss(z1, z2):
        import imported_inside_the_core as late

        return unnormalised(late.norm(z1), late.norm(z2))

    assert core(loss)(Z1, Z2) == unnormalised(Z1, Z2)
    assert sys.modules.pop("imported_inside_the_core").norm is F.normalize


def test_contexts_nest():
    with without_normalisation() as outer:
        with without_normalisation() as inner:
            assert torch.equal(normalize(Z1), Z1)
        assert torch.equal(F.normalize(Z1), Z1)
        assert core(by_imported_name)(Z1, Z2) == unnormalised(Z1, Z2)
        assert torch.equal(normalize(Z2), Z2)
    assert not torch.equal(normalize(Z1), Z1)
    assert (outer.replaced, inner.replaced) == ({"normalize": 2}, {"normalize": 1})
    assert core(core(by_imported_name))(Z1, Z2) == unnormalised(Z1, Z2)


def test_another_thread_sees_nothing():
    found = []
    with without_normalisation():
        thread = threading.Thread(target=lambda: found.append(normalize(Z1)))
        thread.start()
        thread.join()
    assert torch.equal(found[0], normalize(Z1))


def test_what_was_replaced_in_words():
    inner = core(by_imported_name)
    inner(Z1, Z2)
    assert inner.lines() == ["normalize replaced by the identity, 2 calls"]
    assert inner.__name__ == "by_imported_name"
    plain = core(unnormalised)
    plain(Z1, Z2)
    assert plain.lines() == ["nothing was replaced: the loss calls none of normalize, cosine_similarity, batch_norm"]
    assert plain.advice(None) == ""
    assert core(Module()).__name__ == "Module"


@pytest.mark.parametrize(
    ("norm", "called"),
    [
        (lambda z: z / z.norm(dim=1, keepdim=True), "norm"),
        (lambda z: z / torch.linalg.norm(z, dim=1, keepdim=True), "linalg_norm"),
        (lambda z: z / torch.linalg.vector_norm(z, dim=1, keepdim=True), "linalg_vector_norm"),
        (lambda z: z * (z * z).sum(1, keepdim=True).rsqrt(), "rsqrt"),
        (lambda z: F.layer_norm(z, z.shape[1:], eps=0.0), "layer_norm"),
        (lambda z: z / (z * z).sum(1, keepdim=True) ** 0.5, None),
    ],
)
def test_a_normalisation_written_out_is_left_and_named(norm, called):
    loss = core(lambda z1, z2: unnormalised(norm(z1), norm(z2)))
    assert loss(Z1, Z2) == pytest.approx(float(loss(1e-3 * Z1, 1e-3 * Z2)))
    assert loss.replaced == {}
    advice = loss.advice(0)
    assert "still constant along z → s z" in advice
    assert "call torch.nn.functional.normalize" in advice
    assert (f"(it calls {called})" in advice) if called else ("it calls" not in advice)


def test_what_cannot_be_called_has_no_core():
    with pytest.raises(InputError, match="is of type module; it has to be callable"):
        core(types.ModuleType("loss"))
