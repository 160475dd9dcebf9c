import json

import pytest
import yaml

from hybrid.corpus.store import Corpus
from hybrid.errors import BadInput, BadSpec, CorpusError, NoTrainingQuestions, UnknownName
from hybrid.records import Document, Gold
from hybrid.suites import load_suite, suite_name

FIG = {
    "id": "fig",
    "question": "Fig?",
    "answers": ["15"],
    "gold": [{"document": "fig.md", "quote": "15 cents"}],
}
GONE = {
    "id": "gone",
    "question": "Kiwi?",
    "answers": ["9"],
    "gold": [{"document": "fig.md", "quote": "9 cents"}],
}
TEST = {"id": "test", "question": "Who?", "answerable": False, "part": "test"}


@pytest.fixture
def write(tmp_path, small_corpus):
    """Writes a suite over the small corpus and gives its path."""

    def write(questions=(FIG, TEST), training=None, /, **spec):
        spec = {"corpus": "fruit", "questions": "q.jsonl"} | spec
        (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions))
        if training:
            spec["training"] = "t.jsonl"
            (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in training))
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(spec))
        return str(tmp_path / "mine.yaml")

    return write


def test_quotes_become_spans_of_the_corpus(write, small_corpus):
    suite = load_suite(write([FIG], [FIG]))
    start = small_corpus.document("fig.md").text.index("15 cents")
    assert suite.questions[0].gold == (Gold("fig.md", start, start + 8),)
    assert suite.training[0].gold == suite.questions[0].gold
    assert (suite.name, suite.corpus.name, suite.skipped) == ("mine", "fruit", ())


def test_what_is_skipped_is_said(write):
    said = []
    suite = load_suite(write([FIG, GONE], [FIG, {**GONE, "id": "gone too"}]), say=said.append)
    assert suite.skipped == ("gone", "gone too")
    assert [question.id for question in (*suite.questions, *suite.training)] == ["fig", "fig"]
    assert said == ["2 questions skipped: their gold is not in this edition of the corpus."]


def test_nothing_is_said_if_nothing_is_skipped(write):
    said = []
    load_suite(write(), say=said.append)
    assert said == []


def test_parts_are_told_apart(write):
    suite = load_suite(write())
    assert [question.id for question in suite.part("dev")] == ["fig"]
    assert [question.id for question in suite.part("test")] == ["test"]
    assert suite.part("train") == []


def test_a_suite_without_training_questions_names_the_way_out(write):
    suite = load_suite(write())
    assert suite.training == ()
    with pytest.raises(
        NoTrainingQuestions, match='"mine" has no training questions.*--adapter.*--cells base,base'
    ):
        suite.require_training()


def test_another_corpus_can_be_asked(write):
    Corpus.create("kiwis", documents=[Document("fig.md", "", "One kiwi costs 9 cents.")]).close()
    suite = load_suite(write([FIG, GONE]), corpus="kiwis")
    assert (suite.corpus.name, suite.questions[0].gold) == ("kiwis", (Gold("fig.md", 15, 22),))
    assert suite.skipped == ("fig",)


@pytest.mark.parametrize(
    ("spec", "error", "reason"),
    [
        ({"corpus": "friut"}, UnknownName, 'Unknown corpus "friut".*Did you mean "fruit"'),
        ({"qestions": "q"}, BadSpec, "qestions: unknown key. Known here: answers, corpus"),
        ({"questions": "none.jsonl"}, BadInput, r"none\.jsonl: No such file"),
    ],
)
def test_a_fault_is_one_line(write, spec, error, reason):
    with pytest.raises(error, match=reason) as caught:
        load_suite(write(**spec))
    assert "\n" not in str(caught.value)


def test_a_bad_row_is_named_by_file_and_row(write):
    with pytest.raises(BadInput, match=r"q\.jsonl:2: qestion: unknown key"):
        load_suite(write([FIG, {**TEST, "qestion": "?"}]))


def test_questions_whose_quotes_are_all_gone_are_refused(write):
    with pytest.raises(BadInput, match=r"q\.jsonl: the gold of all 1 questions is missing"):
        load_suite(write([GONE]))


def test_an_empty_corpus_is_said_before_its_quotes_are_missed(write):
    Corpus.create("nothing").close()
    with pytest.raises(CorpusError, match='"nothing" is empty. Add documents'):
        load_suite(write(), corpus="nothing")


def test_an_unknown_suite_is_named_with_a_hint():
    with pytest.raises(UnknownName, match='Unknown suite "python-referenc".*Did you mean "python-reference"'):
        load_suite("python-referenc")


def test_imported_suites_are_named_by_their_folder(tmp_path):
    assert suite_name(tmp_path / "mine" / "suite.yaml") == "mine"
    assert suite_name(tmp_path / "mine" / "other.yaml") == "other"


def test_the_builtin_suite_loads_whole():
    said = []
    suite = load_suite("python-reference", say=said.append)
    assert suite.part("dev") and suite.part("test") and suite.require_training()
    assert [line for line in said if "skipped" in line] == []
