"""The limits to forgetting, held by intervals."""

import pytest

from hybrid.evaluation.forgetting.gate import gate
from hybrid.specs import ForgettingSpec

LIMITS = ForgettingSpec(
    max_bits_per_byte_increase=0.1, max_over_abstention_increase=0.2, max_instruction_following_drop=0.3
)
WITHIN = (-0.05, 0.05)


def figures(bits=WITHIN, silent=WITHIN, followed=WITHIN):
    names = ("bits_per_byte", "over_abstention", "instruction_following")
    return {
        name: {"difference": {"low": low, "high": high}}
        for name, (low, high) in zip(names, (bits, silent, followed), strict=True)
    }


@pytest.mark.parametrize(
    ("found", "failed", "undecided"),
    [
        (figures(), [], []),
        (figures(bits=(0.11, 0.2)), ["max_bits_per_byte_increase"], []),
        (figures(bits=(0.1, 0.2)), [], ["max_bits_per_byte_increase"]),
        (figures(bits=(0.0, 0.1)), [], []),
        (figures(bits=(-0.9, -0.8)), [], []),
        (figures(silent=(0.21, 0.9)), ["max_over_abstention_increase"], []),
        (figures(silent=(-0.9, -0.4)), [], []),
        (figures(followed=(-0.5, -0.31)), ["max_instruction_following_drop"], []),
        (figures(followed=(-0.5, -0.29)), [], ["max_instruction_following_drop"]),
        (figures(followed=(0.4, 0.5)), [], []),
        (figures(bits=(None, None)), [], ["max_bits_per_byte_increase"]),
        (
            figures(bits=(1, 2), followed=(-1, -0.9)),
            ["max_bits_per_byte_increase", "max_instruction_following_drop"],
            [],
        ),
    ],
)
def test_a_limit_fails_only_if_the_whole_interval_lies_beyond_it(found, failed, undecided):
    held = gate(found, LIMITS)
    assert (held["failed"], held["undecided"], held["passed"]) == (failed, undecided, not failed)


def test_a_limit_that_is_null_is_not_held():
    spec = LIMITS.model_copy(update={"max_bits_per_byte_increase": None})
    held = gate(figures(bits=(5.0, 6.0)), spec)
    assert held["passed"] and not held["undecided"]
    assert held["limits"] == {"max_over_abstention_increase": 0.2, "max_instruction_following_drop": 0.3}


def test_a_limit_of_nothing_is_a_limit():
    spec = ForgettingSpec(max_over_abstention_increase=0)
    assert gate(figures(silent=(0.01, 0.2)), spec)["failed"] == ["max_over_abstention_increase"]
