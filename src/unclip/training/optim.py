"""Muon for hidden matrices, AdamW for the rest, one learning-rate rule for both, and the EMA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_HIDDEN = {"blocks", "sketch", "layout", "layout_projection"}


def split_parameters(
    module: nn.Module, *, slow: tuple[str, ...] = ()
) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """Parameters for Muon (2-D weights of transformer blocks and of the embedding), AdamW, and slow
    AdamW.

    Muon orthogonalises updates of hidden matrices (Jordan et al. 2024), among them those on both
    sides of the image embedding; first and last layers, token embeddings, convolutions, norms and
    biases stay with AdamW. `slow` names prefixes that are
    already trained and only follow.
    """
    muon, adamw, slow_ones = [], [], []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(slow):
            slow_ones.append(parameter)
        elif parameter.ndim == 2 and _HIDDEN & {*name.split(".")}:
            muon.append(parameter)
        else:
            adamw.append(parameter)
    return muon, adamw, slow_ones


def make_optimizers(
    module: nn.Module,
    *,
    muon_lr: float,
    adamw_lr: float,
    weight_decay: float,
    slow: tuple[str, ...] = (),
    slow_scale: float = 0.1,
) -> list[torch.optim.Optimizer]:
    """One or two optimizers; every group keeps its full rate as `base_lr` for `set_rate`."""
    muon, adamw, slow_ones = split_parameters(module, slow=slow)
    groups = [{"params": adamw, "lr": adamw_lr}, {"params": slow_ones, "lr": adamw_lr * slow_scale}]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [group for group in groups if group["params"]],
            betas=(0.9, 0.99),
            weight_decay=weight_decay,
        )
    ]
    if muon:
        # "original" scales by max(1, rows/columns)**0.5, under which one rate fits every matrix.
        optimizers.append(
            torch.optim.Muon(muon, lr=muon_lr, weight_decay=0.0, adjust_lr_fn="original")
        )
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
