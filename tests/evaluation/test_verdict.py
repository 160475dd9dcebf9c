import pytest

from hybrid.evaluation.choice import MOST_QUESTIONS
from hybrid.evaluation.verdict import decide

CELLS = ("base", "base+rag", "tuned", "tuned+rag")
UP, FLAT, OPEN = (0.2, 0.1, 0.3), (0.0, -0.03, 0.03), (0.08, 0.02, 0.14)
TWICE = (0.4, 0.3, 0.5)


def effect(mean, low, high, n=100):
    shown = {"mean": mean, "low": low, "high": high, "low_corrected": low, "high_corrected": high}
    return {"score": shown | {"n": n}}


def verdict(*, present=CELLS, **rows):
    return decide({k: effect(*v) for k, v in rows.items()}, worth_it=0.05, cells_present=present)


@pytest.mark.parametrize(
    ("retrieval_base", "retrieval_tuned", "tuning_alone", "tuning_rag", "together", "choice"),
    [
        (UP, UP, FLAT, UP, TWICE, "both"),
        (UP, UP, FLAT, FLAT, UP, "retrieve"),
        (FLAT, FLAT, UP, UP, UP, "tune"),
        (FLAT, FLAT, FLAT, FLAT, FLAT, "prompt only"),
        (UP, UP, FLAT, OPEN, UP, "undecided"),
        (OPEN, FLAT, FLAT, FLAT, FLAT, "undecided"),
    ],
)
def test_choices(retrieval_base, retrieval_tuned, tuning_alone, tuning_rag, together, choice):
    found = verdict(
        retrieval_base=retrieval_base,
        retrieval_tuned=retrieval_tuned,
        tuning_alone=tuning_alone,
        tuning_rag=tuning_rag,
        together=together,
    )
    assert found["choice"] == choice


def test_neither_alone_but_both_together_is_not_prompt_only():
    found = verdict(
        retrieval_base=FLAT, retrieval_tuned=OPEN, tuning_alone=FLAT, tuning_rag=OPEN, together=UP
    )
    assert found["choice"] == "undecided"


def test_of_two_that_replace_each_other_the_larger_gain():
    found = verdict(
        retrieval_base=UP, retrieval_tuned=FLAT, tuning_alone=UP, tuning_rag=FLAT, tuned_vs_retrieval=OPEN
    )
    # The tuned model lies 8 points above, 2 to 14: at least not d below. It may be d above.
    assert found["choice"] == "tune"


def test_tuning_has_to_beat_the_best_prompt():
    rows = {"retrieval_base": UP, "retrieval_tuned": UP, "tuning_alone": UP, "tuning_rag": UP}
    assert verdict(**rows)["choice"] == "both"
    found = verdict(**rows, tuned_rag_vs_few_shot_rag=FLAT)
    assert found["choice"] == "retrieve"
    assert "does not beat the best prompt" in found["sentence"]


def test_cells_that_were_not_run():
    found = verdict(present=("base", "base+rag"), retrieval_base=UP)
    assert found["choice"] == "retrieve"
    assert "Tuning was not measured." in found["sentence"]
    assert verdict(present=("base",))["choice"] == "not measured"


def test_an_open_zone_says_how_many_more():
    # half-width 0.06, distance to d 0.03: 100 · (0.06 / 0.03)² = 400 in all, 300 more
    found = verdict(retrieval_base=OPEN)
    assert found["zones"]["retrieval_base"] == {
        "zone": "undecided",
        "bar": 0.05,
        "corrected": "undecided",
        "more_questions": 300,
        "metric": "score",
    }
    assert "about 300 more questions" in found["sentence"]


def test_an_estimate_at_d_needs_more_than_is_counted():
    found = verdict(retrieval_base=(0.05, 0.0, 0.1))
    assert found["zones"]["retrieval_base"]["more_questions"] == MOST_QUESTIONS
    assert "over 10,000 more questions" in found["sentence"]


def test_the_sentence_names_judge_and_split():
    rows = {"retrieval_base": effect(*UP)}
    options = {"worth_it": 0.05, "cells_present": CELLS, "headline_split": "unseen"}
    found = decide(rows, **options)
    assert "by an unvalidated judge" in found["sentence"]
    assert "on unseen documents" in found["sentence"]
    assert found["headline_split"] == "unseen"
    assert "unvalidated" not in decide(rows, **options, judge_validated=True)["sentence"]


def test_what_the_correction_takes_back_is_named():
    rows = {"retrieval_base": effect(*UP)}
    rows["retrieval_base"]["score"]["low_corrected"] = 0.04
    found = decide(rows, worth_it=0.05, cells_present=CELLS)
    assert "Not after correction for seven effects: retrieval for the base model." in found["sentence"]


def test_effects_of_a_silent_column_are_judged_by_correct():
    # Alone the tuned model says nothing: right wherever the corpus does not tell, so its score is high.
    rows = {"retrieval_base": UP, "retrieval_tuned": FLAT, "tuning_alone": UP, "tuning_rag": UP}
    by_score = {name: effect(*row) for name, row in rows.items()}
    by_correct = {"retrieval_tuned": UP, "tuning_alone": FLAT}
    effects = {
        name: row | {"correct": effect(*by_correct.get(name, OPEN))["score"]}
        for name, row in by_score.items()
    }
    assert decide(effects, worth_it=0.05, cells_present=CELLS)["choice"] == "tune"
    found = decide(effects, worth_it=0.05, cells_present=CELLS, silent=["tuned"])
    assert (found["choice"], found["silent"]) == ("both", ["tuned"])
    assert found["zones"]["retrieval_base"]["zone"] == found["zones"]["tuning_rag"]["zone"] == "worth it"
    assert found["sentence"].endswith("Silent on most answerable questions, so judged by correct: tuned.")


def test_beside_retrieval_the_best_prompt_counts_first():
    rows = {"retrieval_base": UP, "retrieval_tuned": UP, "tuning_alone": UP, "tuning_rag": UP}
    found = verdict(**rows, tuned_rag_vs_few_shot_rag=UP, tuned_vs_few_shot=FLAT)
    assert "best prompt" not in found["sentence"]


def test_each_of_two_parts_has_to_bring_d():
    # 8 points together, surely above d, but surely not twice d
    found = verdict(retrieval_base=FLAT, tuning_alone=FLAT, together=(0.08, 0.06, 0.09))
    assert (found["choice"], found["zones"]["together"]["bar"]) == ("prompt only", 0.1)


def test_a_null_result_is_told_with_its_figures():
    found = verdict(retrieval_base=FLAT, retrieval_tuned=FLAT, tuning_alone=FLAT, tuning_rag=FLAT)
    assert found["sentence"].startswith("Prompt only: neither retrieving nor tuning is worth it")
    assert "Retrieval for the base model: +0 points (-3 to +3), not worth it." in found["sentence"]


def test_the_sentence_is_made_of_sentences_with_their_effects():
    found = verdict(retrieval_base=UP, present=("base", "base+rag"))
    assert found["sentence"] == " ".join(each["text"] for each in found["sentences"])
    assert "retrieval_base" in [each["effect"] for each in found["sentences"]]


def rows(**given):
    return {name: effect(*row) for name, row in given.items()}


RETRIEVE = rows(retrieval_base=UP, retrieval_tuned=UP, tuning_alone=FLAT, tuning_rag=FLAT)
BOTH = rows(retrieval_base=UP, retrieval_tuned=UP, tuning_alone=UP, tuning_rag=UP)
UNSURE = rows(retrieval_base=UP, retrieval_tuned=UP, tuning_alone=FLAT, tuning_rag=OPEN)


@pytest.mark.parametrize(
    ("forgiven", "counted", "choice"),
    [
        (BOTH, BOTH, "both"),
        (UNSURE, BOTH, "both"),
        (BOTH, UNSURE, "both"),
        (UNSURE, UNSURE, "undecided"),
        (RETRIEVE, BOTH, "undecided"),
    ],
)
def test_a_choice_has_to_come_out_without_an_unvalidated_judge(forgiven, counted, choice):
    options = {"worth_it": 0.05, "cells_present": CELLS}
    bare = {"forgiven": forgiven, "counted": counted}
    found = decide(BOTH, **options, without_judge=bare)
    assert found["choice"] == choice
    assert ("a validated judge has to settle it" in found["sentence"]) == (choice == "undecided")
    assert decide(BOTH, **options, without_judge=bare, judge_validated=True)["choice"] == "both"


def test_what_only_seen_documents_gain_is_no_choice():
    options = {"worth_it": 0.05, "cells_present": CELLS}
    # 40 points more where seen, ± √(0.1² + 0.03²) = 0.104
    gained = BOTH | rows(tuning_rag=(0.4, 0.3, 0.5))
    found = decide(BOTH, **options, by_split={"seen": gained, "unseen": RETRIEVE})
    assert (found["choice"], found["by_score"]) == ("undecided", "both")
    assert found["splits"] == {"seen": "both", "unseen": "retrieve"}
    # The same gain on both: nothing to say
    assert decide(BOTH, **options, by_split={"seen": BOTH, "unseen": BOTH})["choice"] == "both"


@pytest.mark.parametrize(("tolerance", "kept"), [(0.2, True), (0.1, False), (None, None)])
def test_a_declared_tolerance_is_held_against_the_upper_bound(tolerance, kept):
    rates = {"tuned+rag": {"mean": 0.08, "low": 0.03, "high": 0.15}}
    found = decide(BOTH, worth_it=0.05, cells_present=CELLS, hallucination=rates, tolerance=tolerance)
    assert (found["choice"], found["column"]) == ("both", "tuned+rag")
    assert found.get("within_tolerance") is kept
    assert ("above the declared tolerance of 10 %" in found["sentence"]) == (kept is False)
