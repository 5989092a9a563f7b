"""The whole benchmark, with a tiny model and a judge that has learned nothing."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from PIL import Image

from unclip.errors import InvalidArgument
from unclip.evaluation.judge import Judge
from unclip.evaluation.paraphrases import paraphrases
from unclip.evaluation.prompts import make_prompts
from unclip.evaluation.report import exam_table, save, sheet, tasks_table, to_json
from unclip.evaluation.scoring import Rate, Verdict
from unclip.evaluation.world import World


@pytest.fixture(scope="module")
def world(engine, judge, vocabulary, composer):
    prompts = make_prompts(vocabulary, 1) + paraphrases(vocabulary, 1)
    return World(engine, judge, vocabulary, composer, prompts, images=2, seed=5, candidates=1)


@pytest.fixture(scope="module")
def asked(world):
    exam = world.exam()
    return exam, list(world.answers())


def test_pictures_come_from_the_engine_with_their_seeds(world, asked, engine):
    _, answers = asked
    assert len(answers) == world.pictures == 2 * len(world.prompts)
    assert [answer.seed for answer in answers] == list(range(5, 5 + len(answers)))
    third = answers[3]
    alone = engine.generate(third.prompt.text, seed=third.seed, size="256x256", candidates=1)
    assert alone[0].image.size == third.picture.size == (256, 256)


def test_the_report_adds_up(world, asked):
    exam, answers = asked
    report = world.report(exam, answers)
    assert sum(result.all.n for result in report.tasks.values()) == len(answers)
    assert exam.accepted.n == exam.false_accepts.n == len(answers)
    assert sum(rate.n for rate in exam.wrong_kinds.values()) == len(answers)
    assert report.closeness.n == len(answers)
    assert report.closeness.frechet > 0
    assert 0 <= report.closeness.diversity <= 2
    assert -1 <= report.closeness.clip_score <= 1
    assert report.settings["images"] == 2
    assert 0 <= report.score <= 1


def test_a_report_of_what_there_was_time_for(world, asked):
    exam, answers = asked
    report = world.report(exam, answers[:3])
    assert math.isnan(report.score)
    assert report.closeness.n == 3
    assert json.loads(json.dumps(to_json(report)))["score"] is None


def test_files_and_tables(world, asked, tmp_path):
    exam, answers = asked
    passed = dataclasses.replace(answers[0], verdict=Verdict((("cat", True),)))
    answers = [passed, *answers[1:]]
    report = world.report(exam, answers)
    table, picture = save(report, answers, tmp_path)
    data = json.loads(table.read_text())
    assert data["tasks"]["single_object"]["seen"]["right"] >= 1
    assert len(data["answers"]) == len(answers)
    assert data["exam"]["true"]["counting"]["n"] == 2
    with Image.open(picture) as drawn:
        assert drawn.size == sheet(answers).size
        colours = {colour for _, colour in drawn.getcolors(1 << 20)}
    assert (46, 125, 50) in colours
    assert (198, 40, 40) in colours
    assert tasks_table(report).row_count == len(report.tasks) + 1
    assert exam_table(exam).row_count > len(exam.true)


def test_a_rate_as_json(world, asked):
    exam, answers = asked
    shown = to_json(world.report(exam, answers))["tasks"]["position"]["unseen"]
    assert set(shown) == {"right", "n", "share", "low", "high"}
    assert (shown["share"] is None) == (shown["n"] == 0)
    assert Rate(1, 4).value == 0.25


def test_mistakes(engine, judge, vocabulary, composer):
    prompts = make_prompts(vocabulary, 1)
    small = Judge(judge.detector, judge.names[1:], judge.styles)
    with pytest.raises(InvalidArgument, match="judge does not know"):
        World(engine, small, vocabulary, composer, prompts)
    with pytest.raises(InvalidArgument, match="images is 11"):
        World(engine, judge, vocabulary, composer, prompts, images=11)
    with pytest.raises(InvalidArgument, match="size is"):
        World(engine, judge, vocabulary, composer, prompts, size="100x100")
