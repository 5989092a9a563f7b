"""What documents and help say is what there is, and the house rules that a test can check."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer

from unclip.cli import app

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "unclip").rglob("*.py"))
OURS = [
    *SOURCES,
    *(f for d in ("tests", "benchmarks", "examples") for f in sorted((ROOT / d).rglob("*.py"))),
]


def commands(command, path=("unclip",)):
    """Every command of the command line, groups included."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_help(path):
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


def test_the_readme_names_commands_and_options_that_exist():
    text = (ROOT / "README.md").read_text()
    lines = re.findall(r"^ {4}(?:\.venv/bin/)?unclip ([^#\n]+)", text, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        words = re.sub(r'"[^"]*"', "TEXT", line).split()
        depth = 2 if words[0] in ("admin", "corpus", "eval", "keys") else 1
        command = COMMANDS["unclip", *words[:depth]]
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, line


def tree():
    """Path and phrase of each file of the README's tree, below the folders it is drawn in."""
    text = (ROOT / "README.md").read_text().split("## The tree")[1].split("```")[1]
    folders = {}
    for line in text.strip().splitlines():
        indent, name, phrase = re.fullmatch(r"( *)(\S+)(?: {2,}(.*))?", line).groups()
        depth = len(indent) // 2
        parent = folders.get(depth - 1, Path()) if depth else Path()
        if name.endswith("/"):
            folders[depth] = parent / name
        else:
            yield parent / name, phrase


def test_the_readme_lists_every_module_once_with_a_phrase():
    listed = list(tree())
    assert all(phrase and len(phrase) > 3 for _, phrase in listed)
    full = [f.relative_to(ROOT) for f in SOURCES if f.read_text().strip()]
    assert sorted(path for path, _ in listed) == full


def test_the_readme_names_what_make_and_the_folders_have():
    makefile = (ROOT / "Makefile").read_text()
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text()
        for target in re.findall(r"^ {4}make ([a-z-]+)", text, re.MULTILINE):
            assert f"\n{target}: " in makefile, target
        for path in re.findall(r"`((?:examples|benchmarks|tests)/\S*?)`", text):
            assert (ROOT / path).exists(), path
        for path in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / path).exists(), path


def test_no_file_is_too_long():
    long = [str(f.relative_to(ROOT)) for f in OURS if len(f.read_text().splitlines()) > 450]
    assert long == []


def test_every_module_says_what_it_is():
    texts = {f: f.read_text() for f in SOURCES}
    silent = [f for f, t in texts.items() if t.strip() and not ast.get_docstring(ast.parse(t))]
    assert silent == []


def test_the_command_line_imports_nothing_heavy_at_its_top():
    files = (ROOT / "src/unclip/cli").glob("*.py")
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module
        for file in files
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    light = {
        "__future__",
        "enum",
        "json",
        "os",
        "pathlib",
        "sys",
        "typer",
        "typing",
        "unclip.errors",
    }
    assert {m for m in modules if not m.startswith("unclip.cli")} <= light


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]:
        assert re.fullmatch(r"[\w-]+(\[\w+\])?==[\d.]+", requirement), requirement


def test_the_version_is_in_the_changelog():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog or f"## [{version}]" in changelog
