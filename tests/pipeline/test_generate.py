"""The whole cascade on the tiny bundle: events, seeds, batches, cancellation, numbers."""

import itertools
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unclip.errors import Cancelled, InvalidArgument
from unclip.pipeline.bundle import make_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.draw import best_of
from unclip.pipeline.generate import generate, plan_for
from unclip.pipeline.images import to_images
from unclip.pipeline.rank import clip_score, image_embedding
from unclip.pipeline.stages import drain
from unclip.requests import Generation
from unclip.types import Picture, Progress

GOLDEN = Path(__file__).parents[1] / "golden" / "generate.json"


@pytest.fixture(scope="module")
def cascade(bundle):
    return Cascade(bundle)


def pictures(cascade, **values):
    request = Generation("two blue cats", **{"seed": 7, "size": "256x256", **values})
    return [event for event in generate(cascade, request) if isinstance(event, Picture)]


def pixels(picture):
    return np.asarray(picture.image).astype(int)


def test_progress_counts_every_step_and_pictures_come_in_order(cascade):
    events = list(generate(cascade, Generation("a cat", n=2, seed=1, size="1024x1024")))
    sampling = cascade.bundle.config.sampling
    for stage, steps in [
        ("text", 1),
        ("prior", sampling["prior"].steps),
        ("decoder", sampling["decoder"].steps),
        ("upsampler_256", 2 * sampling["upsampler_256"].steps),
        ("upsampler_1024", 2 * sampling["upsampler_1024"].steps),
    ]:
        seen = [e for e in events if isinstance(e, Progress) and e.stage == stage]
        assert [e.step for e in seen] == list(range(1, steps + 1))
        assert {e.steps for e in seen} == {steps}
    made = [event for event in events if isinstance(event, Picture)]
    assert [(p.index, p.seed) for p in made] == [(0, 1), (1, 2)]
    assert isinstance(events[-1], Picture)
    first = events.index(made[0])
    assert any(isinstance(e, Progress) for e in events[first:]), "each comes when it is finished"


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_sizes(cascade, side):
    (picture,) = pictures(cascade, size=f"{side}x{side}")
    assert picture.image.size == (side, side)
    assert picture.image.mode == "RGB"


def test_512_is_the_1024_picture_scaled_down(cascade):
    (large,), (small,) = (pictures(cascade, size=size) for size in ("1024x1024", "512x512"))
    scaled = large.image.resize((512, 512), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(scaled).astype(int) - pixels(small)).max() <= 3


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "ddpm"])
def test_a_picture_is_the_same_in_any_company(cascade, sampler):
    together = pictures(cascade, n=3, sampler=sampler, steps=4)
    for k, picture in enumerate(together):
        (alone,) = pictures(cascade, seed=7 + k, sampler=sampler, steps=4)
        assert np.abs(pixels(alone) - pixels(picture)).max() <= 1
        assert alone.seed == picture.seed
        assert alone.prior_score == pytest.approx(picture.prior_score, abs=1e-5)
        assert alone.clip_score == pytest.approx(picture.clip_score, abs=1e-4)
        assert alone.settings == picture.settings
    assert np.abs(pixels(together[0]) - pixels(together[1])).max() > 10


def test_settings_and_scores_are_those_of_the_picture(cascade, bundle):
    (picture,) = pictures(cascade, steps=3, guidance_scale=1.5, candidates=2)
    assert picture.settings == {
        "operation": "generate",
        "prompt": "two blue cats",
        "background": "auto",
        "size": "256x256",
        "steps": 3,
        "guidance_scale": 1.5,
        "sampler": "dpmpp_2m",
        "candidates": 2,
        "model": "tiny",
        "model_version": "1.2",
        "seed": 7,
    }
    tensor = torch.from_numpy(pixels(picture)).permute(2, 0, 1)[None] / 127.5 - 1
    tokens = bundle.tokenizer(["two blue cats"])
    z_t = bundle.text(tokens.ids, tokens.mask).embedding
    assert clip_score(bundle.image, tensor, z_t).item() == pytest.approx(
        picture.clip_score, abs=2e-3
    )


def test_more_candidates_never_score_worse(cascade, monkeypatch):
    monkeypatch.setattr("unclip.pipeline.draw.FAITHFUL", 0.0)
    scores = [pictures(cascade, candidates=m)[0].clip_score for m in (1, 2, 8)]
    # They are chosen at 64 pixels and scored when finished.
    assert all(more >= less - 0.01 for less, more in itertools.pairwise(scores))
    assert scores[-1] > scores[0]


def test_a_candidate_is_to_look_as_its_embedding_says(cascade, monkeypatch):
    plan = drain(plan_for(cascade, Generation("a cat", seed=3, candidates=8, size="256x256")))
    likeness = []
    for much in (0.0, 100.0):
        monkeypatch.setattr("unclip.pipeline.draw.FAITHFUL", much)
        drawing = drain(best_of(cascade, plan))
        seen = image_embedding(cascade.bundle.image, drawing.pixels)
        likeness.append(torch.cosine_similarity(seen, plan.z_i[drawing.rows].float()).item())
    assert likeness[1] > likeness[0]


def test_previews_are_drawn_only_when_asked(cascade):
    drawn = {}
    for event in generate(cascade, Generation("a cat", n=2, seed=1, size="256x256")):
        if isinstance(event, Progress) and event.preview is not None:
            drawn[event.stage] = (event.first, event.preview())
    assert set(drawn) == {"decoder", "upsampler_256"}
    assert [image.size for image in drawn["decoder"][1]] == [(64, 64)] * 2
    assert drawn["upsampler_256"][0] == 1
    assert [image.size for image in drawn["upsampler_256"][1]] == [(256, 256)]


def test_the_callers_flag_stops_the_work_at_the_next_step(cascade):
    stopped = threading.Event()
    events = generate(cascade, Generation("a cat", seed=1), stopped.is_set)
    assert [next(events).stage for _ in range(2)] == ["text", "prior"]
    stopped.set()
    with pytest.raises(Cancelled):
        next(events)


def test_the_callers_own_code_keeps_its_mode(cascade):
    for _ in generate(cascade, Generation("a cat", seed=1, size="256x256", steps=1)):
        assert not torch.is_inference_mode_enabled()
        assert torch.ones(1, requires_grad=True).mul(2).requires_grad


def test_a_bundle_without_a_stage_names_the_sizes_it_makes(bundle):
    modules = {k: m for k, m in bundle.modules.items() if k not in ("upsampler_1024", "image")}
    small = Cascade(
        make_bundle(bundle.config, bundle.tokenizer, modules, name="small", dtype=bundle.dtype)
    )
    with pytest.raises(InvalidArgument, match="up to 512"):
        pictures(small, size="1024x1024")
    assert pictures(small)[0].clip_score is None


def test_a_long_prompt_says_that_it_was_cut(cascade):
    request = Generation("cat " * 100, seed=1, size="256x256", steps=1)
    *_, picture = generate(cascade, request)
    assert picture.settings["prompt_truncated"] is True


def test_images_round_and_clamp():
    (image,) = to_images(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0, 0.5]).expand(1, 3, 1, 6))
    assert [p[0] for p in np.asarray(image)[0]] == [0, 0, 128, 255, 255, 191]


@pytest.mark.golden
def test_numbers_stay_what_they_were(cascade):
    """Means of an 8 x 8 grid of two pictures. After a change that is meant, delete the file, run
    this test twice and look at the pictures."""
    grids = [
        pixels(p).reshape(8, 32, 8, 32, 3).mean((1, 3)).round(2).tolist()
        for p in pictures(cascade, n=2)
    ]
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(grids))
        pytest.fail("there were no numbers; they are written now")
    np.testing.assert_allclose(grids, json.loads(GOLDEN.read_text()), atol=0.5)
