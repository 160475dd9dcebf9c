import gzip
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.errors import BadInput
from hybrid.questions import (
    EditionRow,
    QuestionRow,
    locate_quote,
    read_questions,
    read_text,
    write_questions,
)
from hybrid.records import Gold, Question, Turn

TEXTS = {"handbook": "The warranty lasts\n   five years. Batteries are excluded."}


def file(tmp_path, *rows):
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8"
    )
    return path


def row(id="q1", **more):
    return {"id": id, "question": "How long?"} | more


def test_a_minimal_row_has_the_defaults(tmp_path):
    read = read_questions(file(tmp_path, row()))
    assert read.questions == (Question("q1", "How long?", group="q1"),)


def test_a_quote_becomes_the_span_of_its_text(tmp_path):
    path = file(tmp_path, row(gold=[{"document": "handbook", "quote": "lasts five years"}]))
    (gold,) = read_questions(path, TEXTS).questions[0].gold
    assert TEXTS["handbook"][gold.start : gold.end] == "lasts\n   five years"


def test_group_is_the_first_gold_document(tmp_path):
    path = file(
        tmp_path, row(gold=[{"document": "handbook"}]), row("q2", group="own", gold=[{"document": "x"}])
    )
    assert [question.group for question in read_questions(path).questions] == ["handbook", "own"]


@pytest.mark.parametrize(
    "gold", [{"document": "handbook", "quote": "ten years"}, {"document": "gone", "quote": "x"}]
)
def test_a_question_whose_quote_is_missing_is_skipped(tmp_path, gold):
    read = read_questions(file(tmp_path, row(gold=[gold]), row("q2")), TEXTS)
    assert [question.id for question in read.questions] == ["q2"]
    assert read.skipped == ("q1",)


def test_no_question_left_is_a_fault(tmp_path):
    path = file(tmp_path, row(gold=[{"document": "handbook", "quote": "ten years"}]))
    with pytest.raises(BadInput, match="all 1 questions"):
        read_questions(path, TEXTS)


def test_unknown_answers_are_none_and_those_of_the_unanswerable_empty(tmp_path):
    path = file(tmp_path, row(answers=[], gold=[]), row("q2", answerable=False))
    known, unanswerable = read_questions(path).questions
    assert (known.answers, known.gold) == (None, None)
    assert (unanswerable.answers, unanswerable.gold) == ((), ())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"id": "q2"}, "question: Field required"),
        ("nope", "Invalid JSON"),
        (row("q1"), 'id: "q1" stands in row 1 already'),
        (row("q2", typo=1), "typo: unknown key"),
        (row("q2", answers=[" "]), r"answers\[0\]: is blank"),
        (row("q2", answerable="no"), "answerable: Input should be a valid boolean"),
        (row("q2", answerable=False, answers=["x"]), "answers are given, but answerable is false"),
        (row("q2", gold=[{"document": "d", "start": 1}]), r"gold\[0\]: start and end"),
        (row("q2", gold=[{"document": "d", "start": 2, "end": 2}]), r"gold\[0\]: end must be greater"),
        (row("q2", gold=[{"document": "d", "start": 1, "end": 2, "quote": "x"}]), r"gold\[0\]: give either"),
        (row("q2", gold=[{"document": "d", "quote": "x"}]), "gold: a quote needs the texts"),
        ('{"id": "q2", "question": "\\ud800"}', "Invalid JSON"),
        (row("q2", question="a\0b"), "question: holds a NUL"),
        (row("q2", tags=[""]), r"tags\[0\]: is blank"),
        (row("q2", tags="near-miss"), "tags: Input should be a valid array"),
        (row("q2", editions={"first": {"answers": ["x"]}}), r"editions.first.gold: Field required"),
    ],
)
def test_a_fault_is_named_by_file_and_row(tmp_path, bad, reason):
    with pytest.raises(BadInput, match=f"questions.jsonl:2: {reason}"):
        read_questions(file(tmp_path, row("q1"), bad))


def test_blank_lines_count_as_rows_but_hold_nothing(tmp_path):
    with pytest.raises(BadInput, match="questions.jsonl:3: question"):
        read_questions(file(tmp_path, row(), "", {"id": "q2"}))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("q.jsonl", b"", "holds no rows"),
        ("q.jsonl", b"ab\xff", "not UTF-8 at byte 2"),
        ("q.jsonl", b"a\0", "NUL at character 1"),
        ("q.jsonl.gz", b"plain", "not a whole gzip file"),
        ("q.jsonl.gz", gzip.compress(b"{}")[:-4], "not a whole gzip file"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=f"{name}: {reason}"):
        read_questions(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="gone.jsonl: No such file"):
        read_questions(tmp_path / "gone.jsonl")


def test_the_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa")
    assert read_text(tmp_path / "a.txt") == "a"


def test_tags_are_kept_in_their_order(tmp_path):
    path = file(tmp_path, row(tags=["near-miss", "table"]), row("q2"))
    assert [question.tags for question in read_questions(path).questions] == [("near-miss", "table"), ()]


def test_an_unanswerable_question_keeps_the_place_that_was_searched(tmp_path):
    path = file(tmp_path, row(answerable=False, gold=[{"document": "handbook", "quote": "five years"}]))
    (question,) = read_questions(path, TEXTS).questions
    assert question.gold == (Gold("handbook", 22, 32),)
    assert question.bound


FIVE = {"answers": ["five years"], "gold": [{"document": "handbook", "quote": "five years"}]}
SIX = {"answers": ["six years", "6"], "gold": [{"document": "handbook", "start": 4, "end": 12}]}
GONE = {"answers": [], "gold": []}


@pytest.fixture
def of_editions(tmp_path):
    """A question whose answer changes and is gone in the third edition, and one that stays the same."""
    editions = {"first": FIVE, "second": SIX, "third": GONE}
    return file(
        tmp_path,
        row(kind="number", group="handbook", split="seen", tags=["changed"], editions=editions),
        row("q2", answers=["no"]),
    )


@pytest.mark.parametrize(
    ("edition", "answers", "span"),
    [("first", ("five years",), (22, 32)), ("second", ("six years", "6"), (4, 12))],
)
def test_each_edition_has_its_own_answers_and_gold(of_editions, edition, answers, span):
    changed, same = read_questions(of_editions, TEXTS, edition=edition).questions
    assert changed == Question(
        "q1",
        "How long?",
        answers,
        gold=(Gold("handbook", *span),),
        kind="number",
        group="handbook",
        split="seen",
        tags=("changed",),
    )
    assert same == Question("q2", "How long?", ("no",), group="q2")


def test_what_an_edition_does_not_answer_is_unanswerable_in_it(of_editions):
    changed, same = read_questions(of_editions, TEXTS, edition="third").questions
    assert (changed.answerable, changed.answers, changed.gold) == (False, (), ())
    assert (changed.kind, changed.bound, changed.group) == ("unanswerable", False, "handbook")
    assert same.answerable


def test_a_row_without_editions_is_the_same_in_all():
    plain = QuestionRow(id="q1", question="How long?", kind="number")
    assert plain.of_edition(None) is plain
    assert plain.of_edition("first") is plain


def test_a_row_of_one_edition_has_no_editions_left():
    whole = QuestionRow(id="q1", question="How long?", editions={"first": EditionRow(answers=(), gold=())})
    assert whole.of_edition("first").editions is None
    assert whole.editions is not None


def test_an_edition_whose_quote_is_missing_skips_the_question(of_editions):
    texts = {"handbook": "The warranty lasts six years."}
    assert read_questions(of_editions, texts, edition="first").skipped == ("q1",)
    assert read_questions(of_editions, texts, edition="second").skipped == ()


@pytest.mark.parametrize(
    ("edition", "reason"),
    [
        (None, "editions: the suite does not say which one it asks"),
        ("frist", 'editions: there is no "frist"; known: first, second, third'),
    ],
)
def test_an_edition_that_is_not_there_is_named_by_row(of_editions, edition, reason):
    with pytest.raises(BadInput, match=f"questions.jsonl:1: {reason}$"):
        read_questions(of_editions, TEXTS, edition=edition)


words = st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text)
golds = st.builds(Gold, words) | st.builds(
    lambda d, s, n: Gold(d, s, s + n), words, st.integers(0, 99), st.integers(1, 9)
)
answerable = st.builds(
    Question,
    id=words,
    text=words,
    answers=st.none() | st.lists(words, min_size=1).map(tuple),
    gold=st.none() | st.lists(golds, min_size=1).map(tuple),
    kind=st.sampled_from(["", "fact"]),
    history=st.lists(st.builds(Turn, st.text(), st.text())).map(tuple),
    group=words,
    split=st.sampled_from(["seen", "unseen"]),
    part=st.sampled_from(["train", "dev", "test"]),
    tags=st.lists(words).map(tuple),
)
unanswerable = st.builds(
    Question,
    id=words,
    text=words,
    answers=st.just(()),
    answerable=st.just(False),
    gold=st.lists(golds).map(tuple),
    group=words,
)


@pytest.mark.parametrize("name", ["q.jsonl", "q.jsonl.gz"])
@given(questions=st.lists(answerable | unanswerable, min_size=1, unique_by=lambda question: question.id))
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(name, questions):
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        write_questions(path, questions)
        assert read_questions(path).questions == tuple(questions)
        assert os.listdir(folder) == [name]


@given(
    st.lists(words.map(lambda word: "".join(word.split())), min_size=1), st.sampled_from([" ", "\n  ", "\t"])
)
def test_a_quote_is_found_whatever_its_whitespace(parts, gap):
    text = f"before {gap.join(parts)} after"
    start, end = locate_quote(" ".join(parts), text)
    assert text[start:end].split() == parts
