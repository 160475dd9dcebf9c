import json

import pytest

from hybrid.corpus.formats.squad import read_squad
from hybrid.errors import BadInput
from hybrid.records import Gold

CONTEXT = "The Rhine is 1,230 km long. It ends in the North Sea."


def answer(text):
    return {"text": text, "answer_start": CONTEXT.index(text)}


def question(id="a", *answers, **more):
    return {"id": id, "question": "Where?", "answers": list(answers)} | more


def article(*qas, title="The_Rhine"):
    return {"title": title, "paragraphs": [{"context": CONTEXT, "qas": qas}]}


def squad(*articles):
    return json.dumps({"version": "2.0", "data": articles})


@pytest.mark.parametrize("name", ["set.json", "set.json.gz"])
def test_a_paragraph_becomes_a_document_with_spans(write, name):
    where = question("a", answer("the North Sea"), answer("North Sea"), answer("North Sea"))
    long, deep = question("b", answer("1,230")), question("c", is_impossible=True)
    found = read_squad(write(name, squad(article(where, long, deep))))
    [document] = found.documents.values()
    assert (document.id, document.title, document.text) == ("The_Rhine/0", "The Rhine", CONTEXT)
    assert (document.group, found.answers) == ("The_Rhine", "short")
    where, long, deep = found.questions
    assert (where.answers, where.kind, where.group) == (("the North Sea", "North Sea"), "fact", "The_Rhine")
    # "The Rhine is 1,230 km long." has 27 characters, " It ends in " 12: 39, and "the North Sea" 13.
    assert where.gold == (Gold("The_Rhine/0", 39, 52),)
    assert (long.kind, deep.kind, deep.answerable, deep.gold) == ("number", "unanswerable", False, ())
    assert not deep.bound


def test_an_article_that_is_listed_twice_counts_on(write):
    articles = article(question("a", answer("Sea"))), article(question("b", answer("Sea")))
    found = read_squad(write("set.json", squad(*articles)))
    assert list(found.documents) == ["The_Rhine/0", "The_Rhine/1"]
    assert [asked.gold[0].document for asked in found.questions] == ["The_Rhine/0", "The_Rhine/1"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"answers": [{"text": "South Sea", "answer_start": 43}]},
            '[1]: answers[0]: "South Sea" is not at 43',
        ),
        ({"answers": [{"text": ".", "answer_start": -1}]}, '[1]: answers[0]: "." is not at -1'),
        ({"answers": []}, "[1]: answers: there is none"),
        ({"id": "a"}, '[1].id: "a" stands in the file already'),
        ({"question": None}, "[1].question: Input should be a valid string"),
        ({"question": " "}, "[1].question: is blank"),
    ],
)
def test_a_bad_question_is_named_by_its_place(write, change, reason):
    good = article(question("z", answer("Sea")), title="Sea")
    bad = article(question("a", answer("Sea")), question("b", answer("Sea")) | change)
    with pytest.raises(BadInput) as caught:
        read_squad(write("set.json", squad(good, bad)))
    assert f"set.json: data[1].paragraphs[0].qas{reason}" in str(caught.value)
