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


def long_row(id, title, answer=""):
    output = {"answer": answer, "selected_sentences": ["It ends in the North Sea."] if answer else []}
    passage = {"title": title, "text": CONTEXT}
    return {"id": id, "input": "Where does it end?", "passages": [passage], "output": [output]}


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


def test_the_suite_is_one_that_can_be_loaded(tmp_path, home):
    made = import_set("rivers", format="squad", path=squad(tmp_path, article("A"), article("B")), home=home)
    spec = load_spec(SuiteSpec, made.suite)
    assert (spec.corpus, spec.questions, spec.training) == ("rivers", "questions.jsonl", "training.jsonl")
    import_set("plain", format="squad", path=squad(tmp_path, article("A")), home=home, split_off=0)
    written = yaml.safe_load((home / "suites" / "plain" / "suite.yaml").read_text())
    assert (written["answers"], "training" in written) == ("short", False)


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


FORMATS = {
    "beir": ("set", {
        "set/corpus.jsonl": [{"_id": "a", "text": CONTEXT}],
        "set/queries.jsonl": [{"_id": "1", "text": "Where?"}],
        "set/qrels/test.tsv": "1\ta\t1\n",
    }),
    "clapnq": ("set.jsonl", {"set.jsonl": [long_row("1", "Rhine", "It ends there.")]}),
    "jsonl": ("set", {
        "set/documents.jsonl": [{"id": "a", "text": CONTEXT}],
        "set/questions.jsonl": [{"id": "1", "question": "Where?"}],
    }),
    "pairs": ("set.csv", {"set.csv": "question,answer\nWhere ends the Rhine?,the North Sea\n"}),
    "squad": ("set.json", {"set.json": json.dumps({"data": [article("A", 1)]})}),
}  # fmt: skip
"""Of each format the path to import, and the files with one question."""

BROKEN = {
    "beir": ("set/qrels/test.tsv", "1\ta\t1\n2\ta\t1\n", 'qrels/test.tsv:2: there is no query "2"'),
    "clapnq": ("set.jsonl", [long_row("1", "Rhine"), {"id": "2"}], "set.jsonl:2: input: Field required"),
    "jsonl": ("set/questions.jsonl", [{"id": "1"}], "questions.jsonl:1: question: Field required"),
    "pairs": ("set.csv", "question,answer\nWhere?,There\nWho?,\n", "set.csv:3: answers[0]: is blank"),
    "squad": ("set.json", "{}", "set.json: data: Field required"),
}
"""Of each format a file that spoils the set, and what is said of it."""


@pytest.fixture
def import_format(write, home):
    """Imports the set of a format, or one with a broken file, as ``rivers``."""

    def run(format, broken=None, **options):
        name, files = FORMATS[format]
        for file, content in (files | (broken or {})).items():
            path = write(file, content)
        if format == "pairs":
            options = {"documents": write("texts/rhine.txt", CONTEXT).parent} | options
        path = home.parent / name
        return import_set("rivers", format=format, path=path, home=home, split_off=0, **options)

    return run


@pytest.mark.parametrize(
    ("format", "style", "kind", "gold"),
    [
        ("beir", "short", "query", (Gold("a"),)),
        ("clapnq", "long", "long", (Gold("Rhine/0", 28, 53),)),
        ("jsonl", "short", "", None),
        ("pairs", "short", "", (Gold("rhine.txt", 39, 52),)),
        ("squad", "short", "fact", (Gold("A/0", 43, 52),)),
    ],
)
def test_every_format_becomes_a_corpus_and_a_suite(import_format, home, format, style, kind, gold):
    made = import_format(format)
    assert (made.documents, made.evaluation, made.training, made.bound) == (1, 1, 0, 0)
    [document] = Corpus.open("rivers", home=home).documents()
    assert document.text == CONTEXT
    [question] = asked(home)
    assert (question.kind, question.gold) == (kind, gold)
    assert load_spec(SuiteSpec, made.suite).answers == style


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_is_imported_of_a_set_with_a_fault(import_format, home, format):
    file, content, reason = BROKEN[format]
    with pytest.raises(BadInput) as caught:
        import_format(format, {file: content})
    assert reason in str(caught.value)
    assert left(home) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_set_with_a_fault_leaves_what_it_was_to_replace(import_format, home, format):
    import_format("squad")
    file, content, _ = BROKEN[format]
    with pytest.raises(BadInput):
        import_format(format, {file: content}, replace=True)
    assert [document.id for document in Corpus.open("rivers", home=home).documents()] == ["A/0"]
    assert [question.id for question in asked(home)] == ["A-0"]
    assert left(home) == ["corpora/rivers", "suites/rivers"]


@pytest.mark.parametrize("format", FORMATS)
def test_only_pairs_name_their_documents_and_they_have_to(import_format, home, format):
    with pytest.raises(CorpusError, match="--documents names the texts of --format pairs"):
        import_format(format, documents=None if format == "pairs" else home)
    assert left(home) == []


def test_a_proposed_gold_stays_marked(import_format, home):
    import_format("pairs")
    [question] = asked(home)
    assert (question.tags, question.group) == (("proposed-gold",), "rhine.txt")


def long_set(write, groups):
    """Of each article three questions with an answer and two that are bound."""
    answers = ("It ends there.", "It ends there.", "It ends there.", "", "")
    rows = [long_row(f"{title}-{n}", title, answer) for title in groups for n, answer in enumerate(answers)]
    return write("long.jsonl", rows)


def test_bound_questions_train_and_evaluate_and_stay_bound(write, home):
    made = import_set("rivers", format="clapnq", path=long_set(write, "ABCD"), home=home)
    training, evaluation = asked(home, file="training.jsonl"), asked(home)
    # 2 of 4 articles train: 10 questions, 4 of them bound, of which 2 stay back; 10 are unseen, 4 bound.
    assert (made.training, made.evaluation) == (8, 12)
    bound = [question for question in training + evaluation if question.bound]
    assert {question.id for question in bound} == {f"{title}-{n}" for title in "ABCD" for n in (3, 4)}
    assert {question.gold for question in bound} == {(Gold(f"{title}/0"),) for title in "ABCD"}
    assert sum(question.bound for question in training) >= 2
    # They are no questions without an answer in the corpus: nobody knows.
    assert (made.bound, made.unanswerable) == (sum(question.bound for question in evaluation), 0)


def test_bound_questions_about_what_is_withheld_are_dropped(write, home):
    path = long_set(write, "ABCDEFGH")
    made = import_set("rivers", format="clapnq", path=path, home=home, withhold=0.25)
    gone = set("ABCDEFGH") - {document.group for document in Corpus.open("rivers", home=home).documents()}
    everything = asked(home, file="training.jsonl") + asked(home)
    # A quarter of the 4 groups of each side, with 2 bound questions each.
    assert (made.withheld_documents, made.dropped, len(everything)) == (2, 4, 36)
    assert {question.bound for question in everything if question.group in gone} == {False}
    assert Counter(question.bound for question in everything if not question.answerable) == {
        True: 12,
        False: 6,
    }


DOCUMENTS = [{"id": id, "title": id.upper(), "text": CONTEXT} for id in "abcd"]


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

    monkeypatch.setattr("hybrid.disk.rename", rename)
    with pytest.raises(CorpusError, match='"rivers" was not made, because writing failed .disk full'):
        import_set(
            "rivers", format="squad", path=squad(tmp_path, article("B")), home=home, split_off=0, replace=True
        )
    assert [document.id for document in Corpus.open("rivers", home=home).documents()] == ["A/0"]
    assert {question.group for question in asked(home)} == {"A"}
    assert left(home) == ["corpora/rivers", "suites/rivers"]


@pytest.mark.parametrize(
    ("question", "given", "language"),
    [
        ("How long is it?", None, "en"),
        ("六号甲的保修期是多长？", None, "zh"),
        ("Wie lang ist er?", "de", "de"),
    ],
)
def test_a_suite_names_its_language(tmp_path, home, question, given, language):
    folder = rows(
        tmp_path / "set",
        [{"id": "a", "text": CONTEXT}],
        [{"id": "q", "question": question, "answers": ["x"]}],
    )
    made = import_set("rivers", format="jsonl", path=folder, home=home, split_off=0, language=given)
    assert load_spec(SuiteSpec, made.suite).language == language


def test_a_set_without_questions_is_said(tmp_path, home):
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "text": "It is long."}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "How long?"}\n')
    (folder / "qrels" / "test.tsv").write_text("q\td\t0\n")
    with pytest.raises(BadInput, match="holds no question that can be asked"):
        import_set("rivers", format="beir", path=folder, home=home)
    assert left(home) == []
