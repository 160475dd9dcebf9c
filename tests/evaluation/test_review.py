import json

import pytest
from report_sample import row as sample_row

from hybrid.errors import BadInput, RunError
from hybrid.evaluation.report import Report
from hybrid.evaluation.review import failure, proposed, write_failures
from hybrid.generation.abstention import ABSTENTION
from hybrid.questions import read_questions
from hybrid.records import Gold, Turn


def row(question="q0", cell="base+rag", **changes):
    """The warranty of model B: shown as the second passage, where model A is the first."""
    wrong = {
        "outcome": "hallucinated",
        "answer": "Nine years.",
        "shown": [8, 7],
        "gold_spans": [{"document": "a.md", "start": 0, "end": 10}],
        "statements": [
            {"text": "Nine years.", "pool": "unverifiable", "shown": "unverifiable"},
            {"text": "It is long.", "pool": "unverifiable", "shown": "supported"},
        ],
    }
    return sample_row(question, cell) | wrong | changes


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_wrong_answer_is_laid_out_for_a_reviewer():
    made = failure(row())
    assert (made["id"], made["kind"], made["accept"]) == ("failures/base+rag/q0", "failures", None)
    assert (made["answers"], made["gold"]) == (
        ["five years"],
        [{"document": "a.md", "start": 0, "end": 10}],
    )
    review = made["review"]
    assert (review["proposed"], review["outcome"], review["answer"]) == (
        "five years [2]",
        "hallucinated",
        "Nine years.",
    )
    assert review["unsupported"] == ["Nine years."]
    assert [(each["marker"], each["text"], each["gold"]) for each in review["passages"]] == [
        ("[1]", "Two years on model A.", False),
        ("[2]", "Five years on model B.", True),
    ]


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({}, "five years [2]"),
        ({"shown": [8]}, ABSTENTION),
        ({"shown": []}, ABSTENTION),
        ({"answerable": False, "references": []}, ABSTENTION),
        ({"references": None}, None),
    ],
)
def test_the_target_is_the_reference_with_its_marker_or_silence(changes, target):
    assert proposed(row(**changes)) == target


def test_only_wrong_answers_are_written_and_none_to_changed_passages(tmp_path):
    outcomes = (
        "right_abstention wrong_abstention undecided misled hallucinated supported with_unsupported_parts "
        "from_memory"
    ).split()
    rows = [row(f"q{place}", outcome=outcome) for place, outcome in enumerate(outcomes)]
    rows.append(row("swapped", swap={"references": ["six"], "substitutes": ["six"]}))
    assert write_failures(Report({}, rows), tmp_path / "wrong.jsonl") == 4
    assert [each["review"]["outcome"] for each in lines(tmp_path / "wrong.jsonl")] == [
        "wrong_abstention",
        "misled",
        "hallucinated",
        "with_unsupported_parts",
    ]


def test_an_accepted_line_is_a_training_question_and_the_others_are_passed_over(tmp_path):
    path = tmp_path / "wrong.jsonl"
    write_failures(Report({}, [row("q0"), row("q1"), row("q2")]), path)
    texts = {"a.md": "Five years on model B."}
    with pytest.raises(BadInput, match="no row is accepted: a reviewer sets accept to true"):
        read_questions(path, texts)
    reviewed = lines(path)
    reviewed[0]["accept"], reviewed[1]["accept"] = True, False
    path.write_text("".join(f"{json.dumps(each)}\n" for each in reviewed))
    [question] = read_questions(path, texts).questions
    assert (question.id, question.kind, question.part) == ("failures/base+rag/q0", "failures", "train")
    assert (question.answers, question.gold) == (("five years",), (Gold("a.md", 0, 10),))
    assert question.history == (Turn("Hello?", "Yes."),)


def test_a_review_is_never_overwritten_and_a_redacted_run_has_nothing_to_review(tmp_path):
    path = tmp_path / "wrong.jsonl"
    write_failures(Report({}, [row()]), path)
    with pytest.raises(RunError, match=r"wrong\.jsonl exists already; name another file, or delete it first"):
        write_failures(Report({}, [row()]), path)
    with pytest.raises(BadInput, match="was redacted"):
        write_failures(Report({"redacted": True}, [row()]), tmp_path / "other.jsonl")
