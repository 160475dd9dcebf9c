import random
from itertools import islice

import pytest

from hybrid.evaluation.probes.numbers import counted_by_one, has_numbers, renamed, renamings
from hybrid.generation.correctness import values


def some(reference, *others, count=50):
    """Several renamings of a reference, each applied to it and to the other ways of writing it."""
    drawn = islice(renamings(reference, others, random.Random(0)), count)
    return [[renamed(text, renaming) for text in (reference, *others)] for renaming in drawn]


def test_a_number_keeps_its_unit_its_digits_and_its_decimals():
    for metres, kilometres in some("85 m", "85 metres"):
        number, unit = metres.split()
        assert unit == "m" and len(number) == 2 and number != "85"
        assert kilometres == f"{number} metres"
    for (decimal,) in some("0.24 cr"):
        assert 0.12 <= float(decimal.split()[0]) <= 0.48 and len(decimal) == len("0.24 cr")


def test_thousands_stay_separated_where_they_were():
    for comma, plain in some("1,460 cr", "1460 cr"):
        assert comma[1] == "," and comma.replace(",", "") == plain


def test_a_round_number_stays_round():
    assert {text for (text,) in some("400 kg")} <= {f"{n}00 kg" for n in range(2, 9)} - {"400 kg"}


def test_a_spelled_number_is_spelled_and_equal_to_its_digits():
    for spelled, digits in some("Eighteen months", "18 months"):
        assert spelled[0].isupper() and values(spelled) == values(digits) != values("18 months")
        assert 10 <= int(digits.split()[0]) <= 20


def test_a_percentage_is_no_more_than_a_hundred():
    assert all(float(text.split()[0]) <= 100 for (text,) in some("75 percent"))
    assert all(float(text.split()[0]) < 100 for (text,) in some("100 percent"))


def test_a_year_becomes_a_near_year():
    assert all(0 < abs(int(text) - 1987) <= 15 for (text,) in some("1987"))
    assert {text for (text,) in some("1987 kg")} - {str(n) for n in range(1972, 2003)}


def test_of_a_date_day_and_month_change_in_every_way_of_writing_it():
    for british, american in some("6 February 2031", "February 6, 2031"):
        day, month, year = british.split()
        assert year == "2031" and 2 <= int(day) <= 28
        assert american == f"{month} {day}, 2031"
    assert {text.split()[1] for text, _ in some("6 Feb 2031", "6 February 2031")} >= {"Jan", "Mar"}


def test_the_days_of_a_span_stay_in_order():
    for (text,) in some("from 3 to 13 November"):
        first, last = (int(word) for word in text.split() if word.isdecimal())
        assert first < last


def test_a_time_keeps_its_minutes_and_a_written_day_its_year():
    assert all(text.endswith(":30") and len(text) == 5 for (text,) in some("14:30"))
    assert all(text.startswith("2031-") and len(text) == 10 for (text,) in some("2031-02-06"))


def test_a_code_keeps_its_letters():
    for form, short, glued in some("form Q-13", "Q-13", "Q13"):
        digits = glued[1:]
        assert len(digits) == 2 and (form, short) == (f"form Q-{digits}", f"Q-{digits}")


@pytest.mark.parametrize("reference", ["12 to 15 days", "the 3rd", "may be used", "Lantern Quay"])
def test_several_numbers_ordinals_and_words_have_no_renaming(reference):
    assert some(reference) == []


def test_a_month_is_no_word_and_a_code_no_number():
    assert not has_numbers("may be used in march") and not has_numbers("Odo March")
    assert has_numbers("in March") and has_numbers("bay H6")


def test_one_of_something_is_told_apart_from_the_number_one():
    assert counted_by_one("1 year") and counted_by_one("one year")
    assert not counted_by_one("1") and not counted_by_one("11 years")
