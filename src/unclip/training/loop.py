"""The one training loop: autocast, clipping, EMA, logs, sheets, exact resume.

It knows no stage. An `Objective` says what a batch is and what the loss is; batch k is a pure
function of the seed and k, with its noise and its times inside, so a resumed run repeats an
unbroken one to the last bit on a CPU.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from unclip.pipeline.bundle import choose_device, default_dtype
from unclip.training.optim import EMA, make_optimizers, rate, set_rate
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

Batch = dict[str, Tensor]


class Objective(nn.Module):
    """A stage's networks, data and loss.

    `trained` names the attributes that are components to train and keep; every other network is
    frozen.
    """

    trained: tuple[str, ...] = ()

    def batch(self, index: int) -> Batch:
        """The tensors of batch `index`, noise and times included."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars to log; the one named `loss` is minimised."""
        raise NotImplementedError

    def initialise(self, fresh: bool) -> None:
        """What the weights to train still need: random ones where `fresh`, else a bundle's."""

    def sheet(self) -> Image.Image | None:
        """A picture of what the networks can do now (averaged weights are in place)."""
        return None

    def finish(self) -> dict[str, float]:
        """Last measurements for the record (averaged weights are in place)."""
        return {}

    @property
    def device(self) -> torch.device:
        """Where the networks are; `batch` makes its tensors on the CPU."""
        return next(self.parameters()).device

    def autocast(self) -> torch.autocast:
        """To bfloat16 where the device multiplies in it, else to nothing, as the loop does."""
        dtype = default_dtype(self.device)
        return torch.autocast(self.device.type, torch.bfloat16, enabled=dtype is torch.bfloat16)

    def on_device(self, batch: Batch) -> Batch:
        """A batch as `forward` takes it."""
        return {key: value.to(self.device) for key, value in batch.items()}

    def freeze_others(self) -> None:
        """Only the trained components get gradients and training mode."""
        for name, module in self.named_children():
            module.requires_grad_(name in self.trained)
            module.train(name in self.trained)

    def components(self) -> dict[str, nn.Module]:
        return {name: getattr(self, name) for name in self.trained}

    def trained_state(self) -> dict[str, Tensor]:
        """Weights and buffers of everything that is not frozen."""
        frozen = {name for name, _ in self.named_children()} - set(self.trained)
        return {k: v for k, v in self.state_dict().items() if k.split(".")[0] not in frozen}


@dataclass(frozen=True)
class Start:
    """The bundle that a stage's weights came from, and how many pictures they had seen there."""

    name: str
    version: str
    pictures: int

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def train(
    objective: Objective,
    recipe: Recipe,
    workspace: Workspace,
    *,
    resume: bool = False,
    start: Start | None = None,
    on_log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train one stage to its end and return its record.

    The objective comes with the weights to start from, and so does the average of them; `start`
    says where they are from if they are not fresh. With `resume` the checkpoint knows better.

    Ctrl-C and SIGTERM save a checkpoint before they end the run, so `resume` loses nothing.
    """
    device = choose_device()
    precision = "bf16" if default_dtype(device) is torch.bfloat16 else "no"
    accelerator = Accelerator(mixed_precision=precision, cpu=device.type == "cpu")
    objective.freeze_others()
    ema = EMA(objective, recipe.ema_half_life)
    optimizers = make_optimizers(
        objective,
        muon_lr=recipe.muon_lr,
        adamw_lr=recipe.adamw_lr,
        weight_decay=recipe.weight_decay,
        slow=recipe.slow,
        slow_scale=recipe.slow_scale,
        kernels=recipe.muon_kernels,
    )
    step, elapsed = 0, 0.0
    smooth: dict[str, float] = {}
    checkpoint = workspace.load_checkpoint(recipe.stage) if resume else None
    if checkpoint is not None:
        step, elapsed = checkpoint["step"], checkpoint["elapsed"]
        objective.load_state_dict(checkpoint["weights"], strict=False)
        for optimizer, state in zip(optimizers, checkpoint["optimizers"], strict=True):
            # The rates are the recipe's, which may have changed since.
            rates = [group["base_lr"] for group in optimizer.param_groups]
            optimizer.load_state_dict(state)
            for group, base_lr in zip(optimizer.param_groups, rates, strict=True):
                group["base_lr"] = base_lr
        ema.average = checkpoint["ema"]
        smooth.update(checkpoint.get("smooth", {}))
        began = checkpoint.get("start")
        start = Start(**began) if began else None
        on_log(f"{recipe.stage}: resumed at step {step}, {elapsed / 60:.1f} min")
    else:
        on_log(f"{recipe.stage}: starts from {start or 'fresh weights'}")
    if recipe.compile:
        for network in objective.children():  # the frozen ones too: they run at every step
            network.compile(dynamic=False)

    prepared = accelerator.prepare(objective, *optimizers)
    model, optimizers = prepared[0], list(prepared[1:])
    ema.average = {k: v.to(accelerator.device) for k, v in ema.average.items()}
    writer = SummaryWriter(str(workspace.stage(recipe.stage) / "tensorboard"))
    ranks = accelerator.num_processes
    pictures = recipe.batch_size * ranks
    seen_before = start.pictures if start else 0

    def progress() -> float:
        by_clock = elapsed / (60 * recipe.minutes) if recipe.minutes else 0.0
        return min(1.0, max(by_clock, step / recipe.steps))

    def record() -> dict[str, Any]:
        return {
            "minutes": round(elapsed / 60, 2),
            "pictures": step * pictures,
            "steps": step,
            "threads": torch.get_num_threads(),
            "losses": {k: round(v, 5) for k, v in smooth.items()},
            "command": recipe.command + (f" --from {start.name}" if start else ""),
            **({"from": str(start), "pictures_before": start.pictures} if start else {}),
            "recipe": asdict(recipe),
        }

    def save() -> None:
        if not accelerator.is_main_process:
            return
        state = {
            "step": step,
            "elapsed": elapsed,
            "weights": objective.trained_state(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "ema": ema.average,
            "smooth": smooth,
            "start": asdict(start) if start else None,
        }
        workspace.save_checkpoint(recipe.stage, state)
        with ema.applied(objective):
            for name, component in objective.components().items():
                workspace.save(name, component)
        workspace.save_record(recipe.stage, record())

    def draw_sheet() -> None:
        if not accelerator.is_main_process:
            return
        # Uncompiled: sampling has other shapes than training, and each would cost a compilation.
        objective.eval()
        with ema.applied(objective), torch.no_grad(), torch.compiler.set_stance("force_eager"):
            picture = objective.sheet()
        objective.freeze_others()
        if picture is not None:
            folder = workspace.stage(recipe.stage) / "sheets"
            folder.mkdir(exist_ok=True)
            picture.save(folder / f"{step:07d}.png")

    def batch_of(k: int) -> Batch:
        return objective.batch(k * ranks + accelerator.process_index)

    last_save = last_sheet = last_log = time.monotonic()
    with ThreadPoolExecutor(1) as ahead, whole_steps() as interrupted:
        future = ahead.submit(batch_of, step)
        while progress() < 1.0:
            if interrupted():
                save()
                raise KeyboardInterrupt
            began = time.monotonic()
            batch = {k: v.to(accelerator.device) for k, v in future.result().items()}
            future = ahead.submit(batch_of, step + 1)
            set_rate(optimizers, rate(step, progress(), recipe.warmup_steps, recipe.decay_fraction))
            scalars = model(batch)
            accelerator.backward(scalars["loss"])
            norm = accelerator.clip_grad_norm_(objective.parameters(), recipe.clip_norm)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            step += 1
            ema.update(objective, pictures, seen_before + step * pictures)
            now = {k: float(v.detach()) for k, v in scalars.items()}
            now["gradient_norm"] = float(norm)
            for key, value in now.items():
                keep = 1 - 1 / min(100, step)
                smooth[key] = keep * smooth.get(key, value) + (1 - keep) * value
            elapsed += time.monotonic() - began
            clock = time.monotonic()
            if clock - last_log > 20:
                last_log = clock
                speed = recipe.batch_size / (clock - began)
                for key, value in smooth.items():
                    writer.add_scalar(key, value, step * pictures)
                writer.add_scalar("pictures_per_second", speed, step * pictures)
                text = " ".join(f"{k} {v:.4f}" for k, v in smooth.items())
                on_log(f"{recipe.stage} step {step} {elapsed / 60:.1f} min {speed:.0f}/s {text}")
            if clock - last_save > 60 * recipe.checkpoint_minutes:
                save()
                last_save = time.monotonic()
            if clock - last_sheet > 60 * recipe.sheet_minutes:
                draw_sheet()
                last_sheet = time.monotonic()
    save()
    draw_sheet()
    objective.eval()
    with ema.applied(objective), torch.no_grad(), torch.compiler.set_stance("force_eager"):
        final = {**record(), "reached": objective.finish()}
    workspace.save_record(recipe.stage, final)
    writer.close()
    accelerator.end_training()
    return final


@contextmanager
def whole_steps() -> Iterator[Callable[[], bool]]:
    """Ctrl-C or a polite kill is noted for the end of the step, which is never cut in half.

    Gives the question whether one came; a second one raises at once. Only a main thread hears them.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
