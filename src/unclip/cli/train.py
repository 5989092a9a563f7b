"""The commands that train, and that read the corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unclip.cli.common import Store, say, training_extra
from unclip.errors import UnclipError

if TYPE_CHECKING:
    from unclip.corpus.wordnet import WordNet


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
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="BUNDLE", help="Start from this bundle's weights: a name or a folder."
        ),
    ] = None,
    run: Annotated[str, typer.Option(help="Name of the run, or its folder.")] = "default",
    store: Store = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Bundle to write after `all`.")
    ] = None,
) -> None:
    """Train one stage of a run, or all of them into a bundle.

    A stage starts from fresh weights, also where the run has trained it before, unless --resume
    finds its checkpoint or --from names a bundle. A new run takes over the whole of that bundle,
    so that any stage may be trained further, its networks in the bundle's sizes.
    """
    with training_extra():
        from unclip.training.run import train_all, train_stage
        from unclip.training.workspace import default_run
    folder = Path(run) if "/" in run else default_run(run)
    if stage == "all":
        out = output or folder / "bundle"
        train_all(
            budget,
            folder,
            out,
            recipe=recipe,
            resume=resume,
            start_from=start_from,
            store=store,
            on_log=say,
        )
        print(out)
        return
    record = train_stage(
        stage,
        folder,
        recipe=recipe,
        minutes=minutes,
        batch_size=batch_size,
        resume=resume,
        start_from=start_from,
        store=store,
        on_log=say,
    )
    print(json.dumps(record.get("reached") or record.get("losses")))


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run whose stages are all trained.")],
    out: Annotated[Path, typer.Argument(help="Bundle to write.")],
    version: Annotated[str, typer.Option(help="Version to give it.")] = "0.1.0",
    licence: Annotated[str, typer.Option(help="SPDX name.")] = "Apache-2.0",
    eight_bits: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMPONENT",
            help="Store the large matrices of this one in half the bytes; may be repeated.",
        ),
    ] = None,
) -> None:
    """Make a bundle from a run."""
    from unclip.pipeline.bundle import export_workspace

    export_workspace(run, out, version=version, licence=licence, eight_bits=eight_bits or ())
    print(out)


def corpus_build(
    packages: Annotated[
        Path, typer.Option(help="Folder that `npm install --prefix` filled.")
    ] = Path("packages"),
    out: Annotated[Path | None, typer.Option(help="Store to write.")] = None,
) -> None:
    """Read the installed packages into one store; says which to install where one is absent."""
    with training_extra():
        from unclip.corpus.build import build
        from unclip.corpus.store import default_path
    target = out or default_path()
    manifest = build(target, packages)
    print(f"{manifest['sprites']} drawings of {manifest['concepts']} concepts in {target}")


WordNetFolder = Annotated[Path, typer.Option(help="Folder of WordNet's files.")]
_WORDNET = Path("/usr/share/wordnet")


def corpus_thesaurus(
    out: Annotated[
        Path, typer.Option(help="Table to write; the package reads corpus/thesaurus.tsv.")
    ],
    store: Store = None,
    wordnet: WordNetFolder = _WORDNET,
) -> None:
    """Write what captions call the things that WordNet has other words for."""
    with training_extra():
        from unclip.corpus.store import SpriteStore
        from unclip.corpus.thesaurus import Thesaurus, write
        from unclip.corpus.thesaurus_build import make_thesaurus
    drawings = SpriteStore(store)
    made = make_thesaurus(drawings, _words(wordnet))
    try:
        write(made, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    print(f"{len(Thesaurus(made))} phrases in {out}")


def corpus_dictionary(
    out: Annotated[
        Path, typer.Option(help="File to write; the package reads corpus/dictionary.safetensors.")
    ],
    packages: Annotated[
        Path, typer.Option(help="Folder that `npm install --prefix` filled.")
    ] = Path("packages"),
    store: Store = None,
    wordnet: WordNetFolder = _WORDNET,
) -> None:
    """Write which words tell of the things that captions name, so that descriptions find them."""
    with training_extra():
        from unclip.corpus.dictionary_build import make_dictionary, read_vectors
        from unclip.corpus.sources import Places
        from unclip.corpus.store import SpriteStore
    drawings, places = SpriteStore(store), Places(packages)
    vectors = read_vectors(places)
    words = _words(wordnet)
    try:
        things = make_dictionary(drawings, words, places, vectors, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    print(f"{things} things in {out}")


def _words(folder: Path) -> WordNet:
    from unclip.corpus.wordnet import WordNet

    try:
        return WordNet(folder)
    except OSError as error:
        raise UnclipError(
            f"wordnet {folder} cannot be read ({error.strerror}); run: apt-get install wordnet-base"
        ) from error


def _unwritable(out: Path, error: OSError) -> UnclipError:
    return UnclipError(f"out {out} cannot be written: {error.strerror}")
