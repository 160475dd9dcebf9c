import pytest

from hybrid.corpus.formats.beir import read_beir
from hybrid.errors import BadInput
from hybrid.records import Gold

CORPUS = [
    {"_id": "d1", "title": "Rhine", "text": "It ends in the North Sea.", "metadata": {"url": "x"}},
    {"_id": "d2", "text": "It ends in the Black Sea."},
    {"_id": "d3", "title": "Elbe", "text": " "},
]
QUERIES = [{"_id": "q1", "text": "Which rivers?", "metadata": {}}, {"_id": "q2", "text": "Which sea?"}]
HEADER = "query-id\tcorpus-id\tscore"


@pytest.fixture
def read(write, tmp_path):
    """Reads a set with the given judgements, a line each; ``documents`` and ``queries`` may be changed."""

    def read(*lines, part="test.tsv", documents=CORPUS, queries=QUERIES, ending=""):
        write(f"corpus.jsonl{ending}", documents)
        write(f"queries.jsonl{ending}", queries)
        write(f"qrels/{part}{ending}", "".join(f"{line}\n" for line in lines))
        return read_beir(tmp_path)

    return read


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_judged_query_becomes_a_question_about_whole_documents(read, ending):
    found = read(HEADER, "q2\td2\t1", "q1\td1\t2", "q1\td2\t1", ending=ending)
    assert [(document.id, document.title, document.group) for document in found.documents.values()] == [
        ("d1", "Rhine", "d1"),
        ("d2", "", "d2"),
    ]
    two, one = found.questions
    assert (one.id, one.text, one.gold) == ("q1", "Which rivers?", (Gold("d1"), Gold("d2")))
    assert (one.answers, one.answerable, one.kind, one.group) == (None, True, "query", "d1")
    assert (two.id, two.gold, found.answers) == ("q2", (Gold("d2"),), "short")


@pytest.mark.parametrize("header", [[HEADER], []])
def test_a_header_may_be_missing(read, header):
    found = read(*header, "q1\td1\t1", "", "q2\td2\t1\r")
    assert [(asked.id, asked.gold) for asked in found.questions] == [
        ("q1", (Gold("d1"),)),
        ("q2", (Gold("d2"),)),
    ]


def test_the_judgements_of_test_come_before_dev_and_those_before_train(read):
    for part, query in (("train.tsv", "q1"), ("dev.tsv.gz", "q2"), ("test.tsv", "q1")):
        [asked] = read(f"{query}\td1\t1", part=part).questions
        assert asked.id == query


def test_what_is_not_relevant_or_has_no_text_is_left_out(read):
    found = read("q1\td1\t0", "q1\td2\t1", "q1\td3\t1", "q2\td1\t0", "q2\td3\t1")
    assert [(asked.id, asked.gold) for asked in found.questions] == [("q1", (Gold("d2"),))]
    assert "d3" not in found.documents


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q9\td1\t1", 'there is no query "q9"'),
        ("q1\td9\t1", 'there is no document "d9"'),
        ("q1\td9\t0", 'there is no document "d9"'),
        ("q1\td1", "three fields with tabs between are expected, not 2"),
        ("q1\t0\td1\t1", "three fields with tabs between are expected, not 4"),
        ("q1 d1 1", "three fields with tabs between are expected, not 1"),
        ("q1\td1\thigh", "the score 'high' is no whole number"),
        ("q1\td1\t0.5", "the score '0.5' is no whole number"),
    ],
)
def test_a_bad_judgement_is_named_by_row(read, tmp_path, line, reason):
    with pytest.raises(BadInput) as caught:
        read(HEADER, "q2\td1\t1", line)
    assert str(caught.value) == f"{tmp_path / 'qrels' / 'test.tsv'}:3: {reason}"


@pytest.mark.parametrize(
    ("file", "rows", "reason"),
    [
        ("documents", [*CORPUS, CORPUS[0]], 'corpus.jsonl:4: id: "d1" stands in row 1 already'),
        ("documents", [CORPUS[0], {"_id": "x"}], "corpus.jsonl:2: text: Field required"),
        ("documents", [{"id": "x", "text": "y"}], "corpus.jsonl:1: _id: Field required"),
        ("documents", [], "corpus.jsonl: holds no rows"),
        ("queries", [QUERIES[0], {"_id": "q2"}], "queries.jsonl:2: text: Field required"),
        ("queries", [QUERIES[0], {"_id": 2, "text": "?"}], "queries.jsonl:2: _id: Input should be"),
        ("queries", [QUERIES[0]] * 2, 'queries.jsonl:2: id: "q1" stands in row 1 already'),
    ],
)
def test_a_bad_row_is_named(read, tmp_path, file, rows, reason):
    with pytest.raises(BadInput) as caught:
        read("q1\td1\t1", **{file: rows})
    assert str(caught.value).startswith(str(tmp_path / reason))


def test_what_is_missing_is_named(read, write, tmp_path):
    with pytest.raises(BadInput, match=r"corpus\.jsonl: there is no such file, also not with \.gz"):
        read_beir(tmp_path)
    write("corpus.jsonl", CORPUS)
    with pytest.raises(BadInput, match=r"queries\.jsonl: there is no such file"):
        read_beir(tmp_path)
    write("queries.jsonl", QUERIES)
    with pytest.raises(BadInput, match=r"qrels: holds none of test\.tsv, dev\.tsv, train\.tsv"):
        read_beir(tmp_path)
    with pytest.raises(BadInput, match=r"test\.tsv: holds no rows"):
        read(HEADER)
