"""Candidates that drop out: who does, when, and that nobody else notices."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.config import SamplingConfig
from unclip.diffusion.samplers import SAMPLERS
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.generate import generate, plan_for
from unclip.pipeline.heats import Heats, among
from unclip.pipeline.stages import drain
from unclip.requests import Generation
from unclip.types import Progress


@pytest.fixture
def cascade(bundle):
    return Cascade(bundle)


def value(pixels, rows):
    """A picture fits as well as its first number says."""
    return pixels[:, 0, 0, 0]


@given(candidates=st.integers(1, 16), steps=st.integers(1, 50))
def test_places_only_become_fewer_and_one_is_left(candidates, steps):
    heats = Heats(candidates, value)
    places = [heats.places(step, steps) for step in range(1, steps + 1)]
    assert places == sorted(places, reverse=True)
    assert places[-1] == 1
    assert max(places) <= candidates


@given(st.data())
def test_the_best_of_each_picture_go_on(data):
    candidates, pictures = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    places = data.draw(st.integers(1, candidates))
    count = candidates * pictures
    scores = data.draw(st.permutations(range(count)))
    pixels = torch.tensor(scores, dtype=torch.float).reshape(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    best = Heats(candidates, value).best(pixels, list(range(count)), places)
    for k in range(pictures):
        own = range(k * candidates, (k + 1) * candidates)
        wanted = sorted(own, key=lambda row: -scores[row])[:places]
        assert best[k * places : (k + 1) * places] == wanted


def test_only_some_rows_are_evaluated():
    seen = []

    def denoise(x_t, t):
        seen.append(len(x_t))
        return x_t * t.reshape(-1, 1).float()

    x_t, t = torch.arange(8.0).reshape(4, 2), torch.full((4,), 2.0)
    out = among(denoise, [3, 1])(x_t, t)
    assert seen == [2]
    assert torch.equal(out, 2 * x_t * torch.tensor([[0.0], [1], [0], [1]]))
    x0, fraction = among(lambda x, t: (x, 1 + x), [2])(x_t, t)
    assert x0.sum() == x_t[2].sum()
    assert torch.equal(fraction[2], 1 + x_t[2])


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_who_is_left_is_drawn_as_if_it_had_been_alone(cascade, sampler):
    request = Generation("a cat", seed=3, n=2, candidates=4, steps=7, sampler=sampler, size="64x64")
    plan = drain(plan_for(cascade, request))

    def drawn(plan, heats):
        with torch.inference_mode():
            return drain(
                cascade.decoder(
                    plan.z_i, plan.texts, plan.x_t, plan.generators, plan.sampling, heats=heats
                )
            )

    states = [generator.get_state() for generator in plan.generators]
    raced = drawn(plan, Heats(4, value))
    assert [row // 4 for row in raced.rows] == [0, 1]
    for generator, state in zip(plan.generators, states, strict=True):
        generator.set_state(state)
    alone = drawn(plan.rows(raced.rows), None)
    torch.testing.assert_close(raced.pixels, alone.pixels, atol=2e-4, rtol=0)


def test_fewer_rows_are_evaluated_toward_the_end(cascade, bundle):
    counts = []
    with bundle.decoder.register_forward_pre_hook(lambda net, given: counts.append(len(given[0]))):
        request = Generation(
            "a cat", seed=3, candidates=4, steps=6, size="64x64", guidance_scale=1.0
        )
        events = list(generate(cascade, request))
    assert counts == [4, 4, 2, 2, 1, 1]
    shown = [e.preview() for e in events if isinstance(e, Progress) and e.stage == "decoder"]
    assert [len(images) for images in shown] == [1] * 6


def test_without_an_image_tower_the_embedding_decides_before_anything_is_drawn(cascade, bundle):
    import dataclasses

    modules = {name: module for name, module in bundle.modules.items() if name != "image"}
    blind = Cascade(dataclasses.replace(bundle, modules=modules))
    counts = []
    with bundle.decoder.register_forward_pre_hook(lambda net, given: counts.append(len(given[0]))):
        request = Generation("a cat", seed=3, candidates=4, steps=2, size="64x64", guidance_scale=1)
        *_, picture = generate(blind, request)
    assert counts == [1, 1]
    plan = drain(plan_for(blind, request))
    assert picture.prior_score == pytest.approx(float(plan.fit.max()), abs=1e-6)


def test_sampling_config_of_one_step_still_chooses(cascade):
    plan = drain(plan_for(cascade, Generation("a cat", seed=3, candidates=3, size="64x64")))
    heats = Heats(3, value)
    with torch.inference_mode():
        drawing = drain(
            cascade.decoder(
                plan.z_i,
                plan.texts,
                plan.x_t,
                plan.generators,
                SamplingConfig("ddim", 1),
                heats=heats,
            )
        )
        every = drain(
            cascade.decoder(
                plan.z_i, plan.texts, plan.x_t, plan.generators, SamplingConfig("ddim", 1)
            )
        )
    assert drawing.rows == [int(value(every.pixels, []).argmax())]
