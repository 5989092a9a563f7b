"""Muon for hidden matrices, AdamW for the rest, one learning-rate rule for both, and the EMA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unclip.pipeline.bundle import default_dtype

_PIXELS = 12
"""Channels of pixels in squares of two."""
_HIDDEN = {"blocks", "sketch", "layout", "layout_projection"}


def split_parameters(
    module: nn.Module, *, slow: tuple[str, ...] = (), kernels: bool = False
) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """Parameters for Muon (2-D weights of transformer blocks and of the embedding), AdamW, and slow
    AdamW.

    Muon orthogonalises updates of hidden matrices (Jordan et al. 2024), among them those on both
    sides of the image embedding; first and last layers, token embeddings, convolutions, norms and
    biases stay with AdamW. `slow` names prefixes that are already trained and only follow. With
    `kernels` those of convolutions are hidden matrices too, flattened as Jordan et al. do, but for
    the first, which sees pixels, and heads.
    """
    muon, adamw, slow_ones = [], [], []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(slow):
            slow_ones.append(parameter)
        elif _is_hidden(name, parameter, kernels):
            muon.append(parameter)
        else:
            adamw.append(parameter)
    return muon, adamw, slow_ones


def _is_hidden(name: str, parameter: nn.Parameter, kernels: bool) -> bool:
    if parameter.ndim == 2:
        return bool(_HIDDEN & {*name.split(".")})
    return kernels and parameter.ndim == 4 and parameter.shape[1] > _PIXELS and "head" not in name


class Muon(torch.optim.Optimizer):
    """Momentum whose matrices are made orthogonal (Jordan et al. 2024) by five Newton-Schulz steps,
    and scaled by max(1, rows / columns)**0.5, under which one rate fits every matrix.

    `torch.optim.Muon` does the same in bfloat16 only, ten times slower on a processor that does not
    multiply in it.
    """

    def __init__(self, parameters: list[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter.grad)
                average = state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(average, group["momentum"]).flatten(1)
                scale = max(1, ahead.shape[0] / ahead.shape[1]) ** 0.5
                step = orthogonal(ahead).view_as(parameter)
                parameter.add_(step, alpha=-group["lr"] * scale)


def orthogonal(x: Float[Tensor, "r c"]) -> Float[Tensor, "r c"]:
    """Nearly U V^T of x = U S V^T: the quintic step pushes every singular value into 0.7 to 1.2."""
    a, b, c = 3.4445, -4.7750, 2.0315
    y = x.to(default_dtype(x.device))
    y = y.T if len(x) > x.shape[1] else y
    y = y / y.norm().clamp_min(1e-7)
    for _ in range(5):
        gram = y @ y.T
        y = torch.addmm(y, torch.addmm(gram, gram, gram, beta=b, alpha=c), y, beta=a)
    return (y.T if len(x) > x.shape[1] else y).to(x.dtype)


def make_optimizers(
    module: nn.Module,
    *,
    muon_lr: float,
    adamw_lr: float,
    weight_decay: float,
    slow: tuple[str, ...] = (),
    slow_scale: float = 0.1,
    kernels: bool = False,
) -> list[torch.optim.Optimizer]:
    """One or two optimizers; every group keeps its full rate as `base_lr` for `set_rate`."""
    muon, adamw, slow_ones = split_parameters(module, slow=slow, kernels=kernels)
    groups = [{"params": adamw, "lr": adamw_lr}, {"params": slow_ones, "lr": adamw_lr * slow_scale}]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [group for group in groups if group["params"]],
            betas=(0.9, 0.99),
            weight_decay=weight_decay,
        )
    ]
    if muon:
        optimizers.append(Muon(muon, muon_lr))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def rate(step: int, progress: float, warmup: int, decay_fraction: float) -> float:
    """Multiplier of the learning rate: linear warm-up, constant, linear decay to zero at the end.

    `progress` in [0, 1] is of the whole run, by steps or by the clock.
    """
    warm = min(1.0, (step + 1) / max(1, warmup))
    return warm * max(0.0, min(1.0, (1.0 - progress) / decay_fraction))


def set_rate(optimizers: list[torch.optim.Optimizer], multiplier: float) -> None:
    """Give every group its `base_lr` times `multiplier`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * multiplier


class EMA:
    """Exponential moving average of parameters, kept in float32; buffers are copied as they are.

    `half_life` is in pictures (EDM2, arXiv 2312.02696, writes it so); early on the average is
    shortened to a tenth of what has been seen, so that it does not remember the initialisation.
    """

    def __init__(self, module: nn.Module, half_life: float) -> None:
        self.half_life = half_life
        self.average = {k: p.detach().float().clone() for k, p in self._parameters(module).items()}

    @staticmethod
    def _parameters(module: nn.Module) -> dict[str, nn.Parameter]:
        return {k: p for k, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: nn.Module, batch: int, seen: int) -> None:
        """Move towards the module's weights after a step of `batch` pictures, `seen` in all."""
        half_life = min(self.half_life, max(1, seen) * 0.1)
        decay = 0.5 ** (batch / half_life)
        weights = [p.detach().float() for p in self._parameters(module).values()]
        torch._foreach_lerp_(list(self.average.values()), weights, 1 - decay)

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """The module with the averaged weights inside, its own again afterwards."""
        parameters = self._parameters(module)
        own = {k: p.detach().clone() for k, p in parameters.items()}
        try:
            self._assign(parameters, self.average)
            yield
        finally:
            self._assign(parameters, own)

    @staticmethod
    @torch.no_grad()
    def _assign(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> None:
        for name, parameter in parameters.items():
            parameter.copy_(values[name])
