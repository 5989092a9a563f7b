"""The commands that make pictures from whole pictures: variations and blends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, Model, policy_file
from unclip.cli.draw import (
    OUT,
    Background,
    Candidates,
    Count,
    Guidance,
    KeepParents,
    Output,
    Seed,
    Size,
    Steps,
    draw,
    tell,
    write,
)
from unclip.errors import InvalidArgument

if TYPE_CHECKING:
    from PIL.Image import Image

    from unclip.requests import Blend, Change

_LOOKS_LIKE_A_FILE = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")

Amount = Annotated[
    float | None, typer.Option(help="How far to go, 0 to 1; 0.7 if not given.", show_default=False)
]
Renewal = Annotated[
    float | None,
    typer.Option(
        "--strength", help="0 keeps the noise that the pictures come from, 1 draws it anew."
    ),
]


def vary(
    image: Annotated[Path, typer.Argument(help="Picture to vary; the square in its middle.")],
    strength: Annotated[
        float, typer.Option(help="0 makes the picture again, 1 keeps only what it shows.")
    ] = 0.5,
    prompt: Annotated[
        str | None, typer.Option(help="What it shows, where the decoder is to be told.")
    ] = None,
    n: Count = 1,
    seed: Seed = None,
    size: Size = "1024x1024",
    steps: Steps = None,
    guidance: Guidance = None,
    candidates: Candidates = None,
    background: Background = "auto",
    model: Model = "default",
    keep_parents: KeepParents = False,
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Make pictures that show what a picture shows."""
    from unclip.pipeline.inputs import open_picture
    from unclip.requests import Variation

    request = Variation(
        open_picture(image),
        strength=strength,
        prompt=prompt,
        n=n,
        seed=seed,
        size=size,
        steps=steps,
        guidance_scale=guidance,
        candidates=candidates,
        background=background,
    )
    draw(request, model, output, as_json, keep_parents)


def blend(
    items: Annotated[
        list[str],
        typer.Argument(
            help="Two or more: the name of a file is a picture, the rest are sentences."
        ),
    ],
    weights: Annotated[
        str | None, typer.Option(help="One for each item, as 0.7,0.3; even if not given.")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option("--steps", help="So many pictures from the first to the last, on a strip."),
    ] = None,
    animate: Annotated[
        Path | None,
        typer.Option(help="Also write them as an animation, .webp or .gif; 16 without --steps."),
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="Move one picture toward this style, in words.")
    ] = None,
    style_image: Annotated[
        Path | None, typer.Option(help="Move it toward the style of this picture.")
    ] = None,
    amount: Amount = None,
    strength: Renewal = None,
    n: Count = 1,
    seed: Seed = None,
    size: Size = "1024x1024",
    decoder_steps: Annotated[int | None, typer.Option(help="Steps of the decoder.")] = None,
    guidance: Guidance = None,
    candidates: Candidates = None,
    background: Background = "auto",
    model: Model = "default",
    keep_parents: KeepParents = False,
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Make pictures between pictures and sentences, or move one picture toward a style."""
    values: dict[str, Any] = {
        "n": n,
        "seed": seed,
        "size": size,
        "steps": decoder_steps,
        "guidance_scale": guidance,
        "candidates": candidates,
        "background": background,
    }
    if style is not None or style_image is not None:
        if len(items) != 1 or weights is not None or frames is not None or animate is not None:
            raise InvalidArgument("--style", "is given with a blend; it may be with one picture")
        request = changed(Path(items[0]), style, None, style_image, amount, strength, **values)
        draw(request, model, output, as_json, keep_parents)
        return
    if amount is not None:
        raise InvalidArgument("--amount", "is given without a style; a blend has --weights")
    if animate is not None:
        frames = frames or 16
    between = _blend(items, weights, frames=frames, strength=strength, **values)
    if frames is None:
        draw(between, model, output, as_json, keep_parents)
    else:
        _draw_frames(between, model, output, as_json, keep_parents, animate)


def changed(
    image: Path,
    prompt: str | None,
    source: str | None,
    reference: Path | None,
    amount: float | None,
    strength: float | None,
    **values: Any,
) -> Change:
    """A request to move a picture, what is None left as it is by default."""
    from unclip.pipeline.inputs import open_picture
    from unclip.requests import Change

    given = {"amount": amount, "strength": strength}
    values |= {name: value for name, value in given.items() if value is not None}
    seen = None if reference is None else open_picture(reference, "style_image")
    return Change(open_picture(image), prompt, source, reference=seen, **values)


def _blend(words: list[str], weights: str | None, **values: Any) -> Blend:
    from unclip.requests import Blend

    return Blend(
        tuple(_item(word) for word in words),
        weights=None if weights is None else _numbers(weights),
        **values,
    )


def _item(word: str) -> Image | str:
    """The picture that a word names, or else the word."""
    from unclip.pipeline.inputs import open_picture

    try:
        is_file = Path(word).is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        is_file = False
    if is_file:
        return open_picture(word, "items")
    if word.lower().endswith(_LOOKS_LIKE_A_FILE):
        raise InvalidArgument(
            "items", f"holds {word}, a file that does not exist; it may be one, or a sentence"
        )
    return word


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InvalidArgument("weights", f"is {text!r}; it may be like 0.7,0.3") from None


def _draw_frames(
    request: Blend,
    model: str,
    output: Path,
    as_json: bool,
    keep_parents: bool,
    animate: Path | None,
) -> None:
    """As `draw` does; then a strip of all pictures, and an animation where it is asked for."""
    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import ANIMATIONS, output_folder, save_animation

    if animate is not None and animate.suffix.lower() not in ANIMATIONS:
        raise InvalidArgument("--animate", f"is {animate}; it may end in .webp or .gif")
    locate(model)
    with output_folder(output) as folder, output_folder(animate.parent if animate else output):
        from unclip.engine import load

        engine = load(model, policy=policy_file())
        seal = engine.sealing(request)
        made = write(engine, request, folder, keep_parents)
        images = [picture.image for _, picture in made]
        animation = None if animate is None else save_animation(images, animate, seal)
        tell(made, folder, seal, as_json, columns=len(made), animation=animation)
