import pytest

from hybrid.corpus.formats.jsonl import read_jsonl
from hybrid.errors import BadInput
from hybrid.records import Gold

DOCUMENTS = [
    {"id": id, "title": id.upper(), "text": "The Rhine is 1,230 km long. It ends in the North Sea."}
    for id in "abc"
]


def question(id="1", **more):
    return {"id": id, "question": "Where?"} | more


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_rows_become_documents_and_questions(write, tmp_path, ending):
    write(f"documents.jsonl{ending}", DOCUMENTS)
    questions = [
        question("1", answers=["Sea"], gold=[{"document": "a", "start": 43, "end": 52}], tags=["river"]),
        question("2", gold=[{"document": "b"}], kind="list"),
        question("3", answerable=False),
        question("4", gold=[{"document": "c", "quote": "North Sea"}],
                 history=[{"question": "Who?", "answer": "Me."}]),
        question("5"),
    ]  # fmt: skip
    write(f"questions.jsonl{ending}", questions)
    found = read_jsonl(tmp_path)
    assert (list(found.documents), found.answers) == (["a", "b", "c"], "short")
    one, two, three, four, five = found.questions
    assert (one.gold, one.group, one.tags) == ((Gold("a", 43, 52),), "a", ("river",))
    assert (two.kind, two.answers) == ("list", None)
    assert (three.group, three.kind, three.answers, three.gold) == ("3", "unanswerable", (), ())
    assert (four.gold[0].start, four.history[0].answer, five.gold) == (43, "Me.", None)


def test_gold_of_an_unanswerable_question_is_where_it_was_searched(write, tmp_path):
    write("documents.jsonl", DOCUMENTS)
    write("questions.jsonl", [question(answerable=False, gold=[{"document": "b"}])])
    [asked] = read_jsonl(tmp_path).questions
    assert (asked.bound, asked.gold, asked.group) == (True, (Gold("b"),), "b")


@pytest.mark.parametrize(
    ("documents", "questions", "reason"),
    [
        ([], [question()], "documents.jsonl: holds no rows"),
        (DOCUMENTS, [], "questions.jsonl: holds no rows"),
        ([*DOCUMENTS, DOCUMENTS[0]], [], 'documents.jsonl:4: id: "a" stands in row 1 already'),
        ([{"id": "a", "text": " "}], [], "documents.jsonl:1: text: is blank"),
        (DOCUMENTS, [question(), {"id": "2"}], "questions.jsonl:2: question: Field required"),
        (DOCUMENTS, [question(), question()], 'questions.jsonl:2: id: "1" stands in row 1 already'),
        (DOCUMENTS, [question(group="g")], "questions.jsonl:1: group: unknown key"),
        (DOCUMENTS, [question(gold=[{"document": "z"}])],
         'questions.jsonl:1: gold[0]: there is no document "z"'),
        (DOCUMENTS, [question(gold=[{"document": "a"}, {"document": "b", "start": 50, "end": 54}])],
         "questions.jsonl:1: gold[1]: 50 to 54 is outside of b, which has 53 characters"),
        (DOCUMENTS, [question(gold=[{"document": "a", "quote": "Elbe"}])],
         'questions.jsonl:1: gold[0]: the quote is not in document "a"'),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(write, tmp_path, documents, questions, reason):
    write("documents.jsonl", documents)
    write("questions.jsonl", questions)
    with pytest.raises(BadInput) as caught:
        read_jsonl(tmp_path)
    assert reason in str(caught.value)


def test_a_missing_file_of_a_folder_is_named(write, tmp_path):
    with pytest.raises(BadInput, match=r"documents\.jsonl: there is no such file, also not with \.gz"):
        read_jsonl(tmp_path)
    write("documents.jsonl", DOCUMENTS)
    with pytest.raises(BadInput, match=r"questions\.jsonl: there is no such file"):
        read_jsonl(tmp_path)
