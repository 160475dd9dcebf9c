import pytest
from scored_rows import column, scored

from hybrid.evaluation.probes.fates import Fate, fates
from hybrid.evaluation.probes.findings import findings
from hybrid.evaluation.probes.swaps import Swap

WITHHELD = ("withheld", None, None, None)


def told(figure):
    return figure["status"], figure["mean"], figure["low"], figure["high"]


def test_what_became_of_an_answer_and_what_says_nothing():
    rows = [
        scored("a", "q1", right=1.0),
        scored("a", "q2", right=0.0),
        scored("a", "q3", right=0.0, silent=True),
        scored("a", "q4", right=1.0, dropped=1),
        scored("a", "q5", right=None),
    ]
    assert fates(rows) == {"q1": Fate.RIGHT, "q2": Fate.WRONG, "q3": Fate.SILENT}


def test_harm_is_answered_wrongly_beside_distractors_though_right_with_the_gold_alone():
    rows = [
        *column("oracle/base+rag", (40, 1), (20, 0)),
        *column("distractors/base+rag", (6, 0), (4, "silent"), (40, 1), (10, 0)),
    ]
    harm = findings(rows, {})["distractors"]["base+rag"]["harm"]
    # Of the first 40 questions 6 are wrong and 4 silent: silence is no harm. The other 20 do not count.
    assert (harm["mean"], harm["n"], harm["status"]) == (pytest.approx(6 / 40), 40, "ok")
    assert harm["low"] < 0.15 < harm["high"]


def test_harm_of_the_known_is_among_those_right_without_passages():
    rows = [
        *column("base", (5, 0), (30, 1)),
        *column("oracle/base+rag", (35, 1)),
        *column("distractors/base+rag", (8, 0), (27, 1)),
    ]
    found = findings(rows, {})["distractors"]["base+rag"]
    assert (found["harm"]["mean"], found["harm"]["n"]) == (pytest.approx(8 / 35), 35)
    assert (found["harm_known"]["mean"], found["harm_known"]["n"]) == (pytest.approx(3 / 30), 30)


def test_among_few_questions_harm_is_withheld_with_its_n():
    rows = [*column("oracle/base+rag", (29, 1)), *column("distractors/base+rag", (29, 0))]
    found = findings(rows, {})["distractors"]["base+rag"]
    assert told(found["harm"]) == WITHHELD
    assert found["harm"]["reason"] == (
        "29 questions are right with the gold passages alone; at least 30 are needed"
    )
    assert found["harm_known"]["reason"] == "0 questions are right without passages; at least 30 are needed"


def test_the_harm_of_a_cell_is_of_its_own_model():
    rows = [
        *column("oracle/base+rag", (30, 1)),
        *column("distractors/base+rag", (30, 1)),
        *column("oracle/tuned+rag", (30, 1)),
        *column("distractors/tuned+rag", (30, 0)),
    ]
    found = findings(rows, {})["distractors"]
    assert [found[cell]["harm"]["mean"] for cell in ("base+rag", "tuned+rag")] == [0.0, 1.0]


def test_accuracy_by_position_and_the_largest_difference():
    rows = [
        *column("position-first/base+rag", (30, 1), (10, 0)),
        *column("position-middle/base+rag", (10, 1), (30, 0)),
        *column("position-last/base+rag", (10, 0), (25, 1), (5, "silent")),
    ]
    found = findings(rows, {})["position"]["base+rag"]
    assert [found[place]["mean"] for place in ("first", "middle", "last")] == [0.75, 0.25, 0.625]
    largest = found["largest"]
    assert (largest["from"], largest["to"], largest["mean"]) == ("first", "middle", -0.5)
    assert largest["low"] < -0.5 < largest["high"] < 0 and largest["n"] == 40


def test_the_largest_of_three_differences_has_a_wider_interval_than_one():
    from hybrid.evaluation.intervals import paired_difference
    from hybrid.records import Value

    rows = [
        *column("position-first/base+rag", (30, 1), (10, 0)),
        *column("position-middle/base+rag", (10, 1), (30, 0)),
        *column("position-last/base+rag", (30, 1), (10, 0)),
    ]
    largest = findings(rows, {})["position"]["base+rag"]["largest"]
    first, middle = ({f"q{n}": Value(float(n < right)) for n in range(40)} for right in (30, 10))
    single = paired_difference(first, middle, {}, binary=True)
    assert largest["low"] < single.low and single.high < largest["high"]


def test_positions_are_compared_on_the_questions_that_all_have():
    rows = [
        *column("position-first/base+rag", (40, 1)),
        *column("position-middle/base+rag", (30, 1)),
        *column("position-last/base+rag", (20, 0)),
    ]
    found = findings(rows, {})["position"]["base+rag"]
    assert [found[place]["n"] for place in ("first", "middle", "last", "largest")] == [20] * 4
    assert findings(rows[:70], {})["position"]["base+rag"]["largest"]["mean"] is None


SWAP = Swap(("5 years", "five years"), ("7 years", "seven years"), ())
SAID = {
    "follows_context": "It is 7 years.",
    "keeps_memory": "five years",
    "other": "9 years",
    "abstains": "I don't know.",
}


def asked(counts, trusted=SWAP.substitutes):
    said = [text for name, text in SAID.items() for _ in range(counts.get(name, 0))]
    return [
        scored("counterfactual/base+rag", f"q{n}", text, silent="know" in text, swap=SWAP, answers=trusted)
        for n, text in enumerate(said)
    ]


def test_an_answer_follows_the_passages_keeps_to_memory_or_neither():
    rows = asked({"follows_context": 20, "keeps_memory": 10, "other": 6, "abstains": 4})
    found = findings(rows, {})["counterfactual"]["base+rag"]
    shares = {name: found[name]["mean"] for name in SAID}
    # Of 40.
    assert shares == {"follows_context": 0.5, "keeps_memory": 0.25, "other": 0.15, "abstains": 0.1}
    assert found["right"]["mean"] == 0.5 and found["right"]["low"] < 0.5 < found["right"]["high"]


def test_where_memory_has_the_authority_keeping_to_it_is_right():
    rows = asked({"follows_context": 20, "keeps_memory": 10, "other": 10}, trusted=SWAP.references)
    found = findings(rows, {})["counterfactual"]["base+rag"]
    assert (found["right"]["mean"], found["follows_context"]["mean"]) == (0.25, 0.5)


def test_an_answer_that_tells_both_values_is_other():
    both = scored("counterfactual/base+rag", "q0", "7 years, or 5 years?", swap=SWAP)
    rows = [both, *asked({"follows_context": 40})[1:]]
    assert findings(rows, {})["counterfactual"]["base+rag"]["other"]["mean"] == pytest.approx(1 / 40)


def test_among_few_swaps_no_rate_is_told():
    found = findings(asked({"follows_context": 29}), {})["counterfactual"]["base+rag"]
    assert {told(figure) for figure in found.values()} == {WITHHELD}
    assert found["right"]["reason"] == "29 questions are swapped and checked; at least 30 are needed"


def test_without_probes_there_are_no_findings():
    assert findings(column("base+rag", (3, 1)), {}) == {}
