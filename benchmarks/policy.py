"""Time to read the policy, and to judge a prompt once it is warm. The targets: 150 ms and 5 ms.

python benchmarks/policy.py [--repeats 200] [--json FILE]
"""

from __future__ import annotations

import time
from collections.abc import Callable

from common import arguments, report, summary
from unclip.safety import Policy

PROMPTS = {
    "short": "a red apple on a wooden table",
    "refused": "a n4k3d woman, oil painting",
    "named": "a portrait of Barak Obbama by Greg Rutkovski",
    "1000 characters": ("an old lighthouse above a stormy sea at dusk, thick oil paint, " * 16)[
        :1000
    ],
    "1000 letters apart": "a b c d e f g h " * 62,
}


def main() -> None:
    options = arguments(__doc__, repeats=200).parse_args()

    def timed(what: str, work: Callable[[], object], repeats: int) -> dict[str, object]:
        spent = []
        for _ in range(repeats + 1):  # the first is to warm up
            before = time.process_time()
            work()
            spent.append(time.process_time() - before)
        milliseconds = [1e3 * seconds for seconds in spent[1:]]
        return {"what": what, **summary(milliseconds)}

    policy = Policy.load()
    rows = [timed("load, ms", Policy.load, max(3, options.repeats // 20))]
    rows += [
        timed(f"{name}, ms", lambda prompt=prompt: policy.judge_text(prompt), options.repeats)
        for name, prompt in PROMPTS.items()
    ]
    report(rows, options)


if __name__ == "__main__":
    main()
