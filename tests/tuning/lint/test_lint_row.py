from hybrid.generation.encode import ChatEncoder
from hybrid.records import Gold, Passage, Question, Turn
from hybrid.testing import byte_tokenizer
from hybrid.tuning.encoding import encode_rows
from hybrid.tuning.lint.row import rows_of_training
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


def encode(some, max_tokens):
    return encode_rows(some, ChatEncoder(TOKENIZER), end_id=TOKENIZER.eos_token_id, max_tokens=max_tokens)


def test_a_training_row_as_the_rules_see_it():
    first, second, third = rows_of_training(rows(), encode(rows(), 10**6))
    assert (first.number, first.name, first.kind) == (1, "1 (q1)", "gold")
    assert (first.question, first.before) == ("And before? Which?", "And before?\nThen.")
    assert (first.target, first.answer, first.cited) == ("First [1]", "First", {1})
    assert (first.passages, first.shown, first.gold) == (("A: First.",), {"a.md"}, {"a.md"})
    assert (first.refuses, third.refuses, third.passages) == (False, True, ())
    assert second.label_tokens == len(b"Second [2]") + 1


def test_a_row_that_does_not_fit_has_no_label_tokens():
    encoded = encode(rows(), 10**6)
    assert [row.label_tokens for row in rows_of_training(rows(), encoded[::2])] == [10, 0, 14]
    assert [row.label_tokens for row in rows_of_training(rows()[1:], encoded)] == [11, 14]
    assert [row.label_tokens for row in rows_of_training(rows(), [])] == [0, 0, 0]
