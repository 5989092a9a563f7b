"""What is lost by candidates that drop out early, and what it saves.

    python benchmarks/candidates.py [--prompts 24] [--candidates 4]

Draws all candidates of each prompt to their end, and the same with those that drop out; prints the
fitness by which they are ranked of the best of all, of the one that was left and of a candidate at
random, and the decoder's time.
"""

from __future__ import annotations

import statistics
import time

from common import Row, arguments, report

PROMPTS = (
    "a red apple", "a rocket, 3d render, on a blue background", "two cats", "a dog", "a blue car",
    "a green tree", "a house", "a fish in the sea", "three balloons", "a yellow banana",
    "a castle at night", "a panda", "a cup of coffee", "a bicycle", "a snowman", "a purple hat",
    "a pizza", "a frog on a leaf", "a train", "a sunflower", "a guitar", "a crown", "a pink cake",
    "an owl",
)  # fmt: skip


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--candidates", type=int, default=4)
    options = parser.parse_args()

    import torch

    import unclip
    from unclip.pipeline.cascade import Cascade
    from unclip.pipeline.draw import fitness
    from unclip.pipeline.generate import plan_for
    from unclip.pipeline.heats import Heats
    from unclip.pipeline.stages import drain

    if options.threads:
        torch.set_num_threads(options.threads)
    bundle = unclip.load(options.model).bundle
    cascade = Cascade(bundle)
    tower = bundle.image
    assert tower is not None, "candidates are compared by the image tower"
    found: dict[str, list[float]] = {"best of all": [], "the one left": [], "at random": []}
    seconds: dict[str, list[float]] = {"all": [], "dropping out": []}
    with torch.inference_mode():
        for prompt in PROMPTS[: options.prompts]:
            for seed in range(options.repeats):
                request = unclip.Generation(prompt, seed=seed, candidates=options.candidates)
                plan = drain(plan_for(cascade, request))

                def score(pixels: torch.Tensor, rows: list[int], plan=plan) -> torch.Tensor:
                    return fitness(tower, plan, pixels, rows)

                given = (plan.z_i, plan.texts, plan.x_t, plan.generators, plan.sampling)
                before = time.perf_counter()
                every = drain(cascade.decoder(*given)).pixels
                scores = score(every, list(range(len(every))))
                between = time.perf_counter()
                heats = Heats(options.candidates, score)
                (row,) = drain(cascade.decoder(*given, heats=heats)).rows
                seconds["dropping out"].append(time.perf_counter() - between)
                seconds["all"].append(between - before)
                found["best of all"].append(float(scores.max()))
                found["the one left"].append(float(scores[row]))
                found["at random"].append(float(scores.mean()))
    mean = {name: statistics.mean(values) for name, values in found.items()}
    rows: list[Row] = [{"what": name, "fitness": round(mean[name], 4)} for name in found]
    kept = (mean["the one left"] - mean["at random"]) / (mean["best of all"] - mean["at random"])
    time_left = statistics.median(seconds["dropping out"]) / statistics.median(seconds["all"])
    report(rows, options, gain_kept=round(kept, 3), decoder_time=round(time_left, 2))


if __name__ == "__main__":
    main()
