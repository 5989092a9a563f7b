"""The command that makes a picture again from its recipe, or changes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, policy_file, say
from unclip.cli.draw import OUT, Candidates, Guidance, KeepParents, Output, Seed, Steps, tell, write
from unclip.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unclip.engine import Engine

    Engines = Callable[[Mapping[str, Any]], Engine]


def again(
    file: Annotated[Path, typer.Argument(help="A picture that unclip made, or its .json file.")],
    prompt: Annotated[str | None, typer.Option(help="Replaces the prompt.")] = None,
    seed: Seed = None,
    n: Annotated[int | None, typer.Option("-n", help="How many pictures, 1 to 10.")] = None,
    size: Annotated[str | None, typer.Option(help="Replaces the size.")] = None,
    steps: Steps = None,
    guidance: Guidance = None,
    sampler: Annotated[str | None, typer.Option(help="Replaces the sampler.")] = None,
    candidates: Candidates = None,
    background: Annotated[str | None, typer.Option(help="Replaces the background.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting that `show` prints."),
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="First make its parents again, and theirs.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="Bundle, if not the one that made the picture.")
    ] = None,
    keep_parents: KeepParents = False,
    as_json: Json = False,
    output: Output = OUT,
) -> None:
    """Make a picture again from its recipe, with what is given here in place of what it says.

    With nothing given, the same model on the same machine makes the same picture.
    """
    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import output_folder, read_picture
    from unclip.pipeline.recipe import request_of

    recipe, _ = read_picture(file)
    given = {
        "prompt": prompt,
        "seed": seed,
        "n": n,
        "size": size,
        "steps": steps,
        "guidance_scale": guidance,
        "sampler": sampler,
        "candidates": candidates,
        "background": background,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= dict(_setting(text, recipe) for text in settings or [])
    request = request_of(recipe, file.parent, changes)
    locate(model or str(recipe.get("model", "default")))
    with output_folder(output) as folder:
        engines = _engines(model)
        if chain:
            remade = _with_parents(recipe, file.parent, folder, engines)
            request = request_of(remade, folder, changes)
        engine = engines(recipe)
        made = write(engine, request, folder, keep_parents)
        tell(made, folder, engine.sealing(request), as_json)


def _setting(text: str, recipe: Mapping[str, Any]) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON where it is that and the setting is no text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument("--set", f"is {text!r}; it may be like strength=0.5")
    if isinstance(recipe.get(name), str):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _engines(model: str | None) -> Engines:
    """The engine of each recipe's model, or always that of `model`; each is loaded once."""
    loaded: dict[str, Engine] = {}

    def engine_of(recipe: Mapping[str, Any]) -> Engine:
        from unclip.engine import load

        name = model or str(recipe.get("model", "default"))
        if name not in loaded:
            loaded[name] = load(name, policy=policy_file())
        bundle = loaded[name].bundle
        made_by = recipe.get("model"), recipe.get("model_version")
        if made_by != (bundle.name, bundle.version):
            was = " ".join(map(str, made_by))
            say(f"was made by {was}, now by {bundle.name} {bundle.version}: it will differ")
        return loaded[name]

    return engine_of


def _with_parents(
    recipe: Mapping[str, Any], home: Path, folder: Path, engines: Engines
) -> dict[str, Any]:
    """A recipe whose parents have been made again, where they have recipes of their own.

    Args:
        home: where the recipe's references start.
        folder: for the new pictures.
    """
    from unclip.pipeline.bundle_files import sha256_of
    from unclip.pipeline.files import read_picture
    from unclip.pipeline.recipe import find_parent, map_parents, request_of

    done: dict[str, dict[str, Any]] = {}

    def remade(reference: Mapping[str, Any]) -> dict[str, Any]:
        if reference["sha256"] not in done:  # a picture and its own mask are one file
            done[reference["sha256"]] = new_place(reference)
        return {**reference, **done[reference["sha256"]]}

    def new_place(reference: Mapping[str, Any]) -> dict[str, Any]:
        path, _ = find_parent(reference, home)
        assert path is not None  # `request_of` found it
        try:
            parent, _ = read_picture(path)
        except InvalidArgument:  # where the chain begins
            return {"file": str(path.absolute())}
        request_of(parent, path.parent)  # tells what is missing before anything is made
        request = request_of(_with_parents(parent, path.parent, folder, engines), folder)
        (new, _), *_ = write(engines(parent), request, folder)
        return {"file": str(new.absolute()), "sha256": sha256_of(new)}

    changed: dict[str, Any] = map_parents(recipe, remade)
    return changed
