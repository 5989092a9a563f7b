"""The names that `unclip` offers, and that importing it costs nothing."""

import subprocess
import sys

import pytest

import unclip


def test_every_public_name_is_there():
    for name in unclip.__all__:
        assert getattr(unclip, name) is not None
        assert name in dir(unclip)
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        _ = unclip.paint


def test_the_line_of_the_readme_works(bundle_path):
    made = unclip.load(bundle_path).generate("a cat", n=2, seed=7, size="256x256", steps=1)
    assert [picture.image.size for picture in made] == [(256, 256)] * 2


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_importing_loads_nothing():
    heavy = "{'torch', 'numpy', 'PIL', 'typer', 'pydantic'}"
    code = f"import sys, unclip, unclip.types; print(sorted({heavy} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"


def test_generating_needs_no_compiler(bundle_path):
    code = (
        "import sys, unclip\n"
        f"unclip.load({str(bundle_path)!r}).generate('a cat', seed=1, size='256x256', steps=1)\n"
        "print([m for m in ('torch._dynamo', 'torch._inductor', 'sympy') if m in sys.modules])"
    )
    assert run(code).stdout.strip() == "[]"
