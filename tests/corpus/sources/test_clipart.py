from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from unclip.corpus.sources import READERS, Places
from unclip.corpus.sources.clipart import strip_root


def test_strip_root() -> None:
    text, view = strip_root("<?xml?><svg width='10px' height=\"20\" id='a'><g/></svg>") or ("", ())
    assert text == "<svg id='a'><g/></svg>"
    assert view == (0, 0, 10, 20)
    assert strip_root('<svg viewBox="1 2 3 4" width="9cm"/>') == ("<svg/>", (1, 2, 3, 4))
    assert strip_root('<svg width="3em" height="2em"/>') is None
    assert strip_root("no drawing") is None


@pytest.mark.parametrize(("unit", "size"), [("in", 90), ("mm", 90 / 25.4), ("cm", 90 / 2.54)])
def test_lengths_are_user_units_of_their_time(unit: str, size: float) -> None:
    found = strip_root(f'<svg width="2{unit}" height="3{unit}"/>')
    assert found is not None
    assert found[1] == pytest.approx((0, 0, 2 * size, 3 * size))


def test_a_file_that_lies_in_two_folders_is_read_once(packages: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    shutil.copytree(packages / "share/openclipart", share / "openclipart")
    folder = share / "openclipart/svg"
    before = [r.concept for r in READERS["openclipart"](Places(tmp_path, share))]
    (folder / "unsorted").mkdir()
    shutil.copy(folder / "tools/hammer_peterm1.svg", folder / "unsorted")
    assert [r.concept for r in READERS["openclipart"](Places(tmp_path, share))] == before
    assert before == ["penguin", "dog", "hammer"], "what no table names is not read"
