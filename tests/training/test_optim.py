"""Who optimises what, at which rate, and what the average is."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unclip.config import default, tiny
from unclip.evaluation.detector import Detector, DetectorConfig
from unclip.models.dit import LatentTransformer
from unclip.pipeline.bundle import build_module
from unclip.pipeline.bundle_files import COMPONENTS
from unclip.training.optim import EMA, Muon, make_optimizers, rate, set_rate, split_parameters

shares = st.floats(0, 1)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("preset", [tiny, default])
def test_every_parameter_has_one_optimizer(component, preset):
    with torch.device("meta"):
        module = nn.ModuleDict({component: build_module(component, preset())})
    muon, adamw, slow = split_parameters(module, slow=("text.",))
    ids = [id(p) for p in itertools.chain(muon, adamw, slow)]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(p) for p in module.parameters()}
    assert all(p.ndim == 2 for p in muon)
    assert bool(slow) == (component == "text")
    if component in ("image", "prior", "decoder"):  # nearly all that a transformer has
        count = sum(p.numel() for p in module.parameters())
        assert sum(p.numel() for p in muon) > 0.5 * count


def test_first_and_last_layers_and_the_frozen_are_left_to_others():
    decoder = LatentTransformer(tiny().decoder)
    decoder.blocks[0].requires_grad_(False)
    muon, adamw, _ = split_parameters(decoder)
    names = {id(p): name for name, p in decoder.named_parameters()}
    assert {names[id(p)].split(".")[0] for p in muon} == {"blocks", "sketch"}
    assert {"input.weight", "output.weight"} <= {names[id(p)] for p in adamw}
    assert not any(names[id(p)].startswith("blocks.0.") for p in [*muon, *adamw])


def test_kernels_are_matrices_where_they_are_asked_to_be():
    module = Detector(DetectorConfig(5, 3, 4))
    muon, adamw, _ = split_parameters(module, kernels=True)
    names = {id(p): name for name, p in module.named_parameters()}
    assert all(p.ndim == 4 for p in muon)
    assert sum(p.numel() for p in muon) > 0.9 * sum(p.numel() for p in module.parameters())
    kept = {names[id(p)] for p in adamw if p.ndim > 1}
    assert {name.split(".")[0] for name in kept} == {"finder", "classifier"}
    assert all("head" in name or ".0.0." in name or "down_1.0." in name for name in kept)
    assert not split_parameters(module)[0]


def test_a_kernel_moves_as_the_matrix_of_its_outputs_does():
    kernel, matrix = (nn.Parameter(torch.zeros(shape)) for shape in ((8, 4, 3, 3), (8, 36)))
    kernel.grad = torch.randn(8, 4, 3, 3)
    matrix.grad = kernel.grad.flatten(1)
    for parameter in (kernel, matrix):
        Muon([parameter], lr=0.1).step()
    torch.testing.assert_close(kernel.detach().flatten(1), matrix.detach())


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_muon_moves_as_the_librarys_does(shape):
    """Which computes in bfloat16: a step has the length of the rate, the difference is rounding."""
    torch.manual_seed(0)
    ours = nn.Parameter(torch.zeros(shape))
    theirs = nn.Parameter(torch.zeros(shape))
    optimizers = (
        Muon([ours], lr=0.1),
        torch.optim.Muon([theirs], lr=0.1, weight_decay=0.0, adjust_lr_fn="original"),
    )
    for _ in range(4):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert (ours - theirs).norm() < 0.02 * theirs.norm()


def test_rates_keep_their_proportions():
    module = nn.ModuleDict({"text": nn.Linear(2, 2), "blocks": nn.ModuleList([nn.Linear(2, 2)])})
    optimizers = make_optimizers(
        module, muon_lr=0.02, adamw_lr=0.001, weight_decay=0, slow=("text.",), slow_scale=0.1
    )
    for multiplier in (1.0, 0.5, 0.25):
        set_rate(optimizers, multiplier)
        rates = [group["lr"] for o in optimizers for group in o.param_groups]
        assert rates == pytest.approx([m * multiplier for m in (0.001, 0.0001, 0.02)])


@given(step=st.integers(0, 10_000), progress=shares, warmup=st.integers(0, 500), decay=st.just(0.4))
def test_rate_is_a_share(step, progress, warmup, decay):
    now = rate(step, progress, warmup, decay)
    assert 0 <= now <= 1
    assert now <= rate(step + 1, progress, warmup, decay)  # warm-up only rises
    assert now >= rate(step, min(1, progress + 0.01), warmup, decay)  # and the end only falls


def test_rate_warms_up_holds_and_falls_to_zero():
    assert [rate(s, 0.0, 4, 0.5) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rate(99, 0.5, 4, 0.5) == 1.0
    assert rate(99, 0.75, 4, 0.5) == pytest.approx(0.5)
    assert rate(99, 1.0, 4, 0.5) == 0.0


def test_average_against_a_slow_computation():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    module[1].bias.requires_grad_(False)
    ema, half_life, batch = EMA(module, 50.0), 50.0, 8
    slow = {k: p.detach().double().clone() for k, p in module.named_parameters()}
    for step in range(1, 40):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(torch.randn_like(p))
        ema.update(module, batch, step * batch)
        decay = 0.5 ** (batch / min(half_life, 0.1 * step * batch))
        for k, p in module.named_parameters():
            slow[k] = decay * slow[k] + (1 - decay) * p.detach().double()
    assert set(ema.average) == {"0.weight", "0.bias", "1.weight"}
    for k, value in ema.average.items():
        torch.testing.assert_close(value.double(), slow[k], rtol=1e-5, atol=1e-6)


def test_half_life_is_what_it_says():
    """After `half_life` pictures, half of the average is older than they are."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema = EMA(module, 1000.0)
    nn.init.ones_(module.weight)
    for _ in range(100):
        ema.update(module, 10, 1_000_000)
    assert float(ema.average["weight"]) == pytest.approx(0.5, abs=1e-4)


def test_applied_gives_the_own_weights_back_even_after_an_error():
    module = nn.Linear(2, 2)
    ema = EMA(module, 10.0)
    own = module.weight.detach().clone() + 1
    with torch.no_grad():
        module.weight.copy_(own)

    def fail() -> None:
        with ema.applied(module):
            assert torch.equal(module.weight, ema.average["weight"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert torch.equal(module.weight, own)
