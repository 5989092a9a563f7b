"""Eight clients at once against one at a time, through the whole server.

    python benchmarks/throughput.py [--clients 8] [--rounds 4] [--size 256x256]

Each round does both, so that a busy moment falls on both. The target is 1.5 times the pictures a
second. Each client has a key of its own; `starved` is the slowest client's time over the fastest's.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from common import PROMPT, Row, arguments, report
from server_load import serving, store_of


def percentiles(samples: list[float]) -> Row:
    """The 50th, 95th and 99th, as the nearest rank."""
    ordered = sorted(samples)
    return {f"p{p}": ordered[min(len(ordered) - 1, p * len(ordered) // 100)] for p in (50, 95, 99)}


def main() -> None:
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--steps", type=int, help="of the decoder; the model's own if not given")
    options = parser.parse_args()
    body: dict[str, Any] = {"prompt": PROMPT, "size": options.size}
    if options.steps:
        body["steps"] = options.steps
    alone: list[float] = []
    together: list[float] = []
    rates: dict[str, list[float]] = {"alone": [], "together": []}
    starved: list[float] = []
    with serving(options.model, options.threads, open=False) as (url, folder):
        with store_of(folder) as store:
            secrets = [store.keys.create(f"client {i}").secret for i in range(options.clients)]
        clients = [
            httpx2.Client(
                base_url=url,
                timeout=900,
                trust_env=False,
                headers={"authorization": f"Bearer {secret}"},
            )
            for secret in secrets
        ]

        def ask(client: httpx2.Client, seed: int) -> float:
            begun = time.perf_counter()
            asked = {**body, "seed": seed}
            client.post("/v1/images/generations", json=asked).raise_for_status()
            return time.perf_counter() - begun

        def several(client: httpx2.Client) -> list[float]:
            return [ask(client, seed) for seed in range(options.repeats)]

        for client in clients:
            ask(client, 0)  # to warm up
        count = options.clients * options.repeats
        with ThreadPoolExecutor(options.clients) as pool:
            for _ in range(options.rounds):
                begun = time.perf_counter()
                for client in clients:
                    alone += several(client)
                rates["alone"].append(count / (time.perf_counter() - begun))
                begun = time.perf_counter()
                each = list(pool.map(several, clients))
                rates["together"].append(count / (time.perf_counter() - begun))
                together += [seconds for samples in each for seconds in samples]
                totals = [sum(samples) for samples in each]
                starved.append(max(totals) / min(totals))
        for client in clients:
            client.close()
    rows = [
        {
            "clients": 1,
            "pictures a second": statistics.median(rates["alone"]),
            **percentiles(alone),
        },
        {
            "clients": options.clients,
            "pictures a second": statistics.median(rates["together"]),
            **percentiles(together),
        },
    ]
    pairs = zip(rates["together"], rates["alone"], strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    report(
        rows,
        options,
        ratio=round(ratio, 2),
        starved=round(max(starved), 2),
        size=options.size,
        rounds=options.rounds,
    )


if __name__ == "__main__":
    main()
