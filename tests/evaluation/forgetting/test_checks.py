"""Every mechanical check with replies that pass and replies that do not."""

import json

import pytest
from pydantic import ValidationError

from hybrid.evaluation.forgetting.checks import Check, passes

CASES = [
    ({"equals": "YES"}, ["YES", " YES.\n", '"YES"', "“YES.”"], ["yes", "YES, of course", "NO"]),
    ({"exact_words": 3}, ["Cows eat grass.", "one - two three"], ["Cows eat.", "Cows eat green grass."]),
    ({"most_words": 3}, ["Bread.", "I like bread."], ["I do like bread."]),
    ({"lines": 2}, ["a\nb", "a\n\nb\n"], ["a b", "a\nb\nc"]),
    (
        {"items": 3},
        ["a, b, c", "a, b and c.", "a, b, and c"],
        ["a, b", "a, b, c, d", "a, , c", "a, b, c d e f", "a,\nb,\nc"],
    ),
    ({"case": "upper"}, ["RIVER 7!"], ["River", "river", "7!"]),
    ({"case": "lower"}, ["good day"], ["Good day"]),
    ({"starts_with": "The sea"}, ["The sea is wide."], ["the sea is wide.", "Oh, The sea"]),
    ({"ends_with": "?"}, ["Why? How?"], ["Why? Because."]),
    ({"contains_all": ["dog", "garden"]}, ["A Dog in the GARDEN"], ["A dog", "A garden"]),
    ({"contains_none": ["snow"]}, ["Winter is cold."], ["Winter is SNOWY."]),
    ({"regex": r"\d+ \w+"}, ["12 eggs"], ["about 12 eggs", "12 eggs today"]),
    ({"json_keys": ["name"]}, ['{"name": "Ida"}', '```json\n{"name": 1}\n```'], ["name", '["name"]', "{}"]),
    ({"json_keys": ["a", "b"]}, ['{"b": 1, "a": 2}'], ['{"a": 1}', '{"a": 1, "b": 2, "c": 3}', "{'a': 1}"]),
    ({"answers": ["8", "eight o'clock"]}, ["Eight.", "A spider has 8 legs."], ["Six.", "I don't know."]),
]


@pytest.mark.parametrize(("wanted", "good", "bad"), CASES, ids=lambda value: str(value)[:30])
def test_a_check_accepts_what_was_asked_for_and_nothing_else(wanted, good, bad):
    check = Check.model_validate_json(json.dumps(wanted))
    assert [reply for reply in good if not passes(reply, check)] == []
    assert [reply for reply in bad if passes(reply, check)] == []
    assert not passes("", check) and not passes(" \n", check)


def test_all_that_is_named_has_to_hold():
    check = Check(exact_words=1, contains_all=("positive",))
    assert passes("Positive!", check)
    assert not passes("Bad.", check) and not passes("It is positive.", check)


def test_every_check_has_a_case():
    assert {name for wanted, _, _ in CASES for name in wanted} == set(Check.model_fields)


@pytest.mark.parametrize("wanted", ["{}", '{"words": 3}', '{"exact_words": "3"}', '{"regex": null}'])
def test_a_check_of_nothing_or_of_unknown_things_is_refused(wanted):
    with pytest.raises(ValidationError):
        Check.model_validate_json(wanted)
