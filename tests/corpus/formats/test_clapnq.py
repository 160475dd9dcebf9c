import pytest

from hybrid.corpus.formats.clapnq import read_clapnq
from hybrid.errors import BadInput
from hybrid.records import Gold

LONG, SEA, SHIPS = "The Rhine is long.", "It ends in the North Sea.", "Ships use it."
RIVER = f"{LONG} {SEA} {SHIPS}"
"""Sentences at 0 to 18, 19 to 44 and 45 to 58."""


def passage(title="Rhine", text=RIVER):
    return {"title": title, "text": text, "sentences": [LONG, SEA, SHIPS]}


def output(answer="", *sentences):
    return {"answer": answer, "selected_sentences": sentences, "meta": {"round": 1}}


def row(id="1", *outputs, passages=None):
    return {"id": id, "input": f"What of {id}?", "passages": passages or [passage()], "output": outputs}


@pytest.mark.parametrize("name", ["dev.jsonl", "dev.jsonl.gz"])
def test_a_row_becomes_a_question_about_its_passage(write, name):
    found = read_clapnq(write(name, [row("1", output("It is long.", LONG))]))
    [document], [asked] = found.documents.values(), found.questions
    assert (document.id, document.title, document.text) == ("Rhine/0", "Rhine", RIVER)
    assert (asked.id, asked.text, asked.answers) == ("1", "What of 1?", ("It is long.",))
    assert (asked.gold, asked.kind, asked.group) == ((Gold("Rhine/0", 0, 18),), "long", "Rhine")
    assert (asked.answerable, asked.bound, found.answers) == (True, False, "long")


def test_a_folder_is_read_whole_and_in_order(write, tmp_path):
    write("set/train.jsonl.gz", [row("2", output("Long.", LONG))])
    write("set/dev.jsonl", [row("1", output("Long.", LONG))])
    write("set/README.md", "Not a row.")
    assert [asked.id for asked in read_clapnq(tmp_path / "set").questions] == ["1", "2"]


def test_questions_share_the_document_of_the_same_passage(write, tmp_path):
    write("set/a.jsonl", [row("1", output("Long.", LONG)), row("2", output("Sea.", SEA))])
    write(
        "set/b.jsonl",
        [
            row("3", output("Ships.", SHIPS)),
            row("4", output("Ships.", SHIPS), passages=[passage(text=SHIPS)]),
            row("5", output("Ships.", SHIPS), passages=[passage("Upper Rhine", SHIPS)]),
        ],
    )
    found = read_clapnq(tmp_path / "set")
    assert [asked.gold[0].document for asked in found.questions] == [
        "Rhine/0", "Rhine/0", "Rhine/0", "Rhine/1", "Upper_Rhine/0",
    ]  # fmt: skip
    assert {document.id: document.group for document in found.documents.values()} == {
        "Rhine/0": "Rhine",
        "Rhine/1": "Rhine",
        "Upper_Rhine/0": "Upper Rhine",
    }


@pytest.mark.parametrize(
    ("sentences", "spans"),
    [
        ([LONG, SEA], [(0, 44)]),
        ([SEA, LONG], [(0, 44)]),
        ([SHIPS, LONG, SEA], [(0, 58)]),
        ([LONG, SHIPS], [(0, 18), (45, 58)]),
        ([SEA, SEA, "North Sea."], [(19, 44)]),
        (["It ends\nin the  North Sea."], [(19, 44)]),
    ],
)
def test_sentences_side_by_side_are_one_span(write, sentences, spans):
    [asked] = read_clapnq(write("dev.jsonl", [row("1", output("So.", *sentences))])).questions
    assert asked.gold == tuple(Gold("Rhine/0", *span) for span in spans)


def test_every_annotator_gives_a_reference_and_the_first_who_answers_the_spans(write):
    outputs = output("", LONG), output("To the sea.", SEA), output("It carries ships.", SHIPS)
    [asked] = read_clapnq(write("dev.jsonl", [row("1", *outputs, output("To the sea."))])).questions
    assert asked.answers == ("To the sea.", "It carries ships.")
    assert asked.gold == (Gold("Rhine/0", 19, 44),)


@pytest.mark.parametrize("outputs", [[], [output("")], [output(" "), {"answer": ""}]])
def test_a_question_that_its_passage_does_not_answer_is_bound_to_it(write, outputs):
    [asked] = read_clapnq(write("dev.jsonl", [row("1", *outputs)])).questions
    assert asked.bound
    assert (asked.answers, asked.gold) == ((), (Gold("Rhine/0"),))
    assert (asked.kind, asked.group) == ("unanswerable", "Rhine")


def without(key):
    return {name: value for name, value in row("2", output()).items() if name != key}


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (row("1", output()), 'id: "1" stands in row 1 already'),
        (without("id"), "id: Field required"),
        (without("input"), "input: Field required"),
        (without("passages"), "passages: Field required"),
        (without("output"), "output: Field required"),
        (row("2", passages=[passage()] * 2), "passages: one is expected, not 2"),
        (row("2") | {"passages": []}, "passages: one is expected, not 0"),
        (row("2", passages=[passage(text=" ")]), "passages[0].text: is blank"),
        (row("2", passages=[{"text": "x"}]), "passages[0].title: Field required"),
        (row("2", {"answer": None}), "output[0].answer: Input should be a valid string"),
        (
            row("2", output("Yes.", SEA, "It is deep.")),
            "selected_sentences: not in the passage: 'It is deep.'",
        ),
    ],
)
def test_a_bad_row_is_named(write, second, reason):
    path = write("dev.jsonl", [row("1", output()), second])
    with pytest.raises(BadInput) as caught:
        read_clapnq(path)
    assert str(caught.value).startswith(f"{path}:2: {reason}")


def test_an_id_stands_once_in_all_files(write, tmp_path):
    for name in ("set/a.jsonl", "set/b.jsonl"):
        path = write(name, [row(name, output()), row("1", output())])
    with pytest.raises(BadInput) as caught:
        read_clapnq(tmp_path / "set")
    assert str(caught.value) == f'{path}:2: id: "1" stands in another file already'


def test_a_path_without_rows_is_refused(write, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty: holds no \.jsonl or \.jsonl\.gz file"):
        read_clapnq(tmp_path / "empty")
    with pytest.raises(BadInput, match=r"dev\.jsonl: No such file"):
        read_clapnq(tmp_path / "dev.jsonl")
    with pytest.raises(BadInput, match=r"dev\.jsonl: holds no rows"):
        read_clapnq(write("dev.jsonl", "\n"))
