import gzip
import json
import os
from collections import Counter

import pytest
import yaml

from hybrid.corpus.importing import import_set
from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, CorpusError
from hybrid.questions import read_questions
from hybrid.records import Gold
from hybrid.specs import SuiteSpec, load_spec

CONTEXT = "The Rhine is 1,230 km long. It ends in the North Sea."


def answer(text):
    return {"text": text, "answer_start": CONTEXT.index(text)}


def article(title, questions=5):
    qas = [
        {"id": f"{title}-{n}", "question": "Where?", "answers": [answer("North Sea")]}
        for n in range(questions)
    ]
    return {"title": title, "paragraphs": [{"context": CONTEXT, "qas": qas}]}


def squad(tmp_path, *articles):
    path = tmp_path / "set.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"version": "1.1", "data": articles}).encode()))
    return path


def rows(folder, documents, questions):
    folder.mkdir(exist_ok=True)
    for name, content in (("documents.jsonl", documents), ("questions.jsonl", questions)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return folder


def asked(home, name="rivers", file="questions.jsonl"):
    return read_questions(home / "suites" / name / file).questions


def left(home):
    return sorted(str(path.relative_to(home)) for path in home.glob("*/*"))


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_paragraph_becomes_a_document_with_spans(tmp_path, home):
    qas = [
        {"id": "a", "question": "Where?", "answers": [answer("the North Sea"), answer("North Sea")]},
        {"id": "b", "question": "How long?", "answers": [answer("1,230")]},
        {"id": "c", "question": "How deep?", "answers": [], "is_impossible": True},
    ]
    path = squad(tmp_path, {"title": "The_Rhine", "paragraphs": [{"context": CONTEXT, "qas": qas}]})
    import_set("rivers", format="squad", path=path, home=home, split_off=0)
    (document,) = Corpus.open("rivers", home=home).documents()
    assert (document.id, document.title, document.text) == ("The_Rhine/0", "The Rhine", CONTEXT)
    assert document.group == "The_Rhine"
    where, long, deep = asked(home)
    assert (where.answers, where.kind, where.group) == (("the North Sea", "North Sea"), "fact", "The_Rhine")
    start = CONTEXT.index("the North Sea")
    assert where.gold == (Gold("The_Rhine/0", start, start + 13),)
    assert (long.kind, deep.kind, deep.answerable, deep.gold) == ("number", "unanswerable", False, ())


def test_the_suite_is_one_that_can_be_loaded(tmp_path, home):
    made = import_set("rivers", format="squad", path=squad(tmp_path, article("A"), article("B")), home=home)
    spec = load_spec(SuiteSpec, made.suite)
    assert (spec.corpus, spec.questions, spec.training) == ("rivers", "questions.jsonl", "training.jsonl")
    import_set("plain", format="squad", path=squad(tmp_path, article("A")), home=home, split_off=0)
    assert "training" not in yaml.safe_load((home / "suites" / "plain" / "suite.yaml").read_text())


def test_half_of_the_groups_train_and_a_fifth_of_their_questions_stays(tmp_path, home):
    path = squad(tmp_path, *(article(title) for title in "ABCD"))
    made = import_set("rivers", format="squad", path=path, home=home)
    # 2 of 4 articles train: 10 questions, of which 2 stay back; 10 of the other articles are unseen.
    assert (made.training, made.seen, made.unseen, made.evaluation) == (8, 2, 10, 12)
    training, evaluation = asked(home, file="training.jsonl"), asked(home)
    assert {(question.part, question.split) for question in training} == {("train", "seen")}
    groups = {question.group for question in training}
    assert all((question.group in groups) == (question.split == "seen") for question in evaluation)
    assert {question.part for question in evaluation} == {"dev"}
    assert len({question.id for question in training + evaluation}) == 20


def test_the_division_depends_on_the_seed_alone(tmp_path, home):
    articles = [article(title) for title in "ABCDEFGH"]
    for name, seed, order in (("a", 0, articles), ("b", 0, articles[::-1]), ("c", 1, articles)):
        import_set(name, format="squad", path=squad(tmp_path, *order), home=home, seed=seed)
    ids = {name: {question.id for question in asked(home, name)} for name in "abc"}
    assert ids["a"] == ids["b"] != ids["c"]


def test_withheld_groups_leave_the_corpus_and_their_questions_lose_their_answers(tmp_path, home):
    path = squad(tmp_path, *(article(title) for title in "ABCDEFGH"))
    made = import_set("rivers", format="squad", path=path, home=home, withhold=0.25)
    # A quarter of the 4 groups of each side: 1 and 1.
    assert (made.documents, made.withheld_documents) == (6, 2)
    gone = set("ABCDEFGH") - {document.group for document in Corpus.open("rivers", home=home).documents()}
    training, evaluation = asked(home, file="training.jsonl"), asked(home)
    for side in (training, evaluation):
        assert len({question.group for question in side if not question.answerable} & gone) >= 1
    for question in training + evaluation:
        assert question.answerable == (question.group not in gone)
        if not question.answerable:
            assert (question.answers, question.gold, question.kind) == ((), (), "unanswerable")


DOCUMENTS = [{"id": id, "title": id.upper(), "text": CONTEXT} for id in "abcd"]


def test_rows_become_a_corpus_and_a_suite(tmp_path, home):
    questions = [
        {"id": "1", "question": "Where?", "answers": ["Sea"],
         "gold": [{"document": "a", "start": 43, "end": 52}]},
        {"id": "2", "question": "Which?", "gold": [{"document": "b"}], "kind": "list"},
        {"id": "3", "question": "Who?", "answerable": False},
        {"id": "4", "question": "And?", "gold": [{"document": "c", "quote": "North Sea"}],
         "history": [{"question": "Who?", "answer": "Me."}]},
        {"id": "5", "question": "Why?"},
    ]  # fmt: skip
    made = import_set(
        "rivers", format="jsonl", path=rows(tmp_path / "in", DOCUMENTS, questions), home=home, split_off=0
    )
    assert (made.documents, made.evaluation, made.training, made.unanswerable) == (4, 5, 0, 1)
    one, two, three, four, five = asked(home)
    assert (one.gold, one.group, two.kind, two.answers) == ((Gold("a", 43, 52),), "a", "list", None)
    assert (three.group, three.kind, three.answers) == ("3", "unanswerable", ())
    assert (four.gold[0].start, four.history[0].answer, five.gold) == (43, "Me.", None)


def test_questions_of_two_groups_train_only_if_both_do_and_are_dropped_if_one_is_withheld(tmp_path, home):
    pairs = [(a, b) for a in "abcd" for b in "abcd" if a < b]
    questions = [{"id": a + b, "question": "?", "gold": [{"document": a}, {"document": b}]} for a, b in pairs]
    questions += [{"id": id, "question": "?", "gold": [{"document": id}]} for id in "abcd"]
    path = rows(tmp_path / "in", DOCUMENTS, questions)
    import_set("rivers", format="jsonl", path=path, home=home)
    training = asked(home, file="training.jsonl")
    # 2 of 4 groups train; they have 2 own questions and 1 in common, one of the 3 stays back as seen;
    # 2 · 2 questions are about one group of either side, so seen; 2 + 1 questions are unseen.
    assert len({gold.document for question in training for gold in question.gold}) == 2
    assert Counter(question.split for question in asked(home)) == {"seen": 5, "unseen": 3}
    made = import_set("less", format="jsonl", path=path, home=home, split_off=0, withhold=0.25)
    # One of 4 groups is withheld: its own question cannot be answered, its 3 with the others are dropped.
    assert (made.documents, made.evaluation, made.unanswerable, made.dropped) == (3, 7, 1, 3)


@pytest.mark.parametrize(
    ("documents", "questions", "reason"),
    [
        ([], [{"id": "1", "question": "?"}], "documents.jsonl: holds no rows"),
        (DOCUMENTS, [], "questions.jsonl: holds no rows"),
        ([*DOCUMENTS, DOCUMENTS[0]], [], 'documents.jsonl:5: id: "a" stands in row 1 already'),
        ([{"id": "a", "text": " "}], [], "documents.jsonl:1: text: is blank"),
        (DOCUMENTS, [{"id": "1", "question": "?"}, {"id": "2"}], "questions.jsonl:2: question: Field"),
        (DOCUMENTS, [{"id": "1", "question": "?", "group": "g"}], "questions.jsonl:1: group: unknown key"),
        (DOCUMENTS, [{"id": "1", "question": "?", "gold": [{"document": "z"}]}],
         'questions.jsonl:1: gold[0]: there is no document "z"'),
        (DOCUMENTS, [{"id": "1", "question": "?", "gold": [{"document": "a", "start": 50, "end": 54}]}],
         "questions.jsonl:1: gold[0]: 50 to 54 is outside of a, which has 53 characters"),
        (DOCUMENTS, [{"id": "1", "question": "?", "gold": [{"document": "a", "quote": "Elbe"}]}],
         'questions.jsonl:1: gold[0]: the quote is not in document "a"'),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_imported(tmp_path, home, documents, questions, reason):
    with pytest.raises(BadInput) as caught:
        import_set("rivers", format="jsonl", path=rows(tmp_path / "in", documents, questions), home=home)
    assert reason in str(caught.value)
    assert left(home) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"answers": [{"text": "South Sea", "answer_start": 43}]},
            '[1]: answers[0]: "South Sea" is not at 43',
        ),
        ({"answers": []}, "[1]: answers: there is none"),
        ({"id": "B-0"}, '[1].id: "B-0" stands in the file already'),
        ({"question": None}, "[1].question: Input should be a valid string"),
    ],
)
def test_a_bad_question_is_named_by_its_place(tmp_path, home, change, reason):
    bad = article("B", 2)
    bad["paragraphs"][0]["qas"][1] |= change
    with pytest.raises(BadInput) as caught:
        import_set("rivers", format="squad", path=squad(tmp_path, article("A"), bad), home=home)
    assert f"set.json.gz: data[1].paragraphs[0].qas{reason}" in str(caught.value)
    assert left(home) == []


def test_a_missing_file_of_a_folder_is_named(tmp_path, home):
    with pytest.raises(BadInput, match="documents.jsonl: there is no such file"):
        import_set("rivers", format="jsonl", path=tmp_path, home=home)


@pytest.mark.parametrize(
    "shares", [{"split_off": 1.5}, {"split_off": -1}, {"withhold": 1}, {"withhold": -0.1}]
)
def test_shares_out_of_range_are_refused(tmp_path, home, shares):
    with pytest.raises(CorpusError, match="--split-off is 0 to 1"):
        import_set("rivers", format="squad", path=squad(tmp_path, article("A")), home=home, **shares)


def test_a_set_without_questions_to_evaluate_is_refused(tmp_path, home):
    with pytest.raises(CorpusError, match="lower --split-off"):
        import_set("rivers", format="squad", path=squad(tmp_path, article("A", 1)), home=home, split_off=1)
    assert left(home) == []


def test_a_name_is_taken_once_and_replaced_when_told(tmp_path, home):
    import_set("rivers", format="squad", path=squad(tmp_path, article("A")), home=home, split_off=0)
    path = squad(tmp_path, article("B"), article("C"))
    with pytest.raises(CorpusError, match='"rivers" exists already.*--replace'):
        import_set("rivers", format="squad", path=path, home=home)
    import_set("rivers", format="squad", path=path, home=home, replace=True)
    assert [document.id for document in Corpus.open("rivers", home=home).documents()] == ["B/0", "C/0"]
    assert left(home) == ["corpora/rivers", "suites/rivers"]


def test_a_failed_replacement_keeps_the_old(tmp_path, home, monkeypatch):
    import_set("rivers", format="squad", path=squad(tmp_path, article("A")), home=home, split_off=0)
    moved = []

    def rename(source, target, original=os.rename):
        moved.append(target)
        if len(moved) == 4:
            raise OSError("disk full")
        original(source, target)

    monkeypatch.setattr("hybrid.corpus.folders.os.rename", rename)
    with pytest.raises(OSError, match="disk full"):
        import_set(
            "rivers", format="squad", path=squad(tmp_path, article("B")), home=home, split_off=0, replace=True
        )
    assert [document.id for document in Corpus.open("rivers", home=home).documents()] == ["A/0"]
    assert {question.group for question in asked(home)} == {"A"}
    assert left(home) == ["corpora/rivers", "suites/rivers"]
