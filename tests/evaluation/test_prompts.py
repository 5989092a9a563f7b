from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from unclip.corpus.names import uncoloured
from unclip.corpus.split import held_out_combination, held_out_pair
from unclip.errors import InvalidArgument
from unclip.evaluation.paraphrases import paraphrases
from unclip.evaluation.prompts import GENEVAL, TASKS, Prompt, Wanted, make_prompts


@pytest.fixture(scope="module")
def prompts(vocabulary):
    return make_prompts(vocabulary, 12)


def test_they_are_a_function_of_the_seed(vocabulary, prompts):
    assert make_prompts(vocabulary, 12) == prompts
    assert make_prompts(vocabulary, 12, seed=1) != prompts


def test_each_is_asked_once_and_every_task_is_there(prompts):
    texts = Counter((prompt.task, prompt.text) for prompt in prompts)
    assert max(texts.values()) == 1
    tasks = Counter(prompt.task for prompt in prompts)
    assert set(tasks) == set(TASKS)
    assert max(tasks.values()) <= 12
    assert len(GENEVAL) == 6


def test_a_text_says_what_is_wanted(prompts):
    for prompt in prompts:
        for wanted in prompt.include:
            if wanted.count == 1:
                assert wanted.name in prompt.text
            if wanted.colour:
                assert f"{wanted.colour} " in prompt.text
        if prompt.relation:
            assert prompt.relation in prompt.text
        assert (prompt.task == "style") <= (prompt.style is not None)
        if prompt.task == "atoms":
            assert 3 <= prompt.atoms <= 6


def test_atoms():
    wanted = Wanted("cat", 2, "red"), Wanted("apple", colour="blue")
    prompt = Prompt("atoms", "", wanted, "above", "cartoon")
    assert (prompt.atoms, prompt.objects) == (7, 3)
    bare = dataclasses.replace(prompt, include=(Wanted("cat"),), relation=None, style=None)
    assert (bare.atoms, bare.objects) == (1, 1)


def test_unseen_is_what_the_corpus_never_shows(vocabulary, prompts):
    for prompt in prompts:
        things = [vocabulary.things[wanted.name] for wanted in prompt.include]
        first = [thing.concepts[0] for thing in things]
        parts = [
            held_out_combination(concept, wanted.count)
            for concept, wanted in zip(first, prompt.include, strict=True)
            if wanted.count > 1
        ]
        parts += [
            held_out_combination(uncoloured(concept), wanted.colour)
            for concept, wanted in zip(first, prompt.include, strict=True)
            if wanted.colour and wanted.colour not in concept.split()
        ]
        if len(first) == 2:
            parts.append(held_out_pair(*first))
        if prompt.seen:
            assert not any(parts), prompt
        elif prompt.task != "style" and prompt.style is None:
            assert any(parts), prompt


def test_mistakes(vocabulary):
    with pytest.raises(InvalidArgument, match="per-task is 0"):
        make_prompts(vocabulary, 0)
    with pytest.raises(InvalidArgument, match="tasks has 'dancing'"):
        make_prompts(vocabulary, 1, tasks=("dancing",))


def test_paraphrases_hold_no_word_of_the_corpus(vocabulary, store):
    made = paraphrases(vocabulary, 200)
    assert made == paraphrases(vocabulary, 200)
    assert len(paraphrases(vocabulary, 3)) == 3
    assert len({prompt.text for prompt in made}) == len(made)
    for prompt in made:
        (wanted,) = prompt.include
        names = {store[i].concept for i in vocabulary.things[wanted.name].drawings}
        assert not any(f" {name} " in f" {prompt.text} " for name in names)
    # "car" is also called an automobile by the tiny store's words
    assert not any("automobile" in prompt.text for prompt in made)
