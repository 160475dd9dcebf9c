import gzip
import json

import pytest

from hybrid.errors import BadInput
from hybrid.generation.encode import ChatEncoder
from hybrid.generation.prompt import chat
from hybrid.records import Passage, Turn
from hybrid.testing import byte_tokenizer
from hybrid.tuning.lint.files import read_file

ENCODER = ChatEncoder(byte_tokenizer())
PASSAGES = [Passage(i, f"{i}.md", "Figs", f"Fig {i} is blue.\n\nYes.", 0, 10) for i in range(3)]


def said(role, content):
    return {"role": role, "content": content}


@pytest.fixture
def read(tmp_path):
    def read(*rows, max_tokens=10**6):
        path = tmp_path / "rows.jsonl"
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
        return read_file(path, ENCODER, max_tokens)

    return read


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [said("system", "Be brief."), said("user", "Sum: 2+2"), said("assistant", "4")]},
        {
            "prompt": [said("system", "Be brief."), said("user", "Sum: 2+2")],
            "completion": [said("assistant", "4")],
        },
        {"prompt": [said("system", "Be brief."), said("user", "Sum: 2+2")], "completion": "4"},
    ],
)
def test_chats_are_read(read, row):
    [found] = read(row)
    assert (found.question, found.target, found.before) == ("Sum: 2+2", "4", "Be brief.")
    assert (found.passages, found.kind, found.label_tokens) == (None, "", 2)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Add:\n2 and 2", "completion": "4", "source": "mine"},
        {"instruction": "Add:", "input": "2 and 2", "output": "4"},
        {"instruction": "Add:\n2 and 2", "output": "4", "kind": "replay"},
    ],
)
def test_plain_texts_are_read(read, row):
    [found] = read(row)
    assert (found.question, found.target, found.kind) == ("Add:\n2 and 2", "4", row.get("kind", ""))


def test_a_prompt_of_this_project_is_taken_apart(read):
    messages = chat("Which fig?", PASSAGES, [Turn("So?", "No.")])
    rows = [vars_of(message) for message in messages]
    [found] = read({"messages": [*rows, said("assistant", "Fig 2 [3]")]})
    assert found.passages == tuple(f"Figs: {passage.text}" for passage in PASSAGES)
    assert (found.question, found.cited) == ("Which fig?", {3})
    assert found.before.endswith("Question: So?\nNo.")
    [bare] = read({"messages": [*map(vars_of, chat("Which fig?", [])), said("assistant", "Fig 2")]})
    assert (bare.question, bare.passages) == ("Which fig?", None)


def test_random_numbers_of_passages_are_read(read):
    messages = [vars_of(message) for message in chat("Which fig?", PASSAGES, numbers=[7, 1, 12])]
    [found] = read({"messages": [*messages, said("assistant", "Fig 0 [7]")]})
    assert found.passages == tuple(f"Figs: {passage.text}" for passage in PASSAGES)
    assert (found.offered, found.cited) == ((7, 1, 12), {7})


def test_a_number_in_a_passage_is_no_passage(read):
    text = "[1] Figs are blue.\n\n[2] Plums:\n[1] red\n\n[3] Nuts.\n\nQuestion: And figs?"
    [found] = read({"prompt": text, "completion": "Blue [1]"})
    assert found.passages == ("Figs are blue.", "Plums:\n[1] red", "Nuts.")


def vars_of(message):
    return said(message.role, message.content)


def test_label_tokens_are_those_before_the_cut(read):
    row = {"prompt": "What?", "completion": "four"}
    [whole] = read(row)
    prompt = len(ENCODER.prompt(chat_of("What?")))
    assert whole.label_tokens == len(b"four") + 1
    assert [read(row, max_tokens=prompt + room)[0].label_tokens for room in (-9, 0, 2)] == [0, 0, 2]


def chat_of(text):
    from hybrid.generation.prompt import Message

    return [Message("user", text)]


def test_rows_are_numbered_by_their_lines(read, tmp_path):
    row = json.dumps({"prompt": "What?", "completion": ""})
    assert [found.number for found in read(row, "", row)] == [1, 3]
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(row.encode()))
    assert len(read_file(tmp_path / "rows.jsonl.gz", ENCODER, 100)) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "What?"}, "none of the known forms: messages; prompt and completion; instruction"),
        ({"prompt": "What?"}, "none of the known forms"),
        ({"messages": [said("user", "What?")]}, "the last two messages have to be of user and assistant"),
        ({"messages": [said("assistant", "What?")]}, "the last two messages"),
        (
            {"messages": [said("user", 3), said("assistant", "")]},
            "messages[0].content: Input should be a valid",
        ),
        ("{", "Invalid JSON"),
    ],
)
def test_a_bad_line_is_named(read, row, reason):
    with pytest.raises(BadInput) as caught:
        read({"prompt": "What?", "completion": "4"}, row)
    assert "rows.jsonl:2: " in str(caught.value) and reason in str(caught.value)


def test_an_empty_file_is_refused(read):
    with pytest.raises(BadInput, match="holds no rows"):
        read("")
