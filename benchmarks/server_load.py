"""Many clients for some minutes: nothing is lost, and every answer is accounted for.

    python benchmarks/server_load.py [--clients 64] [--seconds 120]

Each client draws, edits, varies, streams, judges and asks for what it may not, one after the other,
and notes every answer. Afterwards the database is compared with the notes: each answer with
pictures is one finished job, each picture is there, nothing is left behind. If not, it ends with 1.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from PIL import Image, ImageDraw

from common import PROMPT, arguments, report, summary
from unclip.store import ENDED, State, Store

EXPECTED = {200, 202, 429, 503}
"""Of what is asked for rightly: answers, and refusals of a server that is full."""


@contextmanager
def serving(model: str, threads: int | None, **settings: object) -> Iterator[tuple[str, Path]]:
    """`unclip serve` on a folder of its own: its address and the folder."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"data": folder, "port": 0, "open": True, "model": model, "log_level": "warning"}
        environment = {f"UNCLIP_{k.upper()}": str(v) for k, v in {**given, **settings}.items()}
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        log = Path(folder) / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "unclip.cli", "serve"],
                env={**os.environ, **environment},
                stderr=file,
            )
        try:
            yield _ready(process, log), Path(folder)
        finally:
            process.terminate()
            process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        time.sleep(0.2)
        found = re.search(r"serving .* at (http://\S+)/v1", log.read_text())
        if found and httpx2.get(f"{found[1]}/readyz", trust_env=False).is_success:
            return found[1]
    sys.exit(log.read_text())


def store_of(folder: Path) -> Store:
    """The store of a server that `serving` has started."""
    return Store.open(f"sqlite:///{folder}/unclip.sqlite3", f"file://{folder}/blobs")


def picture() -> bytes:
    """A drawing with a hole."""
    image = Image.new("RGBA", (64, 64), (60, 120, 220, 255))
    ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill=(0, 0, 0, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Client:
    """One of many. It notes what it asked and what it was told."""

    def __init__(self, url: str, number: int, steps: int) -> None:
        self.http = httpx2.Client(base_url=url, timeout=900, trust_env=False)
        self.random = random.Random(number)
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self.pictures = 0
        self.quick = {"size": "256x256", "steps": steps, "candidates": 1}

    def run(self, end: float) -> None:
        """Ask until it is time to go."""
        asks: list[Callable[[], httpx2.Response]] = [
            self.generate, self.edit, self.vary, self.stream, self.moderate, self.refused
        ]  # fmt: skip
        with self.http:
            while time.monotonic() < end:
                ask = self.random.choice(asks)
                begun = time.monotonic()
                try:
                    response = ask()
                except httpx2.HTTPError as error:
                    self.wrong.append(f"{ask.__name__}: {error!r}")
                    continue
                self.answers[ask.__name__, response.status_code] += 1
                if response.is_success:
                    self.seconds[ask.__name__].append(time.monotonic() - begun)
                elif "retry-after" in response.headers:
                    time.sleep(self.random.random() * float(response.headers["retry-after"]))
                right = EXPECTED if ask != self.refused else {400}
                if response.status_code not in right:
                    self.wrong.append(f"{ask.__name__}: {response.status_code} {response.text}")

    def generate(self) -> httpx2.Response:
        body = {"prompt": PROMPT, "n": self.random.choice([1, 1, 2]), **self.quick}
        return self._seen(self.http.post("/v1/images/generations", json=body))

    def edit(self) -> httpx2.Response:
        fields = {"prompt": PROMPT, "steps": self.quick["steps"], "candidates": 1}
        return self._seen(
            self.http.post("/v1/images/edits", data=fields, files={"image": ("a.png", picture())})
        )

    def vary(self) -> httpx2.Response:
        fields = {**self.quick, "response_format": "b64_json"}
        files = {"image": ("a.png", picture())}
        return self._seen(self.http.post("/v1/images/variations", data=fields, files=files))

    def stream(self) -> httpx2.Response:
        body = {"prompt": PROMPT, "stream": True, "partial_images": 1, **self.quick}
        with self.http.stream("POST", "/v1/images/generations", json=body) as response:
            text = "".join(response.iter_text())
        if response.is_success:
            finished = text.count("event: image_generation.completed")
            self.pictures += finished
            if finished != 1 or not text.endswith("data: [DONE]\n\n"):
                self.wrong.append(f"stream: {text[-300:]}")
        return response

    def moderate(self) -> httpx2.Response:
        return self.http.post("/v1/moderations", json={"input": PROMPT})

    def refused(self) -> httpx2.Response:
        return self.http.post("/v1/images/generations", json={"prompt": PROMPT, "n": 11})

    def _seen(self, response: httpx2.Response) -> httpx2.Response:
        """Look at every picture of an answer."""
        for data in response.json()["data"] if response.is_success else ():
            if "url" in data:
                content = self.http.get(data["url"]).content
            else:
                content = base64.b64decode(data["b64_json"])
            with Image.open(io.BytesIO(content)) as image:
                image.load()
            self.pictures += 1
        return response


def watch(url: str, end: float, seconds: list[float]) -> None:
    """Ask meanwhile whether the server is well."""
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
        while time.monotonic() < end:
            begun = time.monotonic()
            http.get("/healthz").raise_for_status()
            seconds.append(time.monotonic() - begun)
            time.sleep(0.1)


def compared(folder: Path, clients: list[Client]) -> list[str]:
    """What the database has that the clients were not told, or the other way round."""
    wrong = [line for client in clients for line in client.wrong]
    making = ("generate", "edit", "vary", "stream")
    answers = sum((client.answers for client in clients), Counter[tuple[str, int]]())
    answered = sum(n for (name, status), n in answers.items() if name in making and status == 200)
    with store_of(folder) as store:
        counts = store.jobs.counts()
        left = {s.value: counts[s] for s in State if s not in ENDED and counts.get(s)}
        if left:
            wrong.append(f"jobs that never ended: {left}")
        if counts.get(State.DONE, 0) != answered:
            wrong.append(f"{counts.get(State.DONE, 0)} jobs are done, {answered} were answered")
        bad = (State.FAILED, State.PARKED, State.CANCELLED)
        wrong += [f"{counts[s]} jobs are {s.value}" for s in bad if counts.get(s)]
        kept, before = 0, None
        while page := store.jobs.latest(100, before):
            before = page[-1].id
            for job in page:
                kept += len(job.pictures)
                if job.state is State.DONE and len(job.pictures) != job.wanted:
                    wrong.append(f"{job.id} has {len(job.pictures)} of {job.wanted} pictures")
        told = sum(client.pictures for client in clients)
        if kept != told:
            wrong.append(f"{kept} pictures are kept, {told} were handed out")
    return wrong


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--steps", type=int, default=2)
    options = parser.parse_args()
    # A client may ask all it likes here: what is measured is the queue.
    limits = {"queue_limit": 32, "requests_per_minute": 10**6}
    with serving(options.model, options.threads, **limits) as (url, folder):
        clients = [Client(url, number, options.steps) for number in range(options.clients)]
        end = time.monotonic() + options.seconds
        healthy: list[float] = []
        threads = [threading.Thread(target=client.run, args=(end,)) for client in clients]
        threads.append(threading.Thread(target=watch, args=(url, end, healthy)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wrong = compared(folder, clients)
    names = sorted({name for client in clients for name in client.seconds})
    rows = []
    for name in names:
        samples = list(itertools.chain(*(client.seconds[name] for client in clients)))
        rows.append({"answer": name, **summary(samples)})
    rows.append({"answer": "/healthz", **summary(healthy)})
    answers = sum((client.answers for client in clients), Counter[tuple[str, int]]())
    told = {f"{name} {status}": count for (name, status), count in sorted(answers.items())}
    facts = {
        "clients": options.clients,
        "seconds": options.seconds,
        "answers": told,
        "answered": sum(answers.values()),
        "pictures": sum(client.pictures for client in clients),
        "wrong": wrong,
    }
    report(rows, options, **facts)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
