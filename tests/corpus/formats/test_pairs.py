import pytest

from hybrid.corpus.formats.pairs import AROUND, PROPOSED, read_pairs
from hybrid.errors import BadInput
from hybrid.records import Gold

PUMP = "The warranty of the pump lasts five years."


@pytest.fixture
def read(write, tmp_path):
    """Reads pairs about the given texts, each a document ``0.txt``, ``1.txt`` …"""

    def read(content, *texts, name="pairs.jsonl"):
        for number, text in enumerate(texts or [PUMP]):
            write(f"texts/{number}.txt", text)
        return read_pairs(write(name, content), tmp_path / "texts")

    return read


def asked(read, question, answer, *texts):
    """The question of a set of one pair."""
    [found] = read([{"question": question, "answer": answer}], *texts).questions
    return found


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.v2.csv.gz"])
def test_csv_has_a_column_for_each(read, name):
    found = read(
        'id,answer,note,question\na,five years,?,How long is the warranty?\n,"5, at most",,Which?\n',
        name=name,
    )
    assert (list(found.documents), found.answers) == (["0.txt"], "short")
    assert [(question.id, question.text, question.answers) for question in found.questions] == [
        ("a", "How long is the warranty?", ("five years",)),
        ("row-3", "Which?", ("5, at most",)),
    ]


def test_quoted_cells_hold_commas_quotes_and_newlines(read):
    content = 'question,answer\r\n"How long, in\r\nall?","the ""five"",\nor six"\r\nAnd now?,later\r\n'
    first, second = read(content, name="pairs.csv").questions
    assert (first.text, first.answers) == ("How long, in\r\nall?", ('the "five",\nor six',))
    # The first pair takes the lines 2 to 4.
    assert (second.id, second.text, second.answers) == ("row-5", "And now?", ("later",))


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_jsonl_has_one_answer_or_a_list(read, name):
    rows = [
        {"question": "How long?", "answer": "five years", "note": None},
        {"id": "b", "question": "How long?", "answers": ["5", "five"]},
    ]
    first, second = read(rows, name=name).questions
    assert (first.id, first.answers) == ("row-1", ("five years",))
    assert (second.id, second.answers, second.answerable) == ("b", ("5", "five"), True)


@pytest.mark.parametrize(
    ("name", "content"),
    [("p.csv", "question,answer\nHow?,So.\n"), ("p.jsonl", '\n{"question": "How?", "answer": "So."}\n')],
)
def test_a_byte_order_mark_is_passed_over(read, name, content):
    [found] = read(f"\ufeff{content}", name=name).questions
    assert (found.id, found.text, found.answers) == ("row-2", "How?", ("So.",))


def test_the_place_near_the_words_of_the_question_is_proposed_not_the_first(read):
    text = f"The house stood empty for five years. {'So it goes. ' * 50}{PUMP} {'And on. ' * 50}five years"
    found = asked(read, "How long does the warranty of the pump last?", "Five years", "Five years.", text)
    start = text.index("five years.", text.index("pump"))
    assert found.gold == (Gold("1.txt", start, start + 10),)
    assert (found.tags, found.group, found.kind) == ((PROPOSED,), "1.txt", "")
    assert PROPOSED == "proposed-gold"


def test_words_count_up_to_a_distance(read):
    near, far = (f"pump{' ' * gap}five" for gap in (AROUND - 4, AROUND - 3))
    assert asked(read, "The pump?", "five", far, near).gold == (Gold("1.txt", AROUND, AROUND + 4),)
    assert asked(read, "The pump?", "five", far, far).gold is None


def test_rare_words_weigh_more(read):
    texts = [f"Does the {thing} weigh 12 kg?" for thing in ("shelf", "chair", "table", "lamp")]
    # "does" and "the" stand in 4 of 5 documents: 2 · ln(1 + 5/4) = 1.62; "pump" in one: ln(1 + 5/1) = 1.79.
    found = asked(read, "What does the pump take?", "12 kg", *texts, "Pump: 12 kg.")
    assert found.gold == (Gold("4.txt", 6, 11),)


def test_the_title_counts_as_near(write):
    documents = [
        {"id": id, "title": title, "text": "12 kg."} for id, title in (("a", "Chair"), ("b", "Pump"))
    ]
    # A word is known by the texts that hold it, so another text tells of the pump.
    documents.append({"id": "c", "text": "A pump."})
    pairs = write("p.csv", "question,answer\nHow heavy is the pump?,12 kg\n")
    [found] = read_pairs(pairs, write("d.jsonl", documents)).questions
    assert found.gold == (Gold("b", 0, 5),)


def test_any_of_the_answers_may_stand_there(read):
    rows = [{"question": "How long is the warranty?", "answers": ["5 years", "five years"]}]
    [found] = read(rows).questions
    assert found.gold == (Gold("0.txt", 31, 41),)


@pytest.mark.parametrize(
    ("answer", "text", "span"),
    [
        ("five", "Warranty fivefold, highfive, 5five.", None),
        ("five", "Warranty: fivefold or (five).", (23, 27)),
        ("five years", "Warranty: five\n  years.", (10, 22)),
        ("FIVE", "Warranty: five", (10, 14)),
        ("3.5 (a)", "Warranty 325 (a) 3.5 (a)", (17, 24)),
        ("five", "Five.", None),
        ("5", "Warranty 1.5 or 5,000 or 5.", (25, 26)),
        ("land", "Warranty in Öland, not on land.", (26, 30)),
        ("the warranty", "The warranty.", None),
    ],
)
def test_an_answer_is_found_as_words_beside_another_word_of_its_question(read, answer, text, span):
    found = asked(read, "How long is the warranty?", answer, text)
    assert found.gold == ((Gold("0.txt", *span),) if span else None)
    assert (found.tags, found.group) == (((PROPOSED,), "0.txt") if span else ((), "row-1"))


def test_an_answer_between_characters_without_spaces_is_found(read):
    assert asked(read, "保修多久?", "五年", "保修期为五年。").gold == (Gold("0.txt", 4, 6),)


@pytest.mark.parametrize(
    ("answer", "kind"), [("yes", "yes_no"), ("No", "yes_no"), ("TRUE", ""), ("false", ""), ("是", "")]
)
def test_yes_and_no_get_no_gold(read, answer, kind):
    found = asked(read, "Has the pump a warranty?", answer, f"{PUMP} {answer}.")
    assert (found.gold, found.tags, found.kind, found.group) == (None, (), kind, "row-1")


def test_a_group_is_that_of_the_document(read, write):
    documents = write("d.jsonl", [{"id": "a", "text": PUMP, "metadata": {"group": "g"}}])
    [found] = read_pairs(write("p.csv", "question,answer\nThe pump?,five\n"), documents).questions
    assert (found.gold, found.group) == ((Gold("a", 31, 35),), "g")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("question\nHow?\n", "2: answers: Field required"),
        ("answer\nSo.\n", "2: question: Field required"),
        ("Question,Answer\nHow?,So.\n", "2: question: Field required"),
        ("question,answer\nHow?,So.\n\nAnd?\n", "4: answers: Field required"),
        ('question,answer\n"How\nso?",So.\nAnd?, \n', "4: answers[0]: is blank"),
        ("question,answer\n ,So.\n", "2: question: is blank"),
        ("id,question,answer\na,How?,So.\na,And?,So.\n", '3: id: "a" stands in the file already'),
        (
            "question,answer\nHow?,5 years, at most\n",
            "2: more cells than the header has; a text with commas needs quotes",
        ),
        ('question,answer\nHow?,"So.\n', "2: not CSV (unexpected end of data)"),
    ],
)
def test_a_bad_row_of_csv_is_named(read, tmp_path, content, reason):
    with pytest.raises(BadInput) as caught:
        read(content, name="pairs.csv")
    assert str(caught.value) == f"{tmp_path / 'pairs.csv'}:{reason}"


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ('{"question": "How?"}', "answers: Field required"),
        ('{"answer": "So."}', "question: Field required"),
        ('{"question": "How?", "answers": []}', "answers: Tuple should have at least 1 item"),
        ('{"question": "How?", "answers": ["So.", ""]}', "answers[1]: is blank"),
        ('{"question": "How?", "answers": "So."}', "answers: Input should be a valid tuple"),
        ('{"question": "How?", "answer": 5}', "answers[0]: Input should be a valid string"),
        ('{"question": "How?", "answer": "So.", "id": "a"}', 'id: "a" stands in the file already'),
        ('["How?", "So."]', "Input should be a valid dictionary"),
        ('{"question": "How?"', "not JSON ("),
    ],
)
def test_a_bad_row_of_jsonl_is_named(read, tmp_path, second, reason):
    with pytest.raises(BadInput) as caught:
        read(f'{{"id": "a", "question": "How?", "answer": "So."}}\n{second}\n')
    assert str(caught.value).startswith(f"{tmp_path / 'pairs.jsonl'}:2: {reason}")


def test_a_missing_file_is_named(write, tmp_path):
    texts = write("texts/0.txt", PUMP).parent
    with pytest.raises(BadInput, match=r"pairs\.csv: No such file"):
        read_pairs(tmp_path / "pairs.csv", texts)
    with pytest.raises(BadInput, match=r"gone\.txt: No such file"):
        read_pairs(write("pairs.csv", "question,answer\nHow?,So.\n"), tmp_path / "gone.txt")
