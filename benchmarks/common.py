"""What the benchmarks share: arguments, statistics, a table and JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unclip.engine import Engine
    from unclip.requests import Request

PROMPT = "a rocket, 3d render, on a blue background"
Row = dict[str, Any]


def arguments(about: str | None, repeats: int) -> argparse.ArgumentParser:
    """Options that every benchmark takes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--model", default="default", help="a bundle's name or folder")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, help="processor threads; torch's own choice if not")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    return parser


def environment(threads: int | None) -> dict[str, str]:
    """For a child process that computes on so many threads."""
    limit = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    return {**os.environ, **limit}


def run(command: Sequence[str], env: dict[str, str]) -> str:
    """Standard output of a command; its error ends the benchmark."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip())
    return done.stdout


def summary(samples: Sequence[float]) -> Row:
    """Of at least one sample; the 95th percentile is the nearest rank."""
    ordered = sorted(samples)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "min": ordered[0],
        "repeats": len(ordered),
    }


def in_turns(
    engine: Engine, operations: Mapping[str, Callable[[int], Request]], repeats: int
) -> list[Row]:
    """Seconds of each operation, and in how many times those of the first of the same round.

    They are measured in turns, so that a busy moment falls on each; `in processor time` is what is
    left of the ratio on a machine that does other things too.

    Args:
        operations: from a seed to a request, by name.
    """
    wall: dict[str, list[float]] = {name: [] for name in operations}
    work: dict[str, list[float]] = {name: [] for name in operations}
    first = next(iter(operations))
    for repeat in range(repeats + 1):  # the first is to warm up
        for name, make in operations.items():
            request = make(repeat)
            before, used = time.perf_counter(), time.process_time()
            engine.run(request)
            if repeat:
                wall[name].append(time.perf_counter() - before)
                work[name].append(time.process_time() - used)

    def ratio(spent: dict[str, list[float]], name: str) -> float:
        return statistics.median(a / b for a, b in zip(spent[name], spent[first], strict=True))

    return [
        {
            "operation": name,
            **summary(wall[name]),
            f"times {first}": ratio(wall, name),
            "in processor time": ratio(work, name),
        }
        for name in operations
    ]


def report(rows: list[Row], options: argparse.Namespace, **facts: Any) -> None:
    """Print a table and one JSON object."""
    names = list(rows[0])
    shown = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    widths = [max(len(line[i]) for line in [names, *shown]) for i in range(len(names))]
    for line in [names, *shown]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    result = {"rows": rows, "model": options.model, "threads": options.threads, **machine, **facts}
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
