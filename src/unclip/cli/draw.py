"""The commands that make pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, Model, say

if TYPE_CHECKING:
    from unclip.engine import Engine
    from unclip.requests import Request
    from unclip.types import Picture


Count = Annotated[int, typer.Option("-n", help="How many pictures, 1 to 10.")]
Seed = Annotated[int | None, typer.Option(help="Picture k uses seed + k; random if not given.")]
Size = Annotated[str, typer.Option(help="256x256, 512x512 or 1024x1024.")]
Steps = Annotated[int | None, typer.Option(help="Steps of the decoder.")]
Guidance = Annotated[float | None, typer.Option(help="Guidance scale of the decoder.")]
SamplerName = Annotated[
    str | None, typer.Option(help="ddpm, ddim, euler, dpmpp_2m, dpmpp_3m or unipc.")
]
Candidates = Annotated[
    int | None, typer.Option(help="Small pictures drawn for each one; CLIP keeps the best.")
]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the files.")]
OUT = Path("out")


def generate(
    prompt: Annotated[str, typer.Argument(help="What to draw, 1 to 1,000 characters.")],
    n: Count = 1,
    seed: Seed = None,
    size: Size = "1024x1024",
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: SamplerName = None,
    candidates: Candidates = None,
    model: Model = "default",
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Make pictures from a sentence."""
    from unclip.requests import Generation

    request = Generation(
        prompt,
        n=n,
        seed=seed,
        size=size,
        steps=steps,
        guidance_scale=guidance,
        sampler=sampler,
        candidates=candidates,
    )
    _draw(request, model, output, as_json)


def _draw(request: Request, model: str, output: Path, as_json: bool) -> None:
    """Run a request and write each picture as soon as it is finished."""
    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import output_folder

    locate(model)
    with output_folder(output) as folder:
        from unclip.engine import load

        _write(load(model), request, folder, as_json)


def _write(engine: Engine, request: Request, folder: Path, as_json: bool) -> None:
    """Ctrl-C keeps the pictures that are finished."""
    from unclip.pipeline.files import metadata_of, save_picture, save_sheet

    made: list[tuple[Picture, Path]] = []
    try:
        for picture in _watched(engine, request):
            path = save_picture(picture, folder)
            made.append((picture, path))
    except KeyboardInterrupt:
        say(f"stopped; {len(made)} of {request.n} pictures are finished, in {folder}")
        raise
    sheet = save_sheet([picture for picture, _ in made], folder) if len(made) > 1 else None
    if as_json:
        files = [{"file": str(path), **metadata_of(picture)} for picture, path in made]
        print(json.dumps({"pictures": files, "sheet": sheet and str(sheet)}, ensure_ascii=False))
    elif sheet is not None:
        print(f"{len(made)} pictures in {folder}, all on {sheet}")
    else:
        print(made[0][1])


def _watched(engine: Engine, request: Request) -> Any:
    """The pictures of a request, with a bar for each stage on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    from unclip.types import Progress

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:15}"), BarColumn(), MofNCompleteColumn())
    with Bars(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        tasks: dict[str, Any] = {}
        for event in engine.stream(request):
            if isinstance(event, Progress):
                if event.stage not in tasks:
                    tasks[event.stage] = bars.add_task(event.stage, total=event.steps)
                bars.update(tasks[event.stage], completed=event.step)
            else:
                yield event
