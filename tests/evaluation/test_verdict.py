import pytest

from hybrid.evaluation.verdict import MOST_QUESTIONS, decide

CELLS = ("base", "base+rag", "tuned", "tuned+rag")
UP, FLAT, OPEN = (0.2, 0.1, 0.3), (0.0, -0.03, 0.03), (0.08, 0.02, 0.14)


def effect(mean, low, high, n=100):
    shown = {"mean": mean, "low": low, "high": high, "low_corrected": low, "high_corrected": high}
    return {"score": shown | {"n": n}}


def verdict(*, present=CELLS, **rows):
    return decide({k: effect(*v) for k, v in rows.items()}, worth_it=0.05, cells_present=present)


@pytest.mark.parametrize(
    ("retrieval_base", "retrieval_tuned", "tuning_alone", "tuning_rag", "choice"),
    [
        (UP, UP, FLAT, UP, "both"),
        (UP, UP, FLAT, FLAT, "retrieve"),
        (FLAT, FLAT, UP, UP, "tune"),
        (FLAT, FLAT, FLAT, FLAT, "prompt only"),
        (UP, UP, FLAT, OPEN, "undecided"),
        (OPEN, FLAT, FLAT, FLAT, "undecided"),
    ],
)
def test_choices(retrieval_base, retrieval_tuned, tuning_alone, tuning_rag, choice):
    found = verdict(
        retrieval_base=retrieval_base,
        retrieval_tuned=retrieval_tuned,
        tuning_alone=tuning_alone,
        tuning_rag=tuning_rag,
        together=FLAT,
    )
    assert found["choice"] == choice


def test_neither_alone_but_both_together_is_not_prompt_only():
    found = verdict(
        retrieval_base=FLAT, retrieval_tuned=OPEN, tuning_alone=FLAT, tuning_rag=OPEN, together=UP
    )
    assert found["choice"] == "undecided"


def test_of_two_that_replace_each_other_the_larger_gain():
    more = (0.3, 0.2, 0.4)
    found = verdict(retrieval_base=UP, retrieval_tuned=FLAT, tuning_alone=more, tuning_rag=FLAT)
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
