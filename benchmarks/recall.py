"""Whether the memory finds the things that a prompt names, before anything is drawn.

    python benchmarks/recall.py [--model default] [--repeats 1]

Prompts are those of `unclip eval world`, in the corpus's words, and its paraphrases, which are in
others. Right is a prompt for which every thing that must be in the picture is among what was found,
up to as many as the prior takes; and, where a style is asked for, a drawing in it. Paraphrases are
told apart that are word for word among our own descriptions. Needs the corpus that the bundle was
trained on.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import defaultdict

from common import Row, arguments, report, summary


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--per-task", type=int, default=100, help="prompts of each task")
    options = parser.parse_args()

    import torch

    import unclip
    from unclip.corpus.dictionary_build import descriptions
    from unclip.corpus.phrases import STYLE_OF
    from unclip.corpus.store import SpriteStore
    from unclip.evaluation.paraphrases import paraphrases
    from unclip.evaluation.prompts import make_prompts
    from unclip.evaluation.vocabulary import Vocabulary
    from unclip.pipeline.cascade import Cascade
    from unclip.pipeline.stages import drain
    from unclip.training.remember import choose

    if options.threads:
        torch.set_num_threads(options.threads)
    bundle = unclip.load(options.model).bundle
    cascade, config = Cascade(bundle), bundle.config.memory
    memory = cascade.prior.memory
    assert memory is not None, "this bundle has no memory"
    assert config is not None
    vocabulary = Vocabulary(SpriteStore(None))
    shelf = choose(vocabulary.store, config.drawings, config.names)
    numbers = [vocabulary.number(drawings[0]) for drawings in shelf.drawings]
    styles = tuple(STYLE_OF)

    right: dict[str, list[bool]] = defaultdict(list)
    in_style: list[bool] = []
    seconds: list[float] = []
    told = {phrase for _, phrases in descriptions() for phrase in phrases}
    prompts = make_prompts(vocabulary, options.per_task) + paraphrases(vocabulary, 200)
    for prompt in prompts:
        texts = drain(cascade.text(prompt.text))
        began = time.perf_counter()
        things, _ = memory.named(texts.words)
        seconds.append(time.perf_counter() - began)
        found = {numbers[one.thing] for one in things}
        wanted = [vocabulary.names.index(w.name) for w in prompt.include]
        ok = set(wanted[: bundle.config.prior.anchors]) <= found
        right[prompt.task].append(ok)
        if prompt.task == "paraphrases":
            bare = re.sub("^(an?|the) ", "", prompt.text)
            right[f"paraphrases, {'told' if bare in told else 'others'}"].append(ok)
        if prompt.style in styles:
            z_t, generators = texts.prompt.embedding, [torch.Generator().manual_seed(0)]
            anchor = memory(texts.words, z_t, generators)[0, 0]
            row = int((memory.memory.drawing(slice(None)) @ anchor).argmax())
            style = int(memory.memory.drawing_style[row])
            in_style.append(styles[style] == prompt.style)
    rows: list[Row] = [
        {"task": task, "right": round(statistics.mean(ok), 3), "prompts": len(ok)}
        for task, ok in right.items()
    ]
    share = round(statistics.mean(in_style), 3) if in_style else None
    rows.append({"task": "in the style asked for", "right": share, "prompts": len(in_style)})
    report(rows, options, seconds=summary(seconds))


if __name__ == "__main__":
    main()
