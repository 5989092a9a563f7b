"""What a prompt brings to mind. The texts' embeddings are made up here, so that all is known."""

import pytest
import torch
from torch.nn import functional as F

from unclip.config import MemoryConfig
from unclip.corpus.phrases import STYLE_OF
from unclip.models.memory import Memory
from unclip.pipeline.stages import MemoryStage
from unclip.pipeline.stages.memory import SKIN

SIZE = 16
THINGS = ("dog", "hot dog", "cat", "traffic light")
NOTHING = ("red", "to the left of", "3d render")


def embed(texts):
    """Each text's own direction, the same at every call; a word more is no neighbour."""
    made = []
    for text in texts:
        generator = torch.Generator().manual_seed(sum(text.lower().encode()) * 7 + len(text))
        made.append(F.normalize(torch.randn(SIZE, generator=generator), dim=0))
    return torch.stack(made)


def drawings(thing: int, n: int = 3) -> torch.Tensor:
    return F.normalize(torch.eye(SIZE)[thing] + 0.1 * torch.eye(SIZE)[8 : 8 + n], dim=1)


@pytest.fixture
def memory():
    memory = Memory(MemoryConfig(20, 12, SIZE))  # with room left over
    rows = torch.cat([drawings(k) for k in range(len(THINGS))])
    of = [*range(len(THINGS)), *[-1] * len(NOTHING)]
    counts = [3] * len(THINGS)
    styles = [k % 3 for k in range(len(rows))], [*[-1] * (len(of) - 1), 2]  # the last: 3d render
    names = embed((*THINGS, *NOTHING))
    memory.remember(rows, torch.zeros(len(rows)), counts, names, of, *styles)
    return memory


@pytest.fixture
def stage(memory):
    return MemoryStage(memory, embed, 2)


def names(stage, prompt):
    return [THINGS[named.thing] for named in stage.named(prompt)[0]]


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a dog", ["dog"]),
        ("dog to the left of cat", ["dog", "cat"]),
        ("cat and dog", ["cat", "dog"]),
        ("a red hot dog, 3d render", ["hot dog"]),
        ("a traffic light beside a hot dog and a cat", ["traffic light", "hot dog"]),
        # the last noun of several is what it is
        ("a cat dog", ["dog"]),
        ("a dog red cat", ["cat"]),
        ("a dog, cat", ["dog", "cat"]),
    ],
)
def test_things_are_found_by_name_in_the_prompts_order(stage, prompt, expected):
    assert names(stage, prompt) == expected


@pytest.mark.parametrize("prompt", ["red", "to the left of", "!?", "zxcv qwer", "x " * 500])
def test_something_always_comes_to_mind(stage, prompt):
    assert len(stage.named(prompt)[0]) == 1
    anchors = stage(prompt, embed([prompt]), generators(1, 2))
    assert anchors.shape == (2, 1, SIZE)
    torch.testing.assert_close(anchors.norm(dim=2), torch.ones(2, 1))


def test_each_seed_has_its_own_drawing_and_keeps_its_numbers(stage):
    many = generators(*range(40))
    before = [g.get_state() for g in many]
    anchors = stage("a dog", torch.zeros(1, SIZE), many)
    assert all(torch.equal(g.get_state(), state) for g, state in zip(many, before, strict=True))
    nearest = (anchors[:, 0] @ drawings(0).T).argmax(dim=1)
    assert set(nearest.tolist()) == {0, 1, 2}
    torch.testing.assert_close(anchors[:, 0], drawings(0)[nearest], atol=0.01, rtol=0)
    torch.testing.assert_close(stage("a dog", torch.zeros(1, SIZE), generators(7))[0], anchors[7])


def test_what_looks_like_the_prompt_comes_first(stage):
    wanted = torch.eye(SIZE)[9][None]  # only the second drawing has any of it
    anchors = stage("a dog", 10 * wanted, generators(*range(20)))
    assert ((anchors[:, 0] @ drawings(0).T).argmax(dim=1) == 1).all()


@pytest.mark.parametrize(
    "prompt",
    ["a dog with dark skin", "a dark-skinned dog", "a dog, dark skin", "dog has dark skin"],
)
def test_a_skin_is_no_thing_and_decides_among_drawings(memory, prompt):
    toned = {f"a person with {name} skin": torch.eye(SIZE)[8] for name in ("light", "medium")}
    toned["a person with dark skin"] = torch.eye(SIZE)[10]  # as only the third drawing has

    def embed_skins(texts):
        return torch.stack([toned.get(text, embed([text])[0]) for text in texts])

    stage = MemoryStage(memory, embed_skins, 2)
    assert names(stage, prompt) == ["dog"]
    anchors = stage(prompt, torch.zeros(1, SIZE), generators(*range(40)))
    picks = (anchors[:, 0] @ drawings(0).T).argmax(dim=1)
    assert (picks == 2).float().mean() > 0.5  # a third by chance


@pytest.mark.parametrize(("few", "found"), [(1, "dog"), (2, "red dog")])
def test_a_thing_in_a_colour_gives_way_to_one_of_many_more_drawings(few, found):
    memory, called = Memory(MemoryConfig(20, 12, SIZE)), ("dog", "red dog")
    rows = torch.cat([drawings(0), drawings(1, few)])
    styles = [0] * len(rows), [-1] * 2
    memory.remember(rows, torch.zeros(len(rows)), [3, few], embed(called), [0, 1], *styles)
    stage = MemoryStage(memory, embed, 2)
    assert [called[one.thing] for one in stage.named("red dog")[0]] == [found]
    assert [called[one.thing] for one in stage.reader()("two red dog")] == [found]


def test_skins_are_told_from_other_words():
    for text in ("a snake sheds its skin", "dark hair", "a skinny dog", "a light bulb"):
        assert SKIN.search(text) is None
    assert SKIN.search("a woman with medium-dark skin")[1] == "medium-dark"


def test_a_style_that_is_named_is_kept_to_where_it_can_be(stage, memory):
    anchors = stage("a dog, 3d render", torch.zeros(1, SIZE), generators(*range(20)))
    assert ((anchors[:, 0] @ drawings(0).T).argmax(dim=1) == 2).all()
    memory.drawing_style[:3] = 0  # no dog is in it now
    anchors = stage("a dog, 3d render", torch.zeros(1, SIZE), generators(*range(20)))
    assert set((anchors[:, 0] @ drawings(0).T).argmax(dim=1).tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    "prompt", ["clip art of a dog", "A clip art drawing of a dog", "a dog, clipart"]
)
def test_a_style_is_known_by_captions_words_too(stage, memory, prompt):
    memory.drawing_style[1] = tuple(STYLE_OF).index("clip art")
    anchors = stage(prompt, torch.zeros(1, SIZE), generators(*range(20)))
    assert ((anchors[:, 0] @ drawings(0).T).argmax(dim=1) == 1).all()


def test_weight_decides_where_the_prompt_does_not(memory):
    memory.weight[0] = 20.0
    anchors = MemoryStage(memory, embed, 1)("dog", torch.zeros(1, SIZE), generators(*range(20)))
    assert ((anchors[:, 0] @ drawings(0).T).argmax(dim=1) == 0).all()


def test_eight_bits_cost_half_a_percent(memory):
    made = F.normalize(torch.randn(20, SIZE), dim=1)
    memory.remember(made, torch.zeros(20), [20], embed(THINGS[:1]), [0], [-1] * 20, [-1])
    assert (memory.drawing(slice(0, 20)) - made).norm(dim=1).max() < 0.01
    assert len(memory) == 20


def test_a_picture_has_its_taste_whatever_else_is_drawn(stage):
    """Candidates of one picture are after the same drawing more often than those of several."""
    rows = generators(*range(80))
    anchors = stage("a dog", torch.zeros(1, SIZE), rows, each=4)
    torch.testing.assert_close(
        stage("a dog", torch.zeros(1, SIZE), generators(8, 9, 10, 11), each=4), anchors[8:12]
    )
    picks = (anchors[:, 0] @ drawings(0).T).argmax(dim=1).reshape(20, 4)
    assert set(picks.flatten().tolist()) == {0, 1, 2}
    within = (picks[:, :1] == picks[:, 1:]).float().mean()
    between = (picks[:1] == picks[1:]).float().mean()
    assert within > between + 0.1


def test_a_reader_reads_each_phrase_once(memory):
    asked: list[str] = []

    def counted(texts):
        asked.extend(texts)
        return embed(texts)

    stage = MemoryStage(memory, counted, 2)
    things = stage.reader()
    found = [THINGS[one.thing] for one in things("a hot dog and a cat")]
    assert found == ["hot dog", "cat"]
    before = len(asked)
    assert [THINGS[one.thing] for one in things("a cat")] == ["cat"]
    assert things("and a") == []
    assert len(asked) == before == len(set(asked))
    assert [(one.start, one.end) for one in things("red dog")] == [(1, 2)]
