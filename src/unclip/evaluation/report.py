"""A report as a table, as JSON, and as a sheet of passes and failures."""

from __future__ import annotations

import dataclasses
import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.table import Table

from unclip.evaluation.exam import Exam
from unclip.evaluation.scoring import Rate
from unclip.evaluation.world import Answer, Report
from unclip.training.workspace import write_atomically

_TILE, _TEXT, _GAP = 128, 40, 6
_PASS, _FAIL = (46, 125, 50), (198, 40, 40)


def exam_table(exam: Exam) -> Table:
    """The judge's accuracy on true renders, and what it wrongly accepted."""
    table = Table(title="The judge itself", title_justify="left")
    for name in ("task", "true renders accepted", "wrong renders accepted"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for task in exam.true:
        table.add_row(task, str(exam.true[task]), str(exam.wrong.get(task, Rate(0, 0))))
    table.add_section()
    table.add_row("all", str(exam.accepted), str(exam.false_accepts))
    table.add_section()
    for kind, rate in exam.wrong_kinds.items():
        table.add_row(f"wrong: {kind}", "", str(rate))
    return table


def tasks_table(report: Report) -> Table:
    """What the model got right, beside what the judge lets through of true renders."""
    table = Table(title="The model", title_justify="left")
    for name in ("task", "right", "seen", "unseen", "single atoms", "ceiling", "pictures"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for task, result in report.tasks.items():
        ceiling = report.exam.true.get(task)
        table.add_row(
            task,
            str(result.all),
            str(result.seen),
            str(result.unseen),
            f"{result.atoms.value:.3f}",
            f"{ceiling.value:.3f}" if ceiling else "-",
            str(result.all.n),
        )
    table.add_section()
    if not math.isnan(report.score):
        table.add_row("mean of the first six", f"{report.score:.3f}")
    return table


def closeness_table(report: Report) -> Table:
    """Distances to true renders, beside the same between two sets of true renders."""
    table = Table(title="Beside true renders of the same prompts", title_justify="left")
    for name in ("figure", "model", "true renders"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    close = report.closeness
    if close is not None:
        rows = (
            (f"Frechet distance, N = {close.n}", close.frechet, close.frechet_floor),
            ("squared MMD x 1000", 1e3 * close.squared_mmd, 1e3 * close.squared_mmd_floor),
            ("diversity of one prompt", close.diversity, close.diversity_of_true),
            ("CLIP score", close.clip_score, close.clip_score_of_true),
        )
        for name, ours, theirs in rows:
            table.add_row(name, f"{ours:.4f}", f"{theirs:.4f}")
    return table


def to_json(report: Report) -> dict[str, Any]:
    """Everything in a report, with the shares and intervals of its rates."""
    whole: dict[str, Any] = plain(report)
    return {"score": plain(report.score), **whole}


def plain(value: Any) -> Any:
    """A value as JSON has it: rates with share and interval, NaN as null."""
    if isinstance(value, Rate):
        low, high = value.interval
        share = plain(value.value)
        return {"right": value.right, "n": value.n, "share": share, "low": low, "high": high}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def save(report: Report, answers: Sequence[Answer], folder: Path) -> tuple[Path, Path]:
    """Write `world.json`, with the verdict on every picture, and the sheet `world.png`."""
    table, picture = folder / "world.json", folder / "world.png"
    text = json.dumps(to_json(report) | {"answers": _listed(answers)}, indent=1)
    write_atomically(table, lambda path: path.write_text(text + "\n", "utf-8"))
    write_atomically(picture, lambda path: sheet(answers).save(path, "png"))
    return table, picture


def _listed(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    return [
        {
            "task": answer.prompt.task,
            "prompt": answer.prompt.text,
            "seen": answer.prompt.seen,
            "seed": answer.seed,
            "correct": answer.verdict.correct,
            "failed": answer.verdict.failed,
        }
        for answer in answers
    ]


def sheet(answers: Sequence[Answer], columns: int = 5) -> Image.Image:
    """For each task up to `columns` passes, left, and as many failures, right, with their prompts.

    Under a failure stands what was missed.
    """
    rows: list[tuple[list[Answer], list[Answer]]] = []
    for task in dict.fromkeys(answer.prompt.task for answer in answers):
        ours = [answer for answer in answers if answer.prompt.task == task]
        passed = [answer for answer in ours if answer.verdict.correct]
        failed = [answer for answer in ours if not answer.verdict.correct]
        rows.append((_spread(passed, columns), _spread(failed, columns)))
    step = _TILE + _GAP
    width, height = 2 * columns * step + 3 * _GAP, len(rows) * (step + _TEXT) + _GAP
    canvas = Image.new("RGB", (width, height), "white")
    for y, (passed, failed) in enumerate(rows):
        for x, answer in enumerate(passed):
            _tile(canvas, answer, _GAP + x * step, _GAP + y * (step + _TEXT))
        for x, answer in enumerate(failed):
            left = 3 * _GAP + (columns + x) * step
            _tile(canvas, answer, left, _GAP + y * (step + _TEXT))
    return canvas


def _spread(answers: Sequence[Answer], most: int) -> list[Answer]:
    """Up to `most` of them, evenly, so that the choice favours none."""
    n = len(answers)
    return [answers[i * n // most] for i in range(most)] if n > most else list(answers)


def _tile(canvas: Image.Image, answer: Answer, x: int, y: int) -> None:
    draw = ImageDraw.Draw(canvas)
    colour = _PASS if answer.verdict.correct else _FAIL
    draw.rectangle((x - 2, y - 2, x + _TILE + 1, y + _TILE + 1), outline=colour, width=2)
    canvas.paste(answer.picture.convert("RGB").resize((_TILE, _TILE)), (x, y))
    font = ImageFont.load_default(size=10)
    said = textwrap.wrap(answer.prompt.text, 24)[:3]
    draw.text((x, y + _TILE + 3), "\n".join(said), (40, 40, 40), font, spacing=1)
    if answer.verdict.failed and len(said) < 3:
        missed = textwrap.shorten("no " + ", ".join(answer.verdict.failed), 26)
        draw.text((x, y + _TILE + 3 + 12 * len(said)), missed, colour, font)
