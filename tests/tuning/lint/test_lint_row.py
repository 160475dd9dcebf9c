from dataclasses import replace

from hybrid.generation.encode import ChatEncoder
from hybrid.records import Gold, Passage, Question, Turn
from hybrid.testing import byte_tokenizer
from hybrid.tuning.encoding import fit_rows
from hybrid.tuning.lint.row import rows_of_training
from hybrid.tuning.lint.shares import gold_positions
from hybrid.tuning.lint.targets import marker_form
from hybrid.tuning.rows import TrainingRow

TOKENIZER = byte_tokenizer()
PASSAGES = (Passage(1, "a.md", "A", "First.", 0, 6), Passage(2, "b.md", "", "Second " * 9, 0, 63))


def rows():
    history = (Turn("And before?", "Then."),)
    asked = Question("q1", "Which?", ("First",), gold=(Gold("a.md"),), history=history)
    return [
        TrainingRow(asked, "gold", PASSAGES[:1], ("First",), frozenset({1})),
        TrainingRow(Question("q2", "Who?"), "gold", PASSAGES, ("Second",), frozenset({2})),
        TrainingRow(Question("q3", "How?"), "no_context", (), ("I don't know.",)),
    ]


def lessons():
    return fit_rows(rows(), ChatEncoder(TOKENIZER), end_id=TOKENIZER.eos_token_id, max_tokens=10**6)


def test_a_training_row_as_the_rules_see_it():
    first, second, third = rows_of_training(lessons())
    assert (first.number, first.name, first.kind) == (1, "1 (q1)", "gold")
    assert (first.question, first.before) == ("And before? Which?", "And before?\nThen.")
    assert (first.target, first.answer, first.cited) == ("First [1]", "First", {1})
    assert (first.passages, first.shown, first.gold) == (("A: First.",), {"a.md"}, {"a.md"})
    assert (first.refuses, third.refuses, third.passages) == (False, True, ())
    assert second.label_tokens == len(b"Second [2]") + 1


def test_a_row_that_does_not_fit_has_no_label_tokens():
    first, second, third = lessons()
    seen = rows_of_training([first, third], [second.row])
    assert [(row.number, row.id, row.label_tokens) for row in seen] == [
        (1, "q1", 10),
        (2, "q3", 14),
        (3, "q2", 0),
    ]


def test_general_data_is_no_row_of_questions():
    general = replace(lessons()[2], row=None)
    assert rows_of_training([general]) == []


def test_passages_under_random_numbers_are_cited_by_these():
    [row] = [row for row in rows() if row.question.id == "q2"]
    encoder, options = ChatEncoder(TOKENIZER), {"end_id": TOKENIZER.eos_token_id, "max_tokens": 10**6}
    checked = rows_of_training(fit_rows([replace(row, numbers=(17, 4))] * 30, encoder, **options))
    assert (checked[0].target, checked[0].cited, checked[0].offered) == ("Second [4]", {4}, (17, 4))
    assert marker_form(checked) == []
    [uneven] = gold_positions(checked)
    assert "(of 2 places: 0, 30)" in uneven.problem


def test_a_number_in_brackets_within_a_quote_is_no_citation():
    quoting = replace(rows()[1], quote="Second was founded in 1820.[12]")
    options = {"end_id": TOKENIZER.eos_token_id, "max_tokens": 10**6}
    [checked] = rows_of_training(fit_rows([quoting], ChatEncoder(TOKENIZER), **options))
    assert checked.cited == {2} and marker_form([checked]) == []


def test_ids_of_several_suites_are_told_apart():
    first, *_ = rows_of_training(lessons(), suite="one/", corpus="two/")
    assert (first.id, first.gold, first.shown) == ("one/q1", {"two/a.md"}, {"two/a.md"})
