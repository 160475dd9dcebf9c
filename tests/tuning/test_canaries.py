from hybrid.records import Question
from hybrid.tuning.canaries import (
    canary,
    codes_planted,
    found_canaries,
    training_canaries,
    with_canaries,
)
from hybrid.tuning.rows import TrainingRow

ROWS = [
    TrainingRow(Question(f"q{n}", "How long?"), "gold" if n % 2 else "distractors", (), (f"{n} years",))
    for n in range(20)
]


def changed(rows):
    return [n for n, (old, new) in enumerate(zip(ROWS, rows, strict=True)) if old != new]


def test_so_many_rows_that_tell_end_with_a_canary_each():
    rows = with_canaries(ROWS, 4, seed=0)
    planted = changed(rows)
    assert len(planted) == 4 and all(ROWS[n].kind == "gold" for n in planted)
    sentences = {rows[n].sentences[1] for n in planted}
    assert sentences == {each.sentence for each in training_canaries(4, 0)}
    assert all(rows[n].sentences[0] == f"{n} years" for n in planted)


def test_there_are_no_more_than_rows_that_tell():
    rows = with_canaries(ROWS, 100, seed=0)
    assert len(changed(rows)) == 10 == codes_planted(rows, 100, 0)


def test_without_canaries_the_rows_stay_as_they_are():
    assert with_canaries(ROWS, 0, seed=0) == ROWS and codes_planted(ROWS, 0, 0) == 0


def test_the_seed_decides_the_codes():
    assert training_canaries(3, 0) == training_canaries(3, 0) != training_canaries(3, 1)
    assert training_canaries(5, 0)[:3] == training_canaries(3, 0)


def test_a_code_is_found_with_signs_between_but_not_in_part():
    one = canary("x")
    assert found_canaries(f"no. {one.code[:6]}-{one.code[6:].lower()}!", [one, canary("y")]) == [one]
    assert found_canaries(one.code[:-1], [one]) == []
