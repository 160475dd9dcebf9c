import pytest

from hybrid.evaluation.effects import effects
from hybrid.evaluation.flip import Verdicts, flips, lowered
from hybrid.evaluation.verdict import decide
from hybrid.records import Status, Value


def test_hidden_hallucinations_lower_the_score_of_seemingly_clean_answers():
    scores = {"clean": Value(1.0), "silent": Value(1.0), "caught": Value(-1.0)}
    counts = {"clean": Verdicts(2, 0), "silent": Verdicts(0, 0), "caught": Verdicts(2, 2)}
    column = lowered(scores, counts, 0.5, weight=1.0)
    # x = 1/2 hides U · 1 = 2 among S = 4: p = 1/2. "clean" hides one with chance 1 − (1/2)² = 3/4.
    assert {id: value.value for id, value in column.items()} == {"clean": 0.25, "silent": 1.0, "caught": -1.0}
    assert lowered(scores, counts, 0.5, weight=2.0)["clean"].value == pytest.approx(1 - 2 * 0.75)


def test_where_all_pass_every_supported_statement_may_be_a_hidden_one():
    counts = {"a": Verdicts(1, 0)}
    assert lowered({"a": Value(1.0)}, counts, 0.99, weight=1.0)["a"].value == 1.0
    assert lowered({"a": Value(1.0)}, counts, 1.0, weight=1.0)["a"].value == 0.0


def test_answers_without_a_score_have_none_afterwards():
    failed = Value(None, Status.JUDGE_ERROR, "no verdict")
    assert lowered({"a": failed}, {"a": Verdicts(0, 0)}, 1.0, weight=1.0) == {"a": failed}


def flipped(columns, counts, silent=()):
    groups = {question: question for question in next(iter(columns.values()))}
    table = {cell: {"score": column, "correct": column} for cell, column in columns.items()}
    found = effects(table, groups, binary=(), metrics=("score", "correct"))

    def verdict(changed):
        return decide(changed, worth_it=0.05, cells_present=columns.keys(), silent=silent)

    return verdict(found)["choice"], flips(found, columns, counts, groups, weight=1.0, decide=verdict)


def made(right, clean=100, n=200):
    """A cell of n answers of a statement each: so many right ones, of the first so many clean."""
    scores = {f"q{i}": Value(float(i < right) - (i >= clean)) for i in range(n)}
    return scores, {f"q{i}": Verdicts(int(i < clean), int(i >= clean)) for i in range(n)}


def test_the_least_rate_that_makes_another_choice_is_told():
    (base, base_counts), (rag, rag_counts) = made(40), made(100)
    choice, found = flipped({"base": base, "base+rag": rag}, {"base": base_counts, "base+rag": rag_counts})
    assert choice == "retrieve"
    points = found["flips"]["base+rag"]
    # 30 points better; at x as many hallucinations are hidden as x / (1 − x) · 100 among 200 answers, so the
    # mean falls to d at x / (1 − x) = 0.5, x = 33; the interval's lower end is there earlier.
    assert 10 < points < 33
    assert found["flips"]["base"] is None
    assert f"{points} points higher in base+rag (then: undecided); in no other cell" in found["flip"]
    at = lowered(rag, rag_counts, points / 100, 1.0)
    before = lowered(rag, rag_counts, (points - 1) / 100, 1.0)
    assert flipped({"base": base, "base+rag": at}, {})[0] == "undecided"
    assert flipped({"base": base, "base+rag": before}, {})[0] == "retrieve"


def test_a_verdict_that_no_error_in_one_cell_flips_says_so():
    (base, base_counts), (rag, rag_counts) = made(0, clean=10), made(200, clean=200)
    _, found = flipped({"base": base, "base+rag": rag}, {"base": base_counts, "base+rag": rag_counts})
    assert found["flips"] == {"base": None, "base+rag": None}
    assert found["flip"].startswith("No error of the judge in one cell alone would flip this verdict")


def test_what_correct_decides_does_not_depend_on_the_judge():
    (base, base_counts), (rag, rag_counts) = made(40), made(100)
    counts = {"base": base_counts, "base+rag": rag_counts}
    _, found = flipped({"base": base, "base+rag": rag}, counts, silent=["base", "base+rag"])
    assert set(found["flips"].values()) == {None}


def test_without_a_verdict_there_is_nothing_to_flip():
    assert flipped({"base": made(40)[0]}, {})[1] == {"flip": "", "flips": {}}
