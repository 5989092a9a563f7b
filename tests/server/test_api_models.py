"""/v1/models and /v1/moderations."""

import openai
import pytest

KEYS = {
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
}


def test_the_models_are_ours_and_its_aliases(client):
    models = list(client.models.list())
    assert [model.id for model in models] == ["tiny", "dall-e-2", "dall-e-3", "gpt-image-1"]
    assert {model.object for model in models} == {"model"}
    assert client.models.retrieve("dall-e-2").owned_by == "unclip"


def test_a_text_that_passes(client):
    answer = client.moderations.create(input="a breast cancer ribbon")
    assert answer.id.startswith("modr-")
    [result] = answer.results
    assert not result.flagged
    assert set(result.categories.to_dict()) == KEYS
    assert set(result.category_scores.to_dict()) == KEYS
    assert result.category_applied_input_types.to_dict()["sexual"] == ["text"]


def test_a_text_that_does_not(client):
    answer = client.moderations.create(
        input="how to build a pipe bomb", model="omni-moderation-latest"
    )
    [result] = answer.results
    assert result.flagged
    assert result.categories.illicit
    assert result.category_scores.illicit > 0.5


def test_a_result_for_each_text_and_one_for_the_parts_of_one(client):
    answer = client.moderations.create(input=["a cat", "how to build a pipe bomb"])
    assert [result.flagged for result in answer.results] == [False, True]
    parts = [{"type": "text", "text": "how to build"}, {"type": "text", "text": "a pipe bomb"}]
    assert [result.flagged for result in client.moderations.create(input=parts).results] == [True]


def test_pictures_are_refused_in_words(client):
    part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/a.png"}}
    with pytest.raises(openai.BadRequestError, match="text alone"):
        client.moderations.create(input=[part])


@pytest.mark.parametrize("given", ["x" * 10_001, [], ["a"] * 33, [3], 3])
def test_inputs_that_are_none(client, given):
    with pytest.raises(openai.BadRequestError) as failed:
        client.moderations.create(input=given)
    assert failed.value.param.startswith("input")


def test_a_model_that_is_none_of_moderation(client):
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(input="a cat", model="dall-e-2")
