import pytest
import report_sample
from page_reader import assert_safe

from hybrid.evaluation.page.cards import anchors, cards, pieces
from hybrid.evaluation.page.document import render, visible
from hybrid.evaluation.page.forest import forest
from hybrid.evaluation.page.scale import Scale, kind_of, wide_enough
from hybrid.evaluation.page.stacks import slices


@pytest.fixture(scope="module")
def results():
    return report_sample.results()


def test_it_is_whole_and_loads_nothing(results):
    rows = [report_sample.row(cell=cell) for cell in report_sample.COLUMNS] + [report_sample.row("q1")]
    read = assert_safe(render(results, rows))
    for expected in ("few-shot+rag", "Verdict: ", "51,234", "★ gold", "1 phantom citation"):
        assert expected in read.text


def test_a_null_result_is_as_large_as_a_win(results):
    for choice, said in (("prompt only", "neither retrieving nor tuning"), ("both", "Retrieve and tune")):
        page = render(results | {"verdict": results["verdict"] | {"choice": choice}}, [])
        heading = page.partition("<h1>")[2].partition("</h1>")[0]
        assert said in heading and f"Verdict: {choice}" in heading


def test_an_answer_is_cut_at_its_statements():
    first, second = {"text": "A is b."}, {"text": "C is d."}
    assert pieces("A is b [1]. Oh! C is d.", [first, second]) == [
        ("A is b [1].", first),
        (" Oh! ", None),
        ("C is d.", second),
    ]
    assert pieces("Something else.", [first]) is None
    assert pieces("", []) == []


def test_statements_that_do_not_stand_in_the_answer_are_listed(results):
    read = assert_safe(render(results, [report_sample.row(text="Five years, the warranty lasts.")]))
    assert "Five years, the warranty lasts." in read.text
    assert "The warranty lasts five years" in read.text


def evidence_row(**changed):
    """A row whose second passage tells in its second sentence what the answer says."""
    pool = [
        {
            "id": 7,
            "document": "a",
            "title": "",
            "locator": "",
            "text": "The lamp is red. It costs two euros.",
        },
        {
            "id": 9,
            "document": "b",
            "title": "",
            "locator": "",
            "text": "It is old. The bell rings nine times.",
        },
    ]
    claim = {"text": "The bell rings nine times.", "claim": "The bell rings nine times.", "cited": []}
    statement = claim | {"pool": "supported", "pool_score": 0.9, "shown": None, "error": ""}
    row = report_sample.row(text="The bell rings nine times [2].")
    return (
        row
        | {"pool": pool, "statements": [statement], "shown": [7, 9], "gold": [9], "citations": []}
        | changed
    )


def only_answer(row):
    (card,) = cards([row], ["base"], ["base"], [])
    return card, card.answers[0]


def test_a_statement_leads_to_the_sentence_that_tells_it():
    card, answer = only_answer(evidence_row())
    assert answer.pieces[0].link == "q1-p1-s1"
    stretches = card.passages[1].stretches
    assert [(stretch.text, stretch.sentence) for stretch in stretches] == [
        ("It is old. ", None),
        ("The bell rings nine times.", 1),
    ]
    assert [passage.gold for passage in card.passages] == [False, True]


def test_a_citation_leads_into_the_passage_that_it_names_right_or_wrong():
    row = evidence_row(citations=[{"marker": "[2]", "passage": 7}])
    _, answer = only_answer(row)
    # The passage cited shares no word with the statement, so that the link leads to the whole of it.
    assert [(run.text, run.link) for run in answer.pieces[0].runs] == [
        ("The bell rings nine times ", ""),
        ("[2]", "q1-p0"),
        (".", ""),
    ]


def test_a_passage_that_a_probe_changed_stands_beside_the_one_it_replaced():
    changed = evidence_row(cell="tuned")
    changed["pool"] = [changed["pool"][0] | {"text": "The lamp is blue."}, changed["pool"][1]]
    (card,) = cards([evidence_row(), changed], ["base", "tuned"], ["base"], [])
    assert [(shown.passage["text"][:17], shown.shown_in) for shown in card.passages] == [
        ("The lamp is red. ", ("base",)),
        ("It is old. The be", ("base", "tuned")),
        ("The lamp is blue.", ("tuned",)),
    ]


def test_filters_find_a_question_by_column_outcome_split_tag_and_difference():
    rows = [
        report_sample.row(cell="base") | {"outcome": "hallucinated", "tags": ["late"]},
        report_sample.row(cell="tuned"),
    ]
    (card,) = cards(rows, ["base", "tuned"], ["base", "tuned"], ["early", "late"])
    assert card.marks == ("x0-4", "x1-0", "y0", "y1", "o4", "o0", "s1", "t1", "differ")
    (same,) = cards(rows, ["base", "tuned"], ["base"], [])
    assert "differ" not in same.marks


def test_example_rows_are_found_by_question_and_column():
    made = cards([report_sample.row("q8"), report_sample.row("q9", "tuned")], ["base", "tuned"], [], [])
    assert anchors(made) == {
        ("q8", ""): "q1",
        ("q8", "base"): "q1-c0",
        ("q9", ""): "q2",
        ("q9", "tuned"): "q2-c1",
    }


def test_the_forest_holds_zero_d_and_every_interval():
    entry = {"mean": 0.2, "low": 0.1, "high": 0.5}
    shown = forest({"effects": {"retrieval": {"score": entry}, "tuning": {"score": {"mean": None}}}})
    retrieval, tuning = shown.dots
    assert 0 < shown.zero < shown.bar < retrieval.low < retrieval.mean < retrieval.high < 100
    # From -10 to 50 with 4 % of that as air above: (20 + 10) / 62.4
    assert retrieval.mean == 48.08
    assert tuning.mean is None
    assert shown.missing == {"not measured": ["tuning"]}


def test_an_effect_stands_on_the_metric_by_which_it_was_judged(results):
    zones = {"retrieval_tuned": {"zone": "undecided", "metric": "correct", "more_questions": 1200}}
    verdict = results["verdict"] | {"zones": zones}
    dots = {dot.label: dot for dot in forest(results | {"verdict": verdict}).dots}
    assert dots["retrieval tuned"].note == "undecided, about 1,200 more questions, by correct"
    assert dots["retrieval tuned"].entry is results["effects"]["retrieval_tuned"]["correct"]
    assert dots["retrieval base"].note == ""


def test_a_scale_has_round_ticks_and_holds_what_lies_beyond_at_its_end():
    assert wide_enough([0.2, None], least=(0.0, 1.0)) == Scale(0.0, 1.0)
    scale = Scale(-0.1, 0.5)
    assert [value for value, _ in scale.ticks()] == [0.0, 0.2, 0.4]
    assert (scale.place(0.2), scale.place(2.0), scale.place(None)) == (50.0, 100.0, None)


def test_columns_are_told_apart_by_model_passages_and_place():
    assert [kind_of(name) for name in ("base", "tuned+rag", "oracle/tuned+rag", "few-shot")] == [
        "base",
        "tuned shown",
        "tuned shown beside",
        "rival beside",
    ]


def test_slices_are_shares_of_a_column():
    shown = slices({"outcomes": {"supported": 1, "hallucinated": 3, "misled": 0}})
    assert [(s.count, s.start, s.share) for s in shown] == [(1, 0.0, 25.0), (3, 25.0, 75.0)]


def test_a_run_without_rows_or_effects_renders():
    assert_safe(render({"cells": {}}, []))


def test_what_acts_unseen_is_shown_by_its_number():
    assert visible("a\u202eb\0c\ud800\n") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+D800⟩\n"
    assert visible("שלום 你好 \u2028") == "שלום 你好 \u2028"


def test_each_tag_has_its_own_figures(results):
    by_tag = {"near-miss": {"n": 7, "cells": results["cells"]}, "<b>": {"n": 3, "cells": {}}}
    read = assert_safe(render(results | {"by_tag": by_tag}, []))
    assert "Only the 7 questions tagged near-miss" in read.text
    assert "Only the 3 questions tagged <b>" in read.text
    assert "tagged" not in assert_safe(render(results, [])).text


HEADING = "Help and harm of passages"


def test_harm_and_help_of_passages_have_a_table(results):
    entry = {"mean": 0.21, "low": 0.11, "high": 0.43, "n": 33, "status": "ok", "reason": "few groups (4)"}
    read = assert_safe(render(results | {"memory": {"base": {"harm": entry, "help": entry}}}, []))
    assert HEADING in read.text
    assert read.text.count("21 [11, 43]") == 2
    assert "few groups (4)" in read.text and "not measured" in read.text


def test_without_enough_questions_harm_and_help_are_not_shown(results):
    entry = {"mean": None, "low": None, "high": None, "n": 3, "status": "withheld", "reason": "too few"}
    read = assert_safe(render(results | {"memory": {"base": {"harm": entry, "help": entry}}}, []))
    assert HEADING not in read.text and "too few" not in read.text


def test_the_answers_of_a_probe_can_be_picked_as_a_column(results):
    probes = {"oracle": {"base+rag": results["cells"]["base+rag"]}}
    rows = [report_sample.row(cell="base+rag"), report_sample.row(cell="oracle/base+rag")]
    read = assert_safe(render(results | {"probes": probes}, rows))
    assert f"c{len(report_sample.COLUMNS)}" in read.ids
    assert "shown in base+rag, oracle/base+rag" in read.text


SHARE = {"mean": 0.25, "low": 0.125, "high": 0.5, "n": 8, "status": "ok", "reason": ""}
BITS = {"mean": 1.25, "low": 1.2, "high": 1.3, "n": 40, "status": "ok", "reason": ""}
EIGHT = {
    "number": 3,
    "name": "Rate of change",
    "question": "How often does it change?",
    "answer": "Monthly.",
    "figures": [{"label": "facts", "mean": 0.5, "low": 0.25, "high": 0.75, "n": 4, "unit": "percent"}],
    "status": "undecided",
    "more_questions": 1200,
    "needs": "--probe stale",
    "rows": [{"question_id": "q0", "cell": "base"}, {"question_id": "unknown", "cell": "base"}],
}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"eight_questions": [EIGHT]}, ["Eight questions", "50 [25, 75] %", "about 1,200 more"]),
        ({"assumptions": {"hours": 12}}, ["declared, not measured", "hours12"]),
        ({"forgetting": {"bits_per_byte": {"base": BITS}}}, ["Forgetting", "1.25 [1.2, 1.3] bits per byte"]),
        ({"forgetting": {"over_abstention": {"tuned": SHARE}, "gate": {"passed": False, "failed": ["x"]}}},
         ["25 [12, 50] %", "the gate fails: x"]),
        ({"ragas": {"label": "ragas formula", "cells": {"base": {"context_recall": SHARE}}}},
         ["context recall", "not to be compared"]),
        ({"judge": {"name": "j", "validated": True, "labels": {"n": 9, "cells": {"base": {"rate": SHARE}}}}},
         ["9 statements were labelled", "cells · base · rate", "validated"]),
        ({"probes": {"distractors": {"base+rag": {"harm": SHARE}}}}, ["base+rag · harm", "25 [12, 50] %"]),
        ({"systems": {"theirs": {"metrics": {"correct": SHARE}}}}, ["theirs"]),
        ({"verdict": {"sentences": [{"text": "It pays.", "rows": EIGHT["rows"]}], "flip": "At 9."}},
         ["It pays. 1 base", "At 9."]),
    ],
)  # fmt: skip
def test_what_other_runs_know_is_shown_where_it_is_known(results, keys, expected):
    read = assert_safe(render(results | keys, [report_sample.row()]))
    assert [text for text in expected if text not in read.words] == []
