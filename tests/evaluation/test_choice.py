import pytest

from hybrid.evaluation.choice import Difference, best_column, choose, more_questions

CELLS = ("base", "base+rag", "tuned", "tuned+rag")
UP, FLAT, OPEN = (0.2, 0.1, 0.3), (0.0, -0.03, 0.03), (0.08, 0.02, 0.14)


def row(mean, low, high):
    return {"mean": mean, "low": low, "high": high, "n": 100}


def chosen(*, run=CELLS, **rows):
    return choose({name: row(*figures) for name, figures in rows.items()}, 0.05, run)


def test_the_best_prompt_may_stand_for_prompt_only():
    # Retrieval brings the base much, but examples without retrieval bring as much.
    found = chosen(
        retrieval_base=UP,
        few_shot=UP,
        retrieval_vs_few_shot=FLAT,
        retrieval_few_shot=FLAT,
        run=("base", "base+rag"),
    )
    assert found.choice == "prompt only"


def test_examples_with_retrieval_may_stand_for_retrieval():
    found = chosen(retrieval_base=FLAT, retrieval_few_shot_vs_base=UP, run=("base", "base+rag"))
    assert found.choice == "retrieve"


def test_equal_options_of_one_part_go_to_the_larger_mean():
    close = {"retrieval_base": UP, "tuning_alone": UP, "retrieval_tuned": FLAT, "tuning_rag": FLAT}
    assert chosen(**close, tuned_vs_retrieval=(0.01, -0.02, 0.04)).choice == "tune"
    assert chosen(**close, tuned_vs_retrieval=(-0.01, -0.04, 0.02)).choice == "retrieve"
    # ± 8 points: each of them may be d behind
    assert chosen(**close, tuned_vs_retrieval=(0.0, -0.08, 0.08)).choice == "undecided"


def test_what_is_left_and_what_would_settle_it():
    found = chosen(retrieval_base=UP, retrieval_tuned=UP, tuning_alone=FLAT, tuning_rag=OPEN)
    assert found.remaining == ("retrieve", "both")
    # tuning with retrieval: half-width 0.06, distance 0.03: 100 · 2² − 100
    assert (found.choice, found.more_questions) == ("undecided", 300)


def test_a_comparison_without_a_figure_blocks_the_choice():
    rows = {"retrieval_base": row(*UP), "tuning_rag": {"mean": None, "low": None, "high": None}}
    assert choose(rows, 0.05, ("base", "base+rag")).choice == "retrieve"
    rows["retrieval_tuned"] = row(*UP)
    assert choose(rows, 0.05, CELLS).choice == "undecided"


def test_nothing_to_compare():
    assert choose({}, 0.05, ("base",)).choice == "not measured"


@pytest.mark.parametrize(
    ("low", "bar", "more"),
    [(0.02, 0.05, 300), (-0.04, 0.05, 1500), (0.02, 0.08, 10_000)],  # (6/3)², (12/3)², no distance
)
def test_more_questions(low, bar, more):
    assert more_questions(Difference(0.08, low, 0.16 - low, 100), bar) == more


def test_the_better_column_stands_for_an_option():
    assert best_column("retrieve", {"few_shot_rag": row(*UP)}) == "few-shot+rag"
    assert best_column("retrieve", {"few_shot_rag": row(-0.1, -0.2, 0.0)}) == "base+rag"
    assert best_column("both", {}) == "tuned+rag"
