"""The engine: one door, used from several threads, left at any moment."""

import threading

import numpy as np
import pytest
from PIL import Image

from unclip.engine import load
from unclip.errors import Cancelled, InvalidArgument
from unclip.requests import Generation
from unclip.types import Picture, Progress

SMALL = {"size": "256x256", "steps": 2, "candidates": 1}


def test_load_and_generate(bundle_path):
    engine = load(bundle_path, "cpu")
    result = engine.generate("a red apple", n=2, seed=7, **SMALL)
    assert [picture.seed for picture in result] == [7, 8]
    assert len(result) == 2
    assert result[0] is result.pictures[0]
    assert result.request.seed == 7
    assert set(result.seconds) == {"text", "prior", "decoder", "upsampler_256", "finish"}
    assert engine.device.type == "cpu"


def test_a_random_seed_is_recorded_and_repeats_the_picture(engine):
    first = engine.generate("a cat", **SMALL)
    again = engine.generate("a cat", seed=first[0].seed, **SMALL)
    assert first[0].image.tobytes() == again[0].image.tobytes()


def test_progress_reaches_the_caller(engine):
    seen: list[Progress] = []
    engine.generate("a cat", seed=1, on_progress=seen.append, **SMALL)
    assert [e.step for e in seen if e.stage == "decoder"] == [1, 2]


def test_errors_reach_the_caller(engine):
    with pytest.raises(InvalidArgument, match="n is 0"):
        engine.generate("a cat", n=0)
    with pytest.raises(Cancelled):
        engine.generate("a cat", cancelled=lambda: True, **SMALL)


def test_a_stream_that_is_left_blocks_nobody(engine):
    left = engine.stream(Generation("a cat", seed=1, **SMALL))
    next(left)
    assert len(engine.generate("a dog", seed=1, **SMALL)) == 1
    assert isinstance(list(left)[-1], Picture), "and it can be taken up again"


def test_threads_take_turns_and_get_their_own_pictures(engine):
    wanted = {seed: engine.generate("a cat", seed=seed, **SMALL)[0] for seed in (1, 2, 3)}
    got = {}

    def work(seed):
        got[seed] = engine.generate("a cat", seed=seed, **SMALL)[0]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, alone in wanted.items():  # in float32 to the rounding, which the mark follows
        levels = [np.asarray(picture.image, np.int16) for picture in (alone, got[seed])]
        assert abs(levels[0] - levels[1]).max() <= 2


def test_pictures_from_pictures(engine, tmp_path):
    path = tmp_path / "red.png"
    image = Image.new("RGB", (40, 30), "red")
    image.save(path)
    values = {"seed": 1, **SMALL}
    varied = [engine.vary(source, strength=0.3, **values) for source in (path, path.read_bytes())]
    assert varied[0][0].image.tobytes() == varied[1][0].image.tobytes()
    assert "inversion" in varied[0].seconds
    mixed = engine.blend([path, "a cat"], (3, 1), **values)
    assert mixed.request.weights == (0.75, 0.25)
    assert mixed.request.items[1] == "a cat", "text is a sentence, and no file"
    way = engine.blend([image, path], frames=3, seed=1, size="256x256", steps=2)
    assert len(way) == 3
    changed = engine.change(image, "a cat", "a red apple", reference=path, amount=0.2, **values)
    assert changed[0].settings["operation"] == "change"
    for wrong in ("a cat", [path], [path, ""]):
        with pytest.raises(InvalidArgument, match="items"):
            engine.blend(wrong)


def test_who_is_shown_is_drawn_where_the_prompt_leaves_it_open(engine):
    events = list(engine.stream(Generation("a doctor", n=3, seed=4, **SMALL)))
    made = [event for event in events if isinstance(event, Picture)]
    assert [(picture.index, picture.seed) for picture in made] == [(0, 4), (1, 5), (2, 6)]
    prompts = [picture.settings["prompt"] for picture in made]
    assert all(" doctor with " in prompt and prompt.endswith(" skin") for prompt in prompts)
    assert len(set(prompts)) > 1
    steps = [(e.step, e.steps) for e in events if isinstance(e, Progress) and e.stage == "decoder"]
    assert steps == [(k, 6) for k in range(1, 7)]
    alone = engine.generate("a doctor", seed=5, **SMALL)[0]
    assert alone.image.tobytes() == made[1].image.tobytes()
    said = engine.generate(prompts[1], seed=5, **SMALL)[0]
    assert said.image.tobytes() == made[1].image.tobytes(), "the recipe makes it again"
    assert engine.generate("a cat", seed=4, **SMALL)[0].settings["prompt"] == "a cat"
