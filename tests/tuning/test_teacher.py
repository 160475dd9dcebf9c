import json
from dataclasses import replace

import pytest

from hybrid.errors import BadSpec, RunStopped
from hybrid.generation.abstention import ABSTENTION
from hybrid.models import find
from hybrid.progress import Silent
from hybrid.records import Gold, Question
from hybrid.specs import GenerationSpec
from hybrid.tuning.rows import TrainingRow
from hybrid.tuning.teacher import Teacher, find_teacher
from hybrid.tuning.tune import tune


class Lines(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture
def judged(suite):
    return replace(suite, spec=suite.spec.model_copy(update={"judge": "overlap"}))


@pytest.fixture
def teacher_saying(tiny_server, judged, monkeypatch):
    """A teacher on a real server, which says what a function of the prompt's text gives."""

    def make(say, *, suite=judged, progress=None, **keys):
        def write(model, ids, body):
            text = say(body["messages"][-1]["content"])
            return text, len(text.split()), "stop"

        monkeypatch.setattr("hybrid.testing_server._TinyModel.write", write)
        spec = GenerationSpec(**{"server": {"retries": 0}} | keys)
        return Teacher(find(f"endpoint:tiny@{tiny_server.url}"), spec, suite, progress or Silent())

    return make


@pytest.fixture
def rows(small_corpus):
    """Of the fig: a row that tells, one that does not, one without passages."""
    colour, price = small_corpus.holding(Gold("fig.md"))
    grape = small_corpus.holding(Gold("grape.md"))[0]
    fig = Question("fig", "What does one fig cost?", ("15 cents",), gold=(Gold("fig.md", 40, 48),))
    return [
        TrainingRow(
            fig, "gold", (grape, price, colour), ("15 cents",), frozenset({price.id}), numbers=(7, 3, 9)
        ),
        TrainingRow(fig, "distractors", (grape, colour), (ABSTENTION,)),
        TrainingRow(fig, "no_context", (), ("15 cents",)),
    ]


def answers(teacher):
    return {fate: count for fate, count in teacher.to_json()["answers"].items() if count}


def test_a_supported_correct_and_cited_answer_becomes_the_target(teacher_saying, rows):
    teacher = teacher_saying(lambda _: "One fig costs 15 cents [2]. The fig is of colour number 5 [3].")
    taught = teacher.teach(rows)
    # Under the numbers of this very row: the second passage is offered as [3], the third as [9].
    assert taught[0].target == "One fig costs 15 cents. [3] The fig is of colour number 5. [9]"
    assert taught[0].cited == {rows[0].passages[1].id, rows[0].passages[2].id}
    assert taught[1:] == rows[1:]
    assert answers(teacher) == {"kept": 1}


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        ("15 cents", "uncited"),
        ("15 cents [1]", "uncited"),
        ("15 cents [2][4]", "uncited"),
        ("16 cents [2]", "wrong"),
        ("One fig costs 15 cents [2]. Figs were brought to Spain by sailors [2].", "unsupported"),
        (ABSTENTION, "silent"),
        ("", "silent"),
        ("15 cents [2] and so on and so forth and so on", "cut_off"),
    ],
)
def test_an_answer_that_cannot_be_trusted_leaves_the_reference(teacher_saying, rows, said, fate):
    teacher = teacher_saying(lambda _: said, max_new_tokens=12 if fate != "cut_off" else 9)
    if fate == "unsupported":
        teacher = teacher_saying(lambda _: said)
    assert teacher.teach(rows) == rows
    assert answers(teacher) == {fate: 1}


def test_only_rows_that_tell_are_sent_and_the_host_is_named_before(teacher_saying, rows, tiny_server):
    progress = Lines()
    teacher_saying(lambda _: "15 cents [2]", progress=progress).teach(rows)
    [(_, body)] = tiny_server.requests
    assert rows[0].passages[0].text in body["messages"][-1]["content"]
    host = tiny_server.url.split("/")[2]
    assert progress.lines == [
        f"1 questions with their passages are sent to {host} (this machine), for the teacher tiny."
    ]
    silent = Lines()
    teacher_saying(lambda _: "15 cents [2]", progress=silent).teach(rows[1:])
    assert silent.lines == [] and len(tiny_server.requests) == 1


def test_a_judge_that_gives_no_verdict_supports_nothing(teacher_saying, judged, rows):
    spec = judged.spec.model_copy(update={"judge": "grounding", "language": "zh"})
    teacher = teacher_saying(lambda _: "15 cents [2]", suite=replace(judged, spec=spec))
    assert teacher.teach(rows) == rows
    assert answers(teacher) == {"unsupported": 1}


def test_requests_that_fail_stop_and_what_was_answered_is_kept(teacher_saying, rows, tiny_server):
    other = replace(rows[0], passages=rows[0].passages[::-1])
    tiny_server.faults.append("down")
    teacher = teacher_saying(lambda _: "15 cents [2]", server={"retries": 0, "concurrency": 1})
    with pytest.raises(RunStopped, match="1 of 2 answers are missing"):
        teacher.teach([rows[0], other])
    teacher.teach([rows[0], other])
    assert len(tiny_server.requests) == 3


def test_the_manifest_tells_of_the_teacher_and_never_of_the_key(
    teacher_saying, pipeline, judged, small_retriever, tiny_weights, tiny_server, monkeypatch, state_folder
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    teacher_saying(lambda _: "15 cents [1]")
    served = find(f"endpoint:tiny@{tiny_server.url}")
    tuning = pipeline.tuning.model_copy(update={"rows": 12, "max_steps": 1, "canaries": 1})
    spec = pipeline.model_copy(update={"tuning": tuning})
    adapter = tune(spec, judged, small_retriever, tiny_weights, teacher=served)
    told = adapter.manifest["sources"][0]["teacher"]
    assert told["name"] == served.name and told["judge"]["name"] == "overlap of words and numbers"
    assert sum(told["answers"].values()) == len(tiny_server.requests) > 0
    assert set(tiny_server.keys) == {"Bearer sk-secret"}
    kept = [path for path in state_folder.rglob("*") if path.is_file()]
    assert not any(b"sk-secret" in path.read_bytes() for path in kept)
    plain = tune(spec, judged, small_retriever, tiny_weights)
    assert plain.path != adapter.path and "teacher" not in json.dumps(dict(plain.manifest))


@pytest.mark.parametrize(
    "name", ["gpt", "bundled:smollm2", "endpoint:model", "endpoint:m@http://example.com/v1"]
)
def test_a_name_that_is_no_server_is_refused_before_any_work(name):
    with pytest.raises(BadSpec):
        find_teacher(name)
