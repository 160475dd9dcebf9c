"""The built-in suites hold what they promise: every span, split, quota and edition."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from hybrid import library
from hybrid.corpus import schema
from hybrid.corpus.builtin import CorpusSpec, builtin_documents
from hybrid.generation.abstention import abstains
from hybrid.generation.correctness import correct
from hybrid.questions import read_questions
from hybrid.records import Question
from hybrid.specs import SuiteSpec, load_spec

SUITES = sorted(library.builtin_suites())
DIVIDED = ["marrowick", "marrowick-first-edition", "marrowick-second-edition", "python-reference", "qinglan"]


def documents(corpus: str) -> dict[str, str]:
    manifest = library.builtin_corpora()[corpus]
    found = builtin_documents(load_spec(CorpusSpec, manifest), manifest.parent)
    return {document.id: document.text for document in found}


class Data:
    """A suite's questions with the texts that they are about."""

    def __init__(self, name: str) -> None:
        path = library.builtin_suites()[name]
        spec = load_spec(SuiteSpec, path)
        self.texts = documents(spec.corpus)
        file = read_questions(path.parent / spec.questions, self.texts, edition=spec.edition)
        self.questions, self.skipped = file.questions, file.skipped
        self.training: tuple[Question, ...] = ()
        self.untrained: tuple[str, ...] = ()
        if spec.training:
            training = read_questions(path.parent / spec.training, self.texts, edition=spec.edition)
            self.training, self.untrained = training.questions, training.skipped

    @property
    def trained_documents(self) -> set[str]:
        return {gold.document for question in self.training for gold in question.gold or ()}


@pytest.fixture(scope="module")
def data(request: pytest.FixtureRequest) -> Data:
    return Data(request.param)


def words(text: str) -> str:
    return " " + " ".join(re.findall(r"\w+", text.casefold())) + " "


@pytest.mark.parametrize("name", sorted(library.builtin_corpora()))
def test_a_manifest_names_the_digest_of_the_texts_beside_it(name):
    manifest = library.builtin_corpora()[name]
    spec = load_spec(CorpusSpec, manifest)
    found = builtin_documents(spec, manifest.parent)
    pairs = ((document.id, schema.document_digest(document)) for document in found)
    assert spec.sha256 in (None, schema.corpus_digest(pairs, spec.passage_chars))
    assert spec.sha256 or spec.source.kind == "pydoc-topics"


@pytest.mark.parametrize("data", SUITES, indirect=True)
def test_every_gold_is_in_the_corpus(data):
    assert data.skipped == ()


@pytest.mark.parametrize("data", DIVIDED, indirect=True)
def test_every_training_gold_is_in_the_corpus(data):
    assert data.untrained == ()


@pytest.mark.parametrize("data", DIVIDED, indirect=True)
def test_unseen_questions_rest_on_documents_without_training_questions(data):
    for question in data.questions:
        if question.gold and question.split == "unseen":
            assert not {gold.document for gold in question.gold} & data.trained_documents, question.id


@pytest.mark.parametrize("data", DIVIDED, indirect=True)
def test_no_question_is_asked_twice(data):
    asked = Counter(words(question.full_text) for question in (*data.questions, *data.training))
    assert [text for text, times in asked.items() if times > 1] == []


@pytest.mark.parametrize("data", ["marrowick"], indirect=True)
def test_no_long_reference_of_an_unseen_question_stands_in_a_training_document(data):
    trained = {id: words(data.texts[id]) for id in data.trained_documents}
    leaks = [
        (question.id, answer, id)
        for question in data.questions
        if question.split == "unseen"
        for answer in question.answers or ()
        if len(words(answer).split()) > 2
        for id, text in trained.items()
        if words(answer) in text
    ]
    assert leaks == []


@pytest.mark.parametrize("data", ["marrowick"], indirect=True)
def test_the_fictional_corpus_is_large_and_its_questions_are_of_all_kinds(data):
    assert len(data.texts) >= 40
    assert sum(len(text.split()) for text in data.texts.values()) >= 12_000
    assert len(data.training) >= 240
    parts = Counter((question.part, question.split) for question in data.questions)
    assert min(parts[part, split] for part in ("dev", "test") for split in ("seen", "unseen")) >= 48
    kinds = Counter(question.kind for question in data.questions)
    assert set(kinds) == {"fact", "number", "date", "yes_no", "list", "two_passages", "unanswerable"}
    assert kinds["unanswerable"] >= len(data.questions) / 5
    assert sum(bool(question.history) for question in data.questions) >= 18
    assert sum("near-miss" in question.tags for question in data.questions) >= 80


@pytest.mark.parametrize("data", ["qinglan"], indirect=True)
def test_the_chinese_corpus_has_ten_documents_and_forty_questions(data):
    assert (len(data.texts), len(data.questions)) == (10, 40)


@pytest.mark.parametrize("data", DIVIDED, indirect=True)
def test_every_answer_is_one_and_unanswerable_questions_have_none(data):
    for question in (*data.questions, *data.training):
        assert question.answerable == bool(question.answers) == bool(question.gold), question.id
        assert all(correct(answer, question) for answer in question.answers or ()), question.id


@pytest.mark.parametrize("data", DIVIDED, indirect=True)
def test_short_references_stand_in_their_quotes(data):
    """Numbers may be computed and yes and no are judgements; a fact or a date is told in its own words."""
    for question in (*data.questions, *data.training):
        if question.kind == "fact" and question.gold:
            told = "".join(data.texts[gold.document][gold.start : gold.end] for gold in question.gold)
            assert any(
                set(words(answer).split()) & set(words(told).split()) for answer in question.answers
            ) or (any(answer in told for answer in question.answers)), question.id


def test_the_editions_differ_as_promised():
    first, second = documents("marrowick"), documents("marrowick-second")
    assert len(first.keys() - second.keys()) >= 8
    assert len(second.keys() - first.keys()) >= 8
    rows = [
        json.loads(line)
        for line in (library.builtin_folder("eval") / "marrowick" / "editions.jsonl").read_text().splitlines()
    ]
    changed = [row for row in rows if all(row["editions"][edition]["answers"] for edition in row["editions"])]
    assert len(changed) >= 100
    for row in changed:
        before, after = (row["editions"][edition]["answers"] for edition in ("first", "second"))
        kind = row["kind"]
        assert not any(correct(a, Question("", "", tuple(after), kind=kind)) for a in before), row["id"]
        assert not any(correct(a, Question("", "", tuple(before), kind=kind)) for a in after), row["id"]


def test_no_distractor_of_common_knowledge_answers_its_question():
    data = Data("common-knowledge")
    assert len(data.questions) >= 120
    for question in data.questions:
        near = words(data.texts[f"{question.id}-near"])
        asked = words(question.text)
        held = [answer for answer in question.answers or () if words(answer) in near]
        assert [answer for answer in held if words(answer) not in asked] == [], question.id


def test_readers_answer_forty_questions_as_the_references_do():
    """The record of the check: answers written from the documents alone, without sight of the references."""
    questions = {question.id: question for question in Data("marrowick").questions}
    path = Path(library.builtin_corpora()["marrowick"]).parent / "answerability.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    agreed = [
        correct(answer, question) if question.answerable else abstains(answer)
        for row in rows
        for question in [questions[row["id"]]]
        for answer in row["answers"]
    ]
    assert len(agreed) == 120
    assert sum(agreed) >= 0.95 * len(agreed)


def test_the_known_questions_are_questions_of_the_suite():
    path = library.builtin_suites()["common-knowledge"]
    spec = load_spec(SuiteSpec, path)
    asked = {question.id for question in Data("common-knowledge").questions}
    for file in spec.known.values():
        known = (path.parent / file).read_text().splitlines()
        assert len(known) >= 30 and set(known) <= asked and len(set(known)) == len(known)
