"""The commands that make pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, Model, policy_file, say
from unclip.errors import InvalidArgument

if TYPE_CHECKING:
    from unclip.engine import Engine
    from unclip.pipeline.files import Seal
    from unclip.requests import Request
    from unclip.types import Picture


Count = Annotated[int, typer.Option("-n", help="How many pictures, 1 to 10.")]
Seed = Annotated[int | None, typer.Option(help="Picture k uses seed + k; random if not given.")]
Size = Annotated[
    str, typer.Option(help="WIDTHxHEIGHT, multiples of 64 up to 2048: 1024x1024, 1792x1024.")
]
Steps = Annotated[int | None, typer.Option(help="Steps of the decoder.")]
Guidance = Annotated[float | None, typer.Option(help="Guidance scale of the decoder.")]
SamplerName = Annotated[
    str | None, typer.Option(help="ddpm, ddim, euler, dpmpp_2m, dpmpp_3m or unipc.")
]
Candidates = Annotated[
    int | None, typer.Option(help="Small pictures drawn for each one; CLIP keeps the best.")
]
Background = Annotated[
    str, typer.Option(help="auto, opaque, or transparent: the objects cut out with alpha.")
]
KeepParents = Annotated[
    bool, typer.Option("--keep-parents", help="Copy the pictures that were given beside the new.")
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
    background: Background = "auto",
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
        background=background,
    )
    draw(request, model, output, as_json)


def draw(
    request: Request, model: str, output: Path, as_json: bool, keep_parents: bool = False
) -> None:
    """Run a request, write each picture as soon as it is finished, and say where."""
    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import output_folder

    locate(model)
    with output_folder(output) as folder:
        from unclip.engine import load

        engine = load(model, policy=policy_file())
        made = write(engine, request, folder, keep_parents)
        tell(made, folder, engine.sealing(request), as_json)


def write(
    engine: Engine, request: Request, folder: Path, keep_parents: bool = False
) -> list[tuple[Path, Picture]]:
    """Make a request's pictures into files; Ctrl-C leaves those that are finished."""
    from unclip.pipeline import files

    made: list[tuple[Path, Picture]] = []
    kept = None
    seal = engine.sealing(request)
    try:
        for picture in _watched(engine, request, _confirmed(engine, request)):
            if keep_parents and kept is None:
                kept = files.keep_parents(request, folder)
            made.append((files.save_picture(picture, folder, seal, kept), picture))
    except KeyboardInterrupt:
        say(f"stopped; {len(made)} of {len(request.seeds)} pictures are finished, in {folder}")
        raise
    except OSError as error:
        raise InvalidArgument(
            "output", f"is {folder}, where no more can be written ({error.strerror})"
        ) from None
    return made


def tell(
    made: list[tuple[Path, Picture]],
    folder: Path,
    seal: Seal,
    as_json: bool,
    columns: int | None = None,
    animation: Path | None = None,
) -> None:
    """Print where the pictures are; several are put on a sheet first."""
    from unclip.pipeline.files import read_picture, save_sheet

    pictures = [picture for _, picture in made]
    sheet = save_sheet(pictures, folder, seal, columns) if len(made) > 1 else None
    if as_json:
        files = [{"file": str(path), **read_picture(path)[0]} for path, _ in made]
        told: dict[str, Any] = {"pictures": files, "sheet": sheet and str(sheet)}
        if animation is not None:
            told["animation"] = str(animation)
        print(json.dumps(told, ensure_ascii=False))
    elif sheet is not None:
        moving = "" if animation is None else f", moving in {animation}"
        print(f"{len(made)} pictures in {folder}, all on {sheet}{moving}")
    else:
        print(made[0][0])


def _confirmed(engine: Engine, request: Request) -> bool:
    """Tell what the policy says of a request, and ask where it says to ask."""
    asks = False
    for decision in engine.judge(request):
        if decision.action == "warn":
            say(decision.message)
        asks = asks or decision.action == "ask"
        if decision.action == "ask" and sys.stdin.isatty():
            typer.confirm(f"{decision.message} Draw it?", abort=True, err=True)
    return asks and sys.stdin.isatty()


def _watched(engine: Engine, request: Request, confirmed: bool) -> Any:
    """The pictures of a request, with a bar for each stage on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    from unclip.types import Picture, Progress

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:15}"), BarColumn(), MofNCompleteColumn())
    with Bars(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        tasks: dict[str, Any] = {}
        for event in engine.stream(request, confirmed=confirmed):
            if isinstance(event, Progress):
                if event.stage not in tasks:
                    tasks[event.stage] = bars.add_task(event.stage, total=event.steps)
                bars.update(tasks[event.stage], completed=event.step)
            elif isinstance(event, Picture):
                yield event
            else:
                say(f"picture {event.index + 1}, seed {event.seed}, is withheld: {event.message}")
