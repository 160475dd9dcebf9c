import pytest
import report_sample
from page_reader import assert_safe

from hybrid.errors import RunError
from hybrid.evaluation.compare import Side, compare
from hybrid.evaluation.differences import differences_table
from hybrid.evaluation.page.comparison import render_comparison


def row(question, correct, *, cell="base", answer="some answer", answerable=True, abstained=False):
    entry = {"value": correct, "status": "ok", "reason": ""}
    return report_sample.row(question, cell, text=answer) | {
        "group": question,
        "answerable": answerable,
        "abstained": abstained,
        "outcome": "supported" if correct else "hallucinated",
        "metrics": {"correct": entry},
    }


def side(name, rows, **results):
    return Side(name, {"provenance": {"seed": 0, "created": name}} | results, rows)


OLD = [row(f"q{i}", float(i < 4)) for i in range(8)]
NEW = [row(f"q{i}", float(i < 6)) for i in range(1, 9)]


def test_differences_are_paired_by_question():
    found = compare(side("a", OLD), side("b", NEW))
    figure = found.differences["base"]["correct"]
    # Shared are q1 to q7: right 3 of 7 before, 5 of 7 now.
    assert (figure["n"], figure["mean"]) == (7, pytest.approx(2 / 7))
    assert figure["low"] < 2 / 7 < figure["high"]
    assert (found.n, found.n_alone) == (7, (1, 1))


def test_what_flipped_is_listed_with_both_answers():
    new = [row("q3", 0.0, answer="now wrong"), row("q5", 1.0, answer="now right"), row("q6", 0.0)]
    flips = compare(side("a", OLD), side("b", new)).flips
    assert [(flip.question_id, flip.gained, flip.old_answer, flip.new_answer) for flip in flips] == [
        ("q3", False, "some answer", "now wrong"),
        ("q5", True, "some answer", "now right"),
    ]


def test_silence_is_right_where_nothing_is_to_be_said():
    silent = row("q0", None, answerable=False, abstained=True)
    loud = row("q0", None, answerable=False)
    assert [flip.gained for flip in compare(side("a", [silent]), side("b", [loud])).flips] == [False]


def test_settings_that_differ_are_named_and_the_hour_is_none():
    old = side("a", OLD, provenance={"seed": 0, "pipeline": {"retrieval": {"k": 3}}, "created": "x"})
    new = side(
        "b", NEW, provenance={"seed": 0, "pipeline": {"retrieval": {"k": 5, "lexical": True}}, "created": "y"}
    )
    assert compare(old, new).settings == {
        "pipeline.retrieval.k": (3, 5),
        "pipeline.retrieval.lexical": (None, True),
    }


def test_other_judges_other_texts_and_other_wordings_are_warned_of():
    assert compare(side("a", OLD), side("b", NEW)).warnings == ()
    judged = [{"judge": {"name": name, "digest": name}} for name in ("one", "two")]
    (warning,) = compare(side("a", OLD, **judged[0]), side("b", NEW, **judged[1])).warnings
    assert warning.startswith("other judges (one, then two)")
    corpora = [{"provenance": {"corpus": {"name": "c", "generation": n, "digest": n}}} for n in (1, 2)]
    (warning,) = compare(side("a", OLD, **corpora[0]), side("b", NEW, **corpora[1])).warnings
    assert warning.startswith("other texts (c@1, then c@2)")
    (warning,) = compare(side("a", OLD), side("b", [NEW[0] | {"question": "Why?"}])).warnings
    assert warning == "1 of 1 shared questions have another wording"


def test_runs_without_a_common_question_or_column_are_refused():
    with pytest.raises(RunError, match="share no question"):
        compare(side("a", OLD), side("b", [row("else", 1.0)]))
    with pytest.raises(RunError, match="share no column: base and tuned"):
        compare(side("a", OLD), side("b", [row("q0", 1.0, cell="tuned")]))


def test_the_page_and_the_table_show_what_changed(capsys):
    from rich.console import Console

    hostile = "<script>alert(1)</script>"
    found = compare(
        side("a", OLD), side("b" + hostile, [row("q5", 1.0, answer=hostile)], judge={"digest": "j"})
    )
    read = assert_safe(render_comparison(found))
    assert read.text.count(hostile) >= 3 and "other judges" in read.text
    Console(width=110).print(differences_table(found))
    shown = capsys.readouterr().out
    assert "+100" in shown and "Warning: other judges" in shown
    assert found.to_json()["flips"][0]["question_id"] == "q5"
