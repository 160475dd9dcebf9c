import pytest

from hybrid.generation.encode import ChatEncoder
from hybrid.records import Passage, Question, Turn
from hybrid.testing import byte_tokenizer
from hybrid.tuning.encoding import IGNORED, encode_rows, rows_digest
from hybrid.tuning.rows import TrainingRow

TOKENIZER = byte_tokenizer()
END = TOKENIZER.eos_token_id
PASSAGES = tuple(Passage(i, f"{i}.md", "", f"Passage {i}.", 0, 10) for i in range(4))
QUESTION = Question("q", "Which?", history=(Turn("So?", "No."),))
GOLD = TrainingRow(QUESTION, "gold", PASSAGES, ("Number two", "Yes"), frozenset({2}))
ROWS = (
    GOLD,
    TrainingRow(QUESTION, "distractors", PASSAGES, ("I don't know.",)),
    TrainingRow(QUESTION, "no_context", (), ("Number two",)),
)


def encode(*rows, max_tokens=10**6):
    return encode_rows(rows, ChatEncoder(TOKENIZER), end_id=END, max_tokens=max_tokens)


def learned(row):
    return [label for label in row.labels if label != IGNORED]


def prompt_of(row):
    return row.ids[: len(row.ids) - len(learned(row))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_a_row_is_the_prompt_of_serving_and_the_target(tiny_generator, row):
    [encoded] = encode(row)
    served = tiny_generator.prompt(QUESTION.text, row.passages, QUESTION.history)
    assert prompt_of(encoded) == served.ids
    assert encoded.ids == (*served.ids, *TOKENIZER.encode(row.target), END)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_loss_is_taken_on_the_target_and_its_end_alone(row):
    [encoded] = encode(row)
    n = len(prompt_of(encoded))
    assert encoded.labels[:n] == (IGNORED,) * n
    assert encoded.labels[n:] == encoded.ids[n:]
    assert learned(encoded)[-1] == END


def test_a_row_that_is_too_long_loses_distractors_and_never_gold_or_answer():
    [whole] = encode(GOLD)
    [shorter] = encode(GOLD, max_tokens=len(whole.ids) - 1)
    text = TOKENIZER.decode(shorter.ids)
    assert text.count("] Passage ") == 3
    [number] = [n for n in (1, 2, 3) if f"[{n}] Passage 2." in text]
    assert text.endswith(f"Number two [{number}] Yes [{number}]<|im_end|>")
    while shortened := encode(GOLD, max_tokens=len(shorter.ids) - 1):
        [shorter] = shortened
    text = TOKENIZER.decode(shorter.ids)
    assert "<|im_start|>user\n[1] Passage 2.\n\nQuestion: Which?" in text
    assert text.endswith("Number two [1] Yes [1]<|im_end|>")


def test_a_row_fits_to_the_last_token_or_is_left_out():
    [only] = encode(ROWS[2])
    assert encode(ROWS[2], max_tokens=len(only.ids)) == [only]
    assert encode(ROWS[2], GOLD, max_tokens=len(only.ids) - 1) == []


def test_the_digest_names_what_the_model_will_see():
    rows = encode(*ROWS)
    assert rows_digest(rows) == rows_digest(encode(*ROWS))
    assert len({rows_digest(rows), rows_digest(rows[:2]), rows_digest(rows[::-1])}) == 3
