import pytest

from hybrid.evaluation.conditional import LEAST
from hybrid.evaluation.memory import memory
from hybrid.records import Status, Value

NONE = Value(None, Status.NOT_APPLICABLE, "the corpus does not hold the answer")


def column(*runs):
    """Answers to q0, q1, …: ``(30, 1)`` are thirty right ones; 0 is wrong, and None has no figure."""
    values = dict(enumerate(value for count, value in runs for _ in range(count)))
    return {
        "correct": {f"q{n}": NONE if v is None else Value(float(v == 1)) for n, v in values.items()},
        "answer_rate": {f"q{n}": Value(float(v != "silent")) for n, v in values.items()},
    }


def rates(base, shown, known=None):
    return memory({"base": column(*base), "base+rag": column(*shown)}, {}, known)["base"]


def ids(*numbers):
    return {f"q{n}" for n in numbers}


def test_harm_is_of_the_known_and_help_of_the_unknown():
    found = rates([(40, 1), (50, 0)], [(6, 0), (34, 1), (15, 1), (35, 0)])
    # Of 40 that the base knew 6 are wrong with passages; of 50 that it did not know 15 are right.
    assert (found["harm"]["mean"], found["harm"]["n"]) == (pytest.approx(6 / 40), 40)
    assert (found["help"]["mean"], found["help"]["n"]) == (pytest.approx(15 / 50), 50)
    assert found["harm"]["low"] < 0.15 < found["harm"]["high"]
    assert found["harm"]["status"] == found["help"]["status"] == "ok"


def test_known_questions_that_passages_silence_are_told_apart_from_wrong_answers():
    found = rates([(40, 1), (40, 0)], [(6, 0), (10, "silent"), (24, 1), (30, "silent"), (10, 1)])
    # Of 40 known 6 are wrong and 10 silent; of 40 unknown 10 are right.
    assert (found["harm"]["mean"], found["harm"]["n"]) == (pytest.approx(6 / 40), 40)
    assert (found["silenced"]["mean"], found["silenced"]["n"]) == (pytest.approx(10 / 40), 40)
    assert (found["help"]["mean"], found["help"]["n"]) == (pytest.approx(10 / 40), 40)


def test_the_list_of_the_known_is_of_the_base_only():
    table = {name: column((40, int("rag" in name))) for name in ("base", "base+rag", "tuned", "tuned+rag")}
    found = memory(table, {}, ids(*range(40)))
    assert (found["base"]["harm"]["n"], found["base"]["help"]["n"]) == (40, 0)
    assert (found["tuned"]["harm"]["n"], found["tuned"]["help"]["n"]) == (0, 40)


def test_the_tuned_model_has_its_own_memory():
    table = {
        "base": column((40, 0)),
        "base+rag": column((40, 1)),
        "tuned": column((40, 1)),
        "tuned+rag": column((10, 0), (30, 1)),
    }
    found = memory(table, {})
    assert (found["base"]["help"]["mean"], found["base"]["harm"]["n"]) == (1.0, 0)
    assert (found["tuned"]["harm"]["mean"], found["tuned"]["help"]["n"]) == (0.25, 0)  # 10 of 40


@pytest.mark.parametrize(("n", "status"), [(LEAST - 1, "withheld"), (LEAST, "ok")])
def test_a_rate_among_few_questions_is_withheld(n, status):
    assert LEAST == 30
    found = rates([(n, 1), (n, 0)], [(2 * n, 1)])
    assert {found["harm"]["status"], found["help"]["status"]} == {status}
    assert found["harm"]["n"] == found["help"]["n"] == n


def test_a_withheld_rate_has_no_figure_but_a_reason():
    found = rates([(3, 1), (40, 0)], [(43, 1)])
    harm = found["harm"]
    assert (harm["mean"], harm["low"], harm["high"]) == (None, None, None)
    assert harm["reason"] == "3 questions are known without passages; at least 30 are needed"
    few = rates([(40, 1), (2, 0)], [(42, 1)])["help"]
    assert few["reason"] == "2 questions are not known without passages; at least 30 are needed"


def test_the_list_of_the_known_overrides_the_answers_of_the_run():
    # The run itself knew none; the list names the first 32, of which 8 are wrong with passages.
    base, shown = [(70, 0)], [(8, 0), (24, 1), (19, 1), (19, 0)]
    found = rates(base, shown, ids(*range(32)))
    assert (found["harm"]["mean"], found["harm"]["n"]) == (8 / 32, 32)
    assert (found["help"]["mean"], found["help"]["n"]) == (19 / 38, 38)
    assert rates(base, shown)["harm"]["n"] == 0


def test_an_empty_list_says_that_nothing_is_known():
    found = rates([(40, 1)], [(10, 1), (30, 0)], set())
    assert (found["harm"]["n"], found["help"]["n"], found["help"]["mean"]) == (0, 40, 0.25)


def test_a_list_needs_no_cell_without_passages():
    table = {"base+rag": column((30, 0), (30, 1))}
    found = memory(table, {}, ids(*range(30)))["base"]
    assert (found["harm"]["mean"], found["help"]["mean"]) == (1.0, 1.0)
    assert memory(table, {})["base"]["harm"]["n"] == 0


def test_questions_without_a_figure_count_nowhere():
    found = rates([(40, 1), (5, None)], [(35, 1), (5, None), (5, None)])
    assert (found["harm"]["n"], found["harm"]["mean"], found["help"]["n"]) == (35, 0.0, 0)
    listed = rates([(40, 1)], [(35, 1), (5, None)], ids(38, 39))
    assert (listed["harm"]["n"], listed["help"]["n"]) == (0, 35)


def test_columns_that_were_not_run_have_no_rate():
    for rate in memory({}, {}).values():
        assert {(entry["status"], entry["mean"], entry["n"]) for entry in rate.values()} == {
            ("withheld", None, 0)
        }
