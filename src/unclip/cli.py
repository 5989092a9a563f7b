"""The command line. Heavy modules are imported inside the commands, so that help is instant."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from unclip.errors import Cancelled, UnclipError

if TYPE_CHECKING:
    from unclip.engine import Engine
    from unclip.types import Picture, Request

app = typer.Typer(
    help="Text to pictures through CLIP, a prior, a diffusion decoder and upsamplers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
corpus = typer.Typer(help="The openly licensed drawings that the model learns from.")
app.add_typer(corpus, name="corpus")

Model = Annotated[str, typer.Option(help="Bundle: a name from `unclip models`, or a folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What to draw, 1 to 1,000 characters.")],
    n: Annotated[int, typer.Option("-n", help="How many pictures, 1 to 10.")] = 1,
    seed: Annotated[
        int | None, typer.Option(help="Picture k uses seed + k; random if not given.")
    ] = None,
    size: Annotated[str, typer.Option(help="256x256, 512x512 or 1024x1024.")] = "1024x1024",
    steps: Annotated[int | None, typer.Option(help="Steps of the decoder.")] = None,
    guidance: Annotated[float | None, typer.Option(help="Guidance scale of the decoder.")] = None,
    sampler: Annotated[
        str | None, typer.Option(help="ddpm, ddim, euler, dpmpp_2m, dpmpp_3m or unipc.")
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(help="Small pictures drawn for each one; CLIP keeps the best.")
    ] = None,
    model: Model = "default",
    as_json: Json = False,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the files.")] = Path(
        "out"
    ),
) -> None:
    """Make pictures from a sentence."""
    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import output_folder
    from unclip.types import Request

    request = Request(prompt, n, seed, size, steps, guidance, sampler, candidates)
    locate(model)
    with output_folder(output) as folder:
        from unclip.engine import load

        _generate(load(model), request, folder, as_json)


def _generate(engine: Engine, request: Request, folder: Path, as_json: bool) -> None:
    """Write each picture as soon as it is finished, so that Ctrl-C keeps those that are."""
    from unclip.pipeline.files import metadata_of, save_picture, save_sheet

    made: list[tuple[Picture, Path]] = []
    try:
        for picture in _watched(engine, request):
            path = save_picture(picture, folder)
            made.append((picture, path))
    except KeyboardInterrupt:
        _say(f"stopped; {len(made)} of {request.n} pictures are finished, in {folder}")
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


@app.command()
def models(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Further bundles to describe, by folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the bundles that are here, with size, licence and version."""
    from unclip.pipeline.bundle_files import builtin_bundles, locate, read_info

    paths = [*builtin_bundles().values(), *(locate(folder) for folder in folders or [])]
    infos = [read_info(path) for path in paths]
    if as_json:
        rows = [
            {
                "name": info.name,
                "version": info.version,
                "licence": info.licence,
                "parameters": info.parameters,
                "bytes": sum(size for size, _ in info.files.values()),
                "path": str(info.path),
            }
            for info in infos
        ]
        print(json.dumps(rows))
        return
    for info in infos:
        total = sum(info.parameters.values()) / 1e6
        size = sum(size for size, _ in info.files.values()) / 1e6
        print(
            f"{info.name} {info.version}  {total:.1f} M parameters, {size:.0f} MB, {info.licence}"
        )
        print(f"  {info.path}")
        for name, count in info.parameters.items():
            print(f"  {name:15}{count / 1e6:8.2f} M")
    if not infos:
        _say("no bundle ships in this install; `unclip train all` makes one")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A picture that unclip made.")], as_json: Json = False
) -> None:
    """Print the settings that made a picture."""
    from unclip.pipeline.files import read_picture

    settings, (width, height) = read_picture(file)
    if as_json:
        print(json.dumps({**settings, "width": width, "height": height}, ensure_ascii=False))
        return
    for key, value in {**settings, "pixels": f"{width} x {height}"}.items():
        print(f"{key:18}{value}")


@app.command()
def train(
    stage: Annotated[
        str,
        typer.Argument(
            help="clip, autoencoder, prior, decoder, upsampler-256, upsampler-1024, or all."
        ),
    ],
    recipe: Annotated[str, typer.Option(help="default, tiny or gpu.")] = "default",
    minutes: Annotated[
        float | None, typer.Option(help="Length of one stage, by the clock.")
    ] = None,
    budget: Annotated[float, typer.Option(help="Minutes for all stages together.")] = 240.0,
    batch_size: Annotated[int | None, typer.Option(help="Replaces the recipe's.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the run's checkpoint.")] = False,
    run: Annotated[str, typer.Option(help="Name of the run, or its folder.")] = "default",
    store: Annotated[
        Path | None, typer.Option(help="The corpus, if not where `corpus build` puts it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Bundle to write after `all`.")
    ] = None,
) -> None:
    """Train one stage of a run, or all of them into a bundle."""
    with _training_extra():
        from unclip.training.run import train_all, train_stage
        from unclip.training.workspace import default_run
    folder = Path(run) if "/" in run else default_run(run)
    if stage == "all":
        out = output or folder / "bundle"
        train_all(budget, folder, out, recipe=recipe, resume=resume, store=store, on_log=_say)
        print(out)
        return
    record = train_stage(
        stage,
        folder,
        recipe=recipe,
        minutes=minutes,
        batch_size=batch_size,
        resume=resume,
        store=store,
        on_log=_say,
    )
    print(json.dumps(record.get("reached") or record.get("losses")))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run whose stages are all trained.")],
    out: Annotated[Path, typer.Argument(help="Bundle to write.")],
    version: Annotated[str, typer.Option(help="Version to give it.")] = "0.1.0",
    licence: Annotated[str, typer.Option(help="SPDX name.")] = "Apache-2.0",
) -> None:
    """Make a bundle from a run."""
    from unclip.pipeline.bundle import export_workspace

    export_workspace(run, out, version=version, licence=licence)
    print(out)


@corpus.command("build")
def corpus_build(
    packages: Annotated[
        Path, typer.Option(help="Folder that `npm install --prefix` filled.")
    ] = Path("packages"),
    out: Annotated[Path | None, typer.Option(help="Store to write.")] = None,
) -> None:
    """Read the installed packages into one store; says which to install where one is absent."""
    with _training_extra():
        from unclip.corpus.build import build
        from unclip.corpus.store import default_path
    target = out or default_path()
    manifest = build(target, packages)
    print(f"{manifest['sprites']} drawings of {manifest['concepts']} concepts in {target}")


class _training_extra:  # noqa: N801
    """Turns a missing package of the `train` extra into the command that installs it."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("unclip"):
            raise UnclipError(
                f"training needs {error.name}, which is not installed: pip install 'unclip[train]'"
            ) from None


def _say(line: str) -> None:
    print(f"unclip: {' '.join(line.split())}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 2 for a mistake told in one line, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        code = app(arguments or ["--help"], prog_name="unclip", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.TyperException as error:  # a word or a number that the parser cannot use
        _say(getattr(error, "format_message", error.__str__)())
        sys.exit(2)
    except UnclipError as error:
        _say(str(error))
        sys.exit(130 if isinstance(error, Cancelled) else 2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
