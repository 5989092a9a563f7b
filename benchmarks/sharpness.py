"""How clean edges are in pictures of 1024 pixels, beside drawings that are drawn at that size.

    python benchmarks/sharpness.py [--scenes 40] [--split heldout] [--sheet FILE.png]

Scenes that no training saw, of vector art alone, are rendered at 1024. What is enlarged is their
mean over squares of 16 x 16 pixels: as it is, and through the autoencoder, as the decoder's
pictures are. Set against the truth are

- psnr, in dB;
- sharpness: the gradient on the truth's edges, in times of the truth's; "nearby" the steepest
  within 8 pixels, so that an edge which is sharp but not quite in its place counts as sharp;
- ringing: by how much pixels within 16 of an edge exceed what the truth has within 16 pixels of
  them, in levels of 255;
- grid: the difference to the pixel before, where the truth is flat, in columns and rows that are
  multiples of 4, 8, 16 or 32, in times of those that are not multiples of 4: 1 is no grid. "flat"
  is what the latter have, in levels: a grid of twice very little is not seen.

The sheet shows truth, bicubic and ours at 100 %, where each of four scenes has most edges.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from common import Row, arguments, report
from unclip.corpus.composer import Composer, Mixture
from unclip.corpus.store import SpriteStore
from unclip.models.autoencoder import psnr
from unclip.pipeline.bundle import load_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.stages import drain
from unclip.training.data import sheet, to_tensor

FULL, SEED = 1024, 1_000_003
EDGE, FLAT, LEAST = 48, 4, 0.01
"""Levels of 255: the gradient of an edge, over three channels; what a flat part may vary by; what
is added to differences, so that nothing is set against nothing."""
NEAR, NEARBY, PERIOD, GRIDS = 16, 8, 32, (4, 8, 16, 32)
CROP, SHOWN = 512, 4
Picture = Float[Tensor, "1 3 h w"]
"""In levels of 255."""


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--split", default="train", help="heldout: drawings that no training saw")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()

    if options.threads:
        torch.set_num_threads(options.threads)
    cascade = Cascade(load_bundle(options.model))
    # No picture is so large: only vector art is left. Strokes of a filter are not edges.
    composer = Composer(SpriteStore(), Mixture(native=1 << 20, painted=0.0), options.split)
    judged: dict[tuple[str, str], list[dict[str, float]]] = {}
    stepped: dict[tuple[str, str], Tensor] = {}
    tiles: list[Tensor] = []
    for k in range(options.scenes):
        scene = composer.sample(np.random.default_rng([SEED, k]))
        truth = Truth(127.5 * (to_tensor(composer.render(scene, FULL)[None]).contiguous() + 1))
        made = enlargements(cascade, truth.picture, seed=k)
        for key, picture in made.items():
            judged.setdefault(key, []).append(truth.judge(picture))
            stepped[key] = stepped.get(key, 0) + steps(picture, truth.is_flat)
        if k < SHOWN:
            y, x = truth.crop()
            shown = truth.picture, made["true", "bicubic"], made["true", "ours"]
            tiles += [picture[..., y, x] for picture in shown]
    if options.sheet is not None:
        sheet(torch.cat(tiles) / 127.5 - 1, 3).save(options.sheet)
    rows: list[Row] = [
        {
            "64 px": key[0],
            "method": key[1],
            **{figure: statistics.mean(one[figure] for one in found) for figure in found[0]},
            **grids(stepped[key]),
        }
        for key, found in judged.items()
    ]
    options.threads = torch.get_num_threads()
    dtype = str(cascade.bundle.dtype)
    report(rows, options, dtype=dtype, scenes=options.scenes, split=options.split)


class Truth:
    """A picture as it should be, and where its edges and its flat parts are."""

    def __init__(self, picture: Picture) -> None:
        self.picture, self.slope = picture, slope(picture)
        self.edges = self.slope > EDGE
        self.low, self.high = -highest(-picture, NEAR), highest(picture, NEAR)
        self.is_near = highest(self.edges.float(), NEAR) > 0
        self.is_flat = (self.high - self.low).amax(1, keepdim=True) <= FLAT

    def judge(self, made: Picture) -> dict[str, float]:
        """Every figure but the grid's, which takes many pictures to see."""

        def on_edges(steepness: Tensor, reach: int) -> Tensor:
            return highest(steepness, reach)[self.edges].mean()

        steep = slope(made)
        beyond = (made - self.high).clamp_min(0) + (self.low - made).clamp_min(0)
        found = {
            "psnr": psnr(made / 127.5 - 1, self.picture / 127.5 - 1),
            "sharpness": on_edges(steep, 0) / on_edges(self.slope, 0),
            "nearby": on_edges(steep, NEARBY) / on_edges(self.slope, NEARBY),
            "ringing": beyond.mean(1, keepdim=True)[self.is_near].mean(),
        }
        return {name: float(value) for name, value in found.items()}

    def crop(self) -> tuple[slice, slice]:
        """Where most edges are."""
        share = F.avg_pool2d(self.edges.float(), CROP, stride=64)[0, 0]
        y, x = (64 * int(i) for i in torch.unravel_index(share.argmax(), share.shape))
        return slice(y, y + CROP), slice(x, x + CROP)


def slope(picture: Picture) -> Float[Tensor, "1 1 h w"]:
    """Length of the gradient to the next pixel, over all channels."""
    across = F.pad(picture.diff(dim=-1), (0, 1)).square()
    down = F.pad(picture.diff(dim=-2), (0, 0, 0, 1)).square()
    return (across + down).sum(1, keepdim=True).sqrt()


def highest(x: Float[Tensor, "1 c h w"], reach: int) -> Float[Tensor, "1 c h w"]:
    """The maximum of the square around each pixel."""
    side = 2 * reach + 1
    return F.max_pool2d(F.max_pool2d(x, (1, side), 1, (0, reach)), (side, 1), 1, (reach, 0))


def steps(made: Picture, is_flat: Bool[Tensor, "1 1 h w"]) -> Float[Tensor, "2 p"]:
    """By the place of a column or row in a period: the sum of its differences, and their number."""
    found = torch.zeros(2, PERIOD)
    for x, flat in ((made, is_flat), (made.mT, is_flat.mT)):
        both = (flat[..., 1:] & flat[..., :-1])[0, 0]
        difference = x.diff(dim=-1).abs().mean(1)[0] * both
        place = torch.arange(1, x.shape[-1]) % PERIOD
        found.index_add_(1, place, torch.stack([difference.sum(0), both.sum(0).float()]))
    return found


def grids(stepped: Float[Tensor, "2 p"]) -> dict[str, float]:
    """From sums and numbers of differences to their means on grids, in times of those on none."""
    means = stepped[0] / stepped[1]
    flat = means[torch.arange(PERIOD) % GRIDS[0] > 0].mean()
    found = {f"grid {n}": float((means[::n].mean() + LEAST) / (flat + LEAST)) for n in GRIDS}
    return {**found, "flat": float(flat)}


@torch.inference_mode()
def enlargements(cascade: Cascade, truth: Picture, seed: int) -> dict[tuple[str, str], Picture]:
    """What each method makes of a picture scaled down, by what was done to that and its name."""
    bundle, network = cascade.bundle, cascade.bundle.autoencoder
    small = F.avg_pool2d(truth, FULL // cascade.decoder.pixels) / 127.5 - 1
    sources = {"true": small.to(bundle.device)}
    if network is not None:
        latents = network.encode(sources["true"].to(bundle.dtype))
        sources["autoencoder"] = network.decode(latents).float().clamp(-1, 1)
    made = {}
    for source, pixels in sources.items():
        made[source, "nearest"] = F.interpolate(pixels, FULL)
        made[source, "bicubic"] = F.interpolate(pixels, FULL, mode="bicubic")
        generator = torch.Generator().manual_seed(seed)
        for stage, _ in cascade.upsamplers_for(FULL):
            pixels = drain(stage(pixels, [generator]))
            name = "ours" if pixels.shape[-1] == FULL else f"{stage.name}, bicubic"
            made[source, name] = F.interpolate(pixels, FULL, mode="bicubic")
    return {key: 127.5 * (pixels.float().cpu().clamp(-1, 1) + 1) for key, pixels in made.items()}


if __name__ == "__main__":
    main()
