"""Pictures by their latents (z_i, x_T): variations, blends and changes (unCLIP, section 3).

z_i is what the image tower sees in a picture, x_T the noise that unguided DDIM turns into it. Each
planner gives the one cascade others: mixed on the sphere, or partly drawn anew.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from unclip.diffusion.sphere import slerp, spherical_mean
from unclip.errors import InvalidArgument
from unclip.pipeline.cascade import Cascade, Plan, decoder_sampling, truncation
from unclip.pipeline.images import to_pixels
from unclip.pipeline.rank import image_embedding
from unclip.pipeline.stages import Running, Texts, candidate, in_turn
from unclip.requests import Blend, Change, Manipulation, Variation

ROUNDS = 4
"""Evaluations for each step of an inversion. A picture then comes back as the autoencoder alone
would give it, and its x_T is as white as noise is: what is mixed of two that are not gets a dark
background."""

FARTHEST = 0.5
"""Share of the way to what a `Change` moves toward, at amount 1 (section 3.3: 0.25 to 0.5)."""

ANYTHING = "a picture"
"""The source of a change for which none is given."""

T = TypeVar("T")


def plan_variation(cascade: Cascade, request: Variation) -> Running[Plan]:
    """One picture's embedding, its noise renewed (section 3.1).

    Raises:
        InvalidArgument: the bundle has no image tower.
    """
    rows = _rows_of(cascade, request, alike=request.strength == 0)
    texts = yield from cascade.text(request.prompt or "")
    seen = _see(cascade, [request.image])
    x_t = yield from _noise(cascade, request, rows, seen, texts)
    z_i = seen.z_i.expand(len(rows.generators), -1)
    plan = _plan(cascade, request, rows, texts, z_i, x_t, request.strength)
    return plan._replace(settings=truncation(texts))


def plan_blend(cascade: Cascade, request: Blend) -> Running[Plan]:
    """The middle of pictures' embeddings and of those that the prior draws for sentences
    (section 3.2).

    Raises:
        InvalidArgument: there is a picture, and the bundle has no image tower.
    """
    assert request.strength is not None  # the request settled it
    pictures = [item for item in request.items if not isinstance(item, str)]
    sentences = [item for item in request.items if isinstance(item, str)]
    alike = request.strength == 0 or request.frames is not None
    rows = _rows_of(cascade, request, alike)
    n = len(rows.generators)
    silent, *texts = yield from _texts(cascade, ["", *sentences])
    drawn = yield from in_turn(cascade.prior(text, rows.generators) for text in texts)
    seen = _see(cascade, pictures) if pictures else None
    told = iter([embeddings.embedding for embeddings in drawn])
    looked = iter([] if seen is None else list(seen.z_i))
    points = [
        next(told) if isinstance(item, str) else next(looked).expand(n, -1)
        for item in request.items
    ]
    weights = torch.tensor(request.shares, dtype=torch.float64).T
    weights = weights.repeat_interleave(rows.candidates, dim=1)
    z_i = spherical_mean(torch.stack(points), weights)
    x_t = yield from _noise(cascade, request, rows, seen, silent, weights)
    return _plan(cascade, request, rows, silent, z_i, x_t, request.strength)


def plan_change(cascade: Cascade, request: Change) -> Running[Plan]:
    """One picture's embedding moved along z_d, from source to prompt, its noise kept (section 3.3).

    The paper takes z_d between the embeddings of the texts; here it is between those of the
    pictures that the prior draws for them from the same noise. Where texts and pictures lie apart
    in CLIP space, a difference of texts recolours the background before it recolours the thing.

    Raises:
        InvalidArgument: the bundle has no image tower, or prompt and source mean the same.
    """
    prompts = [request.source or ANYTHING, request.prompt] if request.prompt else []
    rows = _rows_of(cascade, request, alike=request.strength == 0 and not prompts)
    silent, *texts = yield from _texts(cascade, ["", *prompts])
    twins = [torch.Generator().set_state(g.get_state()) for g in rows.generators]
    runs = zip(texts, (twins, rows.generators), strict=False)
    drawn = yield from in_turn(cascade.prior(text, noise) for text, noise in runs)
    seen = _see(cascade, [request.image])
    z_i = seen.z_i.expand(len(rows.generators), -1)
    share = FARTHEST * request.amount
    if drawn:
        source, target = (embeddings.embedding for embeddings in drawn)
        z_d = target - source
        if (z_d.norm(dim=-1) < 1e-3 * target.norm(dim=-1)).any():
            raise InvalidArgument("source", "means what the prompt means; the two must differ")
        z_i = slerp(z_i, F.normalize(z_d, dim=-1) * z_i.norm(dim=-1, keepdim=True), share)
    if request.reference is not None:
        z_i = slerp(z_i, _see(cascade, [request.reference]).z_i.expand_as(z_i), share)
    x_t = yield from _noise(cascade, request, rows, seen, silent)
    away = max(request.strength, request.amount)
    plan = _plan(cascade, request, rows, silent, z_i, x_t, away)
    if not texts:
        return plan
    wanted = texts[-1].prompt.embedding
    fit = F.cosine_similarity(z_i, wanted.float(), dim=-1)
    return plan._replace(wanted=wanted, fit=fit, settings=truncation(texts[-1]))


class Seen(NamedTuple):
    """Pictures at the decoder's size, and their embeddings."""

    pixels: Float[Tensor, "k 3 s s"]
    z_i: Float[Tensor, "k e"]


class Rows(NamedTuple):
    """The randomness of each row of a plan: its generator, and the noise drawn from it first."""

    generators: list[torch.Generator]
    noise: Float[Tensor, "n c h w"]
    candidates: int


def _rows_of(cascade: Cascade, request: Manipulation, alike: bool) -> Rows:
    """`alike`: a picture's candidates would be so, or must be; then it has one."""
    candidates = 1 if alike else request.candidates or cascade.bundle.config.candidates
    generators = [candidate(seed, j) for seed in request.seeds for j in range(candidates)]
    return Rows(generators, cascade.decoder.noise(generators), candidates)


def _see(cascade: Cascade, images: list[Image.Image]) -> Seen:
    tower = cascade.bundle.image
    if tower is None:
        raise InvalidArgument(
            "model", f"is {cascade.bundle.name}, which has no image tower to see a picture with"
        )
    pixels = torch.cat([to_pixels(square(image, cascade.decoder.pixels)) for image in images])
    return Seen(pixels, image_embedding(tower, pixels))


def square(image: Image.Image, side: int) -> Image.Image:
    """The square in the middle of a picture, "RGB", on white where it is transparent."""
    small = ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)
    if small.mode == "RGBA":  # Pillow weighed the colours by alpha
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    return small.convert("RGB")


def _noise(
    cascade: Cascade,
    request: Manipulation,
    rows: Rows,
    seen: Seen | None,
    texts: Texts,
    weights: Float[Tensor, "k n"] | None = None,
) -> Running[Float[Tensor, "n c h w"]]:
    """x_T of each row, between that of the pictures and its own: by the share s of a quarter turn,
    so that they add as cos and sin.

    Args:
        weights: of the pictures in each row; there is one picture where they are left out.
    """
    assert request.strength is not None
    if seen is None or request.strength == 1:
        return rows.noise
    steps = request.steps or cascade.decoder.sampling.steps
    found = yield from cascade.decoder.invert(seen.pixels, seen.z_i, texts, steps, ROUNDS)
    own = found.flatten(1)[:, None].expand(-1, len(rows.noise), -1)
    mean = own[0] if weights is None else spherical_mean(own, weights)
    return slerp(mean, rows.noise.flatten(1), request.strength).view_as(rows.noise)


def _plan(
    cascade: Cascade,
    request: Manipulation,
    rows: Rows,
    texts: Texts,
    z_i: Float[Tensor, "n e"],
    x_t: Float[Tensor, "n c h w"],
    away: float,
) -> Plan:
    """DDIM with as much fresh noise as the strength says. Each picture is compared with its z_i.

    Args:
        away: how far from the pictures it may lead, 0 to 1. Only an unguided decoder undoes an
            inversion, so guidance grows with it from 1 to the bundle's own.
    """
    assert request.strength is not None
    sampling = decoder_sampling(cascade.decoder.sampling, request)
    if request.guidance_scale is None:
        sampling = dataclasses.replace(sampling, guidance=1 + away * (sampling.guidance - 1))
    return Plan(
        z_i=z_i,
        texts=texts,
        x_t=x_t,
        generators=rows.generators,
        sampling=dataclasses.replace(sampling, sampler="ddim", eta=float(request.strength)),
        fit=torch.ones(len(z_i)),
        wanted=z_i,
        candidates=rows.candidates,
        settings={},
    )


def _texts(cascade: Cascade, prompts: list[str]) -> Running[list[Texts]]:
    return (yield from in_turn(cascade.text(prompt) for prompt in prompts))
