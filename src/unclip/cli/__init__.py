"""The command line. Heavy modules are imported inside the commands, so that help is instant."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from unclip.cli.admin import admin
from unclip.cli.again import again
from unclip.cli.blend import blend, vary
from unclip.cli.common import say
from unclip.cli.describe import models, show
from unclip.cli.draw import generate
from unclip.cli.edit import edit, outpaint
from unclip.cli.evaluate import train_judge, world
from unclip.cli.keys import keys
from unclip.cli.policy import policy, train_policy
from unclip.cli.serve import serve
from unclip.cli.train import corpus_build, corpus_dictionary, corpus_thesaurus, export, train
from unclip.cli.verify import verify
from unclip.errors import Cancelled, UnclipError

app = typer.Typer(
    help="Text to pictures through CLIP, a prior, a diffusion decoder and upsamplers.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
corpus = typer.Typer(help="The openly licensed drawings that the model learns from.")
app.add_typer(corpus, name="corpus")
evaluation = typer.Typer(help="How well a model does what it is told.")
app.add_typer(evaluation, name="eval")

for command in (generate, vary, blend, edit, outpaint, again, models, show, verify):
    app.command()(command)
for other in (train, export, serve):
    app.command()(other)
corpus.command("build")(corpus_build)
corpus.command("thesaurus")(corpus_thesaurus)
corpus.command("dictionary")(corpus_dictionary)
evaluation.command()(world)
evaluation.command()(train_judge)
evaluation.command()(policy)
evaluation.command()(train_policy)
app.add_typer(keys, name="keys")
app.add_typer(admin, name="admin")


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 2 for a mistake told in one line, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        code = app(arguments or ["--help"], prog_name="unclip", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except typer.TyperException as error:  # a word or a number that the parser cannot use
        say(getattr(error, "format_message", error.__str__)())
        sys.exit(2)
    except UnclipError as error:
        softer = getattr(error, "revised_prompt", None)
        say(str(error) if softer is None else f"{error} This would pass: {softer!r}")
        sys.exit(130 if isinstance(error, Cancelled) else 2)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
