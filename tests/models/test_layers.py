"""Pieces that several networks share."""

import pytest
import torch
from torch import nn

from unclip.models.layers import LongLinear


@pytest.mark.parametrize("bias", [True, False])
def test_a_long_sum_is_the_same_beside_any_other_rows(bias):
    torch.manual_seed(0)
    layer = LongLinear(1536, 64, bias=bias).bfloat16()
    x = torch.randn(640, 1536).bfloat16()
    with torch.inference_mode():
        whole = layer(x)
        for rows in (1, 7, 64, 128, 256, 511):
            assert torch.equal(layer(x[:rows]), whole[:rows])
        plain = layer.double()(x.double())
    torch.testing.assert_close(whole.double(), plain, atol=0.02, rtol=0.02)


def test_it_learns_as_any_linear_layer_does():
    torch.manual_seed(0)
    layer, plain = LongLinear(800, 8), nn.Linear(800, 8)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(5, 800)
    layer(x).square().sum().backward()
    plain(x).square().sum().backward()
    assert torch.equal(layer.weight.grad, plain.weight.grad)
    with torch.inference_mode():
        assert torch.equal(layer(x), plain(x)), "in float32 nothing needs to be cut"
