"""The commands that give keys to a server's users, and take them back."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from unclip.cli.admin import Data, opened, when
from unclip.cli.common import Json, say
from unclip.errors import InvalidArgument

keys = typer.Typer(help="Who may ask the server.")


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What you call it: a person, or a program.")],
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="Its own, in place of the server's.")
    ] = None,
    pictures_per_day: Annotated[
        int | None, typer.Option(min=1, help="Its own, in place of the server's.")
    ] = None,
    data: Data = None,
) -> None:
    """Make a key. It is printed once and kept nowhere."""
    with opened(data) as store:
        made = store.keys.create(name, requests_per_minute, pictures_per_day)
    say(f"key {made.key.id} for {made.key.name}; what follows is shown this once:")
    print(made.secret)


@keys.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """List the keys, without what is secret of them."""
    with opened(data) as store:
        listed = store.keys.list()
    if as_json:
        from dataclasses import asdict

        print(json.dumps([asdict(key) for key in listed], ensure_ascii=False))
        return
    for key in listed:
        state = "" if key.revoked is None else f"  revoked {when(key.revoked)}"
        print(f"{key.id}  {when(key.created)}  {key.name}{state}")
    if not listed:
        say("there is no key; unclip keys create NAME makes one")


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="From `unclip keys list`.")],
    data: Data = None,
) -> None:
    """Refuse a key from now on."""
    with opened(data) as store:
        if not store.keys.revoke(key_id):
            raise InvalidArgument("ID", f"is {key_id}, which no key has; see unclip keys list")
    say(f"key {key_id} is revoked")
