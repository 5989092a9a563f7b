"""The commands that draw a part of a picture, or more of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unclip.cli.blend import Amount, Renewal, changed
from unclip.cli.common import Json, Model
from unclip.cli.draw import (
    OUT,
    Candidates,
    Count,
    Guidance,
    KeepParents,
    Output,
    SamplerName,
    Seed,
    Steps,
    draw,
)
from unclip.errors import InvalidArgument

Margin = Annotated[int, typer.Option(help="Pixels to add on this side.")]


def edit(
    image: Annotated[Path, typer.Argument(help="Picture to change.")],
    prompt: Annotated[
        str | None,
        typer.Option(help="What to draw in the part; if not given, its surroundings go on."),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="Picture of the same size that marks the part that changes."),
    ] = None,
    mask_mode: Annotated[
        str, typer.Option(help="What marks it: alpha (where it is 0), white or black.")
    ] = "alpha",
    to: Annotated[
        str | None, typer.Option(help="What all of the picture is to show; takes no mask.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="With --to: what it shows now.")
    ] = None,
    amount: Amount = None,
    strength: Renewal = None,
    n: Count = 1,
    seed: Seed = None,
    size: Annotated[str | None, typer.Option(help="With --to: 1024x1024 if not given.")] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: SamplerName = None,
    candidates: Candidates = None,
    model: Model = "default",
    keep_parents: KeepParents = False,
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Draw a part of a picture anew. The rest comes back byte for byte.

    Without --mask the part is what is transparent. Without --prompt, or with a prompt for the
    background, what was there is removed. With --from and --to the whole picture is changed, from
    what it shows now to what it is to show.
    """
    from unclip.pipeline.inputs import open_masked
    from unclip.requests import Inpainting

    if to is not None or source is not None:
        if mask is not None or prompt is not None:
            name = "--prompt" if mask is None else "--mask"
            raise InvalidArgument(name, "is given with --to or --from; it may be with neither")
        change = changed(
            image,
            to,
            source,
            None,
            amount,
            strength,
            n=n,
            seed=seed,
            size=size or "1024x1024",
            steps=steps,
            guidance_scale=guidance,
            sampler=sampler,
            candidates=candidates,
        )
        draw(change, model, output, as_json, keep_parents)
        return
    for name, value in (("--amount", amount), ("--strength", strength), ("--size", size)):
        if value is not None:
            raise InvalidArgument(name, "is given without --to; it may be with it")
    picture, part = open_masked(image, mask, mask_mode)
    request = Inpainting(
        picture,
        part,
        prompt=prompt,
        n=n,
        seed=seed,
        steps=steps,
        guidance_scale=guidance,
        sampler=sampler,
        candidates=candidates,
    )
    draw(request, model, output, as_json, keep_parents)


def outpaint(
    image: Annotated[Path, typer.Argument(help="Picture to continue.")],
    left: Margin = 0,
    right: Margin = 0,
    top: Margin = 0,
    bottom: Margin = 0,
    to: Annotated[
        str | None, typer.Option(help="Size to grow to, as 1792x1024, the picture in the middle.")
    ] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y",
            help="Draw what is transparent in a square here, which may reach beyond the picture.",
        ),
    ] = None,
    side: Annotated[int, typer.Option(help="Pixels a side of the frame.")] = 1024,
    prompt: Annotated[
        str | None, typer.Option(help="What to draw there; if not given, the picture goes on.")
    ] = None,
    n: Count = 1,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: SamplerName = None,
    candidates: Candidates = None,
    model: Model = "default",
    keep_parents: KeepParents = False,
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Continue a picture beyond its edges, or fill a frame anywhere on a larger canvas."""
    from unclip.pipeline.inputs import open_picture
    from unclip.requests import outpainting

    request = outpainting(
        open_picture(image),
        to,
        None if frame is None else _point(frame),
        side,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        prompt=prompt,
        n=n,
        seed=seed,
        steps=steps,
        guidance_scale=guidance,
        sampler=sampler,
        candidates=candidates,
    )
    draw(request, model, output, as_json, keep_parents)


def _point(text: str) -> tuple[int, int]:
    try:
        x, y = map(int, text.split(","))
    except ValueError:
        raise InvalidArgument("--frame", f"is {text!r}; it may be like 512,0") from None
    return x, y
