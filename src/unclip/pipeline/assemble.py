"""Several things drawn one by one, cut out, and put together on one ground.

A small decoder draws one thing well, and several as blobs at the right places: an embedding of 384
numbers says little of each, and 8 x 8 latents hold little of what is small. So a prompt is read for
its things first, and laid out, as in layout-grounded diffusion (Lian et al. 2023, arXiv 2305.13655)
and by layers of their own, as in LayerDiffuse (Zhang and Agrawala 2024, arXiv 2402.17113).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.corpus.colours import (
    BACKGROUND_COLOURS,
    RGB,
    alike,
    dye,
    is_nearest,
    object_rgb,
    recolour,
)
from unclip.corpus.layout import CELLS, SIDES
from unclip.corpus.scene import CloseRelation, Relation
from unclip.models.matte import MatteNet
from unclip.pipeline.cascade import Cascade, Plan, decoder_sampling, plan_generation, truncation
from unclip.pipeline.draw import best_of
from unclip.pipeline.matte import alpha_of, foreground
from unclip.pipeline.paint import unpainted
from unclip.pipeline.rank import image_embedding
from unclip.pipeline.reading import Name, Namer, Reading, Thing, read
from unclip.pipeline.seams import membrane
from unclip.pipeline.stages import (
    MemoryStage,
    Running,
    UpsamplerStage,
    candidate,
    drain,
    in_turn,
)
from unclip.pipeline.stages.common import kind_of
from unclip.pipeline.stages.memory import WORD
from unclip.requests import Filling, Generation

EXACT, SOLID = 0.97, 200
"""Cosine of a phrase with a name that is the same; and alpha, of 255, of what shows its colour."""
_LAYOUT = 0x1A7
"""Of the randomness of a layout: another number than those of candidates."""
FINE = 4
"""Things are put together at so many times the decoder's size, which the first upsampler makes."""
FULL = 0.95
"""Of its cell, the longer side of a thing."""
HALF, FOOT = 0.47, 0.86
"""Longest side of one of two things, in the picture's; where the foot is of what stands."""
DEPTHS: dict[Relation | CloseRelation | None, float] = {
    "on": 0.08, "under": 0.08, "riding": 0.16, "inside": 0.3,
}  # fmt: skip
"""How far the foot of one thing is below the top of the other."""
HOLDER, HELD = 0.4, 0.76
"""Where the middles are of what holds something and of that."""
COATS, ENOUGH = 3, 0.5
"""How often a thing is dyed at most, and the share of it that may be of other colours."""
DARKEST, DARK = 0.42, 0.05
"""Of a shadow; and a silhouette's level in [0, 1]."""
SEEN, GONE = 0.3, 0.1
"""Alpha from which a thing takes up room, and up to which what is behind it is seen."""
RIM = 2
"""Pixels around a thing that may show some of it."""
BAND = 0.1
"""Of a picture's side: what is at its left and right edge, from which its ground is told."""
PALE = ("light blue", "light green", "lavender")
"""Grounds for what would be lost before its own."""
LEAST = 0.01
"""Share of a picture that a thing covers at least, else the matte has missed it."""


class Cell(NamedTuple):
    """Where a thing goes, in sides of the picture: `x` is its middle, `y` its top, middle or foot
    as `hold` is 0, 0.5 or 1, and `side` the longest that it may be. What `stands` has a shadow, and
    what is of a higher `layer` is before the rest."""

    x: float
    y: float
    side: float
    hold: float = 0.5
    stands: bool = False
    layer: int = 0


class Cutout(NamedTuple):
    """A thing's own colours, in [0, 1], and alpha, no larger than it is."""

    colours: Float[Tensor, "1 3 h w"]
    alpha: Float[Tensor, "1 1 h w"]


def plan_prompt(cascade: Cascade, request: Generation | Filling) -> Running[Plan]:
    """Text to what the decoder draws: by the prior, or thing by thing where there are several, or
    one that is before something, somewhere or in a colour, and the bundle has a memory to know
    them by and a matte to cut them out. A painterly style is left for the finished picture.
    """
    assert request.prompt
    bundle, memory = cascade.bundle, cascade.prior.memory
    if memory is None or bundle.matte is None or bundle.image is None:
        return (yield from plan_generation(cascade, request))
    prompt, paint = request.prompt, None
    if isinstance(request, Generation):
        prompt, paint = unpainted(prompt)
        request = dataclasses.replace(request, prompt=prompt)
    words = drain(cascade.text(prompt)).words
    reading = read(words, _namer(memory))
    if reading is None:
        plan = yield from plan_generation(cascade, request)
    else:
        plan = yield from plan_assembly(cascade, request, reading, bundle.matte)
    said = {"paint": paint} if paint else {}
    return plan._replace(paint=paint, settings={**plan.settings, **said})


def _namer(memory: MemoryStage) -> Namer:
    things = memory.reader()

    def named(text: str) -> Iterator[Name]:
        words = list(WORD.finditer(text))
        for one in things(text) if words else ():
            span = words[one.start].start(), words[one.end - 1].end()
            yield Name(*span, one.thing, one.cosine > EXACT)

    return named


def plan_assembly(
    cascade: Cascade, request: Generation | Filling, reading: Reading, matte: MatteNet
) -> Running[Plan]:
    """A plan whose pictures are drawn already: the layers, and what they come to together."""
    tower, side = cascade.bundle.image, cascade.decoder.pixels
    assert request.prompt
    assert tower is not None
    enlarger = _enlarger(cascade, request)
    asked = [dataclasses.replace(request, prompt=reading.alone(thing)) for thing in reading.things]
    plain = reading.backdrop_colour
    surrounded = bool(reading.place or reading.backdrop) and plain is None
    if surrounded:
        asked.append(dataclasses.replace(request, prompt=reading.in_place(), candidates=1))
    colours = [thing.colour for thing in reading.things]
    told = [
        f"{one.prompt}, dyed {colour}" if colour else one.prompt
        for one, colour in itertools.zip_longest(asked, colours)
    ]
    layers = yield from in_turn(_layer(cascade, one, enlarger) for one in asked)

    def finished(cut: Cutout, thing: Thing) -> Cutout:
        return dark(cut) if reading.is_silhouette else dyed(cut, thing.colour)

    made = []
    for k, seed in enumerate(request.seeds):
        pictures = [layer[k : k + 1] for layer in layers]
        ground = ground_of(matte, pictures[-1 if surrounded else 0])
        if plain is not None:
            ground = filled(ground, BACKGROUND_COLOURS[plain])
        elif not surrounded:
            ground = set_off(ground, [thing.colour for thing in reading.things if thing.colour])
        cuts = [
            cut
            for thing, pixels in zip(reading.things, pictures, strict=False)
            for cut in [finished(cut_out(matte, pixels), thing)] * thing.many
        ]
        cells = lay_out(reading, candidate(seed, _LAYOUT))
        made.append(put_together(ground, cuts, cells, side * FINE))
    fine = torch.cat(made)
    pixels = F.interpolate(fine, (side, side), mode="area")
    z_i = image_embedding(tower, pixels)
    texts = drain(cascade.text(request.prompt))
    generators = [candidate(seed, 0) for seed in request.seeds]
    return Plan(
        z_i=z_i,
        texts=texts,
        x_t=cascade.decoder.noise(generators),
        generators=generators,
        sampling=decoder_sampling(cascade.decoder.sampling, request),
        fit=F.cosine_similarity(z_i, texts.prompt.embedding.float(), dim=-1),
        wanted=texts.prompt.embedding,
        candidates=1,
        settings={**truncation(texts), "layers": told},
        drawn=pixels,
        fine=fine if enlarger else None,
    )


def _enlarger(cascade: Cascade, request: Generation | Filling) -> UpsamplerStage | None:
    """What enlarges each layer before it is cut out, so that small things stay sharp; None where
    what is put together is no finished square."""
    square = isinstance(request, Generation) and request.width == request.height
    stages = cascade.upsamplers_for(request.width) if square else []
    return stages[0][0] if stages and stages[0][0].factor == FINE else None


def _layer(
    cascade: Cascade, request: Generation | Filling, enlarger: UpsamplerStage | None
) -> Running[Float[Tensor, "n 3 s s"]]:
    plan = yield from plan_generation(cascade, request)
    drawing = yield from best_of(cascade, plan)
    if enlarger is None:
        return drawing.pixels
    larger = []
    for k, row in enumerate(drawing.rows):
        one, generator = drawing.pixels[k : k + 1], plan.generators[row]
        larger.append((yield from enlarger(one, [generator], k, len(drawing.rows))))
    return torch.cat(larger)


def lay_out(reading: Reading, generator: torch.Generator) -> list[Cell]:
    """A cell for each thing, in the order of the prompt."""
    counts, n = [thing.many for thing in reading.things], reading.count
    relation = reading.relation
    if relation in SIDES and len(counts) == 2:
        across = relation in ("left of", "right of")
        near = [centre[0 if across else 1] for centre in SIDES[relation]]
        places = [(a, b) for a, count in zip(near, counts, strict=True) for b in _spread(count)]
        sides = [min(HALF, 0.96 / count) for count in counts for _ in range(count)]
        return [
            Cell(*(place if across else place[::-1]), side)
            for place, side in zip(places, sides, strict=True)
        ]
    if relation in DEPTHS:
        upper, depth = relation != "under", DEPTHS[relation]
        return [
            Cell(
                x,
                0.5 + depth / 2 if above else 0.5 - depth / 2,
                min(HALF + depth / 2, 0.96 / count),
                hold=float(above),
                stands=not (above or reading.afloat),
                layer=int(relation == "inside" and not above),
            )
            for above, count in zip((upper, not upper), counts, strict=True)
            for x in _spread(count)
        ]
    if relation == "holding" and n == 2:
        foot = (0.5, 0.5) if reading.afloat else (FOOT, 1.0)
        holder = Cell(HOLDER, foot[0], 0.7, foot[1], stands=not reading.afloat)
        return [holder, Cell(HELD, 0.55, 0.32, layer=1)]
    if not reading.afloat:
        return [Cell(x, FOOT, min(0.6, 0.9 / n), hold=1.0, stands=True) for x in _spread(n)]
    if n == 1:
        return [Cell(0.5, 0.5, 0.9)]
    tidy = CELLS[n][: 1 if n == 2 or relation == "beside" else None]  # two are side by side
    return [Cell(*cell) for cell in tidy[int(torch.randint(len(tidy), (), generator=generator))]]


def _spread(n: int) -> list[float]:
    return [(i + 0.5) / n for i in range(n)]


def cut_out(matte: MatteNet, pixels: Float[Tensor, "1 3 s s"]) -> Cutout:
    """What a picture in [-1, 1] shows; all of it where the network finds nothing."""
    levels = (pixels + 1) / 2
    alpha = alpha_of(matte, levels, kind_of(matte)[0])
    there = alpha[0, 0] > SEEN
    if there.float().mean() < LEAST:
        return Cutout(levels, torch.ones_like(alpha))
    rows, columns = (there.any(dim=d).nonzero().flatten() for d in (1, 0))
    box = (
        ...,
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    return Cutout(foreground(levels, alpha)[box], alpha[box])


def dyed(thing: Cutout, colour: str | None) -> Cutout:
    """A thing in another colour, as the corpus dyes drawings: what has its main colour takes the
    other, and shading and the rest stay; then what has the next, until most is of that colour."""
    if colour is None:
        return thing
    opaque = torch.cat([thing.colours * thing.alpha, thing.alpha], dim=1)
    levels = (255 * opaque[0]).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()
    changed, solid = levels, levels[..., 3] > SOLID
    for _ in range(COATS):
        other = solid.copy()
        other[solid] = ~is_nearest(changed[solid][:, :3], colour)
        if other.sum() <= ENOUGH * solid.sum():
            break
        own = dye(np.where(other[..., None], changed, 0), least=0.0)
        if own is None:
            break
        changed = recolour(changed, own, colour)
    if changed is levels:
        return thing
    rgba = torch.from_numpy(changed).permute(2, 0, 1)[None].float() / 255
    colours = rgba[:, :3] / rgba[:, 3:].clamp_min(1 / 255)
    return Cutout(colours.clamp(0, 1).to(thing.colours), thing.alpha)


def dark(thing: Cutout) -> Cutout:
    """A thing as it is seen against the light."""
    return Cutout(torch.full_like(thing.colours, DARK), thing.alpha)


def ground_of(matte: MatteNet, pixels: Float[Tensor, "1 3 s s"]) -> Float[Tensor, "1 3 s s"]:
    """What is behind the things of a picture: each row from what is seen at its left to what is
    seen at its right, which keeps a horizon straight and leaves nothing of a thing."""
    alpha = alpha_of(matte, (pixels + 1) / 2, kind_of(matte)[0])
    seen = 1 - F.max_pool2d((alpha > GONE).float(), 2 * RIM + 1, 1, RIM)
    side = pixels.shape[-1]
    band = round(BAND * side)
    ends = [slice(0, band), slice(side - band, side)]
    weight = torch.stack([seen[..., end].sum(-1) for end in ends], dim=-1)
    colour = torch.stack([(pixels * seen)[..., end].sum(-1) for end in ends], dim=-1)
    ends_of_rows = membrane(colour / weight.clamp_min(1), (weight > 0).float())
    return F.interpolate(ends_of_rows, (side, side), mode="bilinear", align_corners=True)


def set_off(ground: Float[Tensor, "1 3 s s"], colours: Sequence[str]) -> Float[Tensor, "1 3 s s"]:
    """A ground before which things of these colours are seen: another where one would be lost."""
    r, g, b = ((ground[0].mean(dim=(1, 2)) + 1) * 127.5).round().int().tolist()
    things = [object_rgb(colour) for colour in colours]
    if not any(alike((r, g, b), thing) for thing in things):
        return ground
    others = [BACKGROUND_COLOURS[name] for name in PALE]
    seen = (rgb for rgb in others if not any(alike(rgb, thing) for thing in things))
    return filled(ground, next(seen, others[0]))


def filled(ground: Float[Tensor, "1 3 s s"], rgb: RGB) -> Float[Tensor, "1 3 s s"]:
    """All of a ground in one colour."""
    return (torch.tensor(rgb).view(1, 3, 1, 1) / 127.5 - 1).to(ground).expand_as(ground)


def put_together(
    ground: Float[Tensor, "1 3 s s"], things: Sequence[Cutout], cells: Sequence[Cell], side: int
) -> Float[Tensor, "1 3 l l"]:
    """Things on a ground, as large as their cells allow, the first of a layer in front.

    Args:
        side: pixels a side of the picture.
    """
    canvas = F.interpolate((ground + 1) / 2, (side, side), mode="bilinear", align_corners=False)
    pairs = reversed(list(zip(things, cells, strict=True)))
    for thing, cell in sorted(pairs, key=lambda pair: pair[1].layer):
        height, width = thing.alpha.shape[-2:]
        scale = FULL * cell.side * side / max(height, width)
        size = [max(1, round(length * scale)) for length in (height, width)]
        colours, alpha = (
            F.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1) for x in thing
        )
        y, x = cell.y * side - cell.hold * size[0], cell.x * side - size[1] / 2
        top, left = (round(min(max(a, 0), side - b)) for a, b in zip((y, x), size, strict=True))
        if cell.stands:
            shade = shadow(side, left + size[1] / 2, top + size[0], size[1])
            canvas *= 1 - shade.to(canvas)
        there = canvas[..., top : top + size[0], left : left + size[1]]
        there.lerp_(colours, alpha.expand_as(there))
    return 2 * canvas - 1


def shadow(side: int, x: float, foot: float, width: float) -> Float[Tensor, "s s"]:
    """How much darker the ground is under a thing of some width, as the corpus has it: an ellipse,
    soft at its rim. All in pixels."""
    line = torch.arange(side) + 0.5
    across, down = (line - x) / (0.54 * width), (line - foot + 0.01 * width) / (0.13 * width)
    return DARKEST * (1.5 * (1 - across**2 - down[:, None] ** 2)).clamp(0, 1)
