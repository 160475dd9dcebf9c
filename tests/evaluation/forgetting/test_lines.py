"""What tuning cost, in words."""

import pytest

from hybrid.evaluation.forgetting.lines import forgetting_lines
from hybrid.evaluation.report import Report
from hybrid.evaluation.table import notes


def figure(mean, low=None, high=None, n=40):
    return {"mean": mean, "low": low, "high": high, "n": n}


FOUND = {
    "bits_per_byte": {
        "base": figure(1.1),
        "tuned": figure(1.18),
        "difference": figure(0.08, 0.061, 0.1),
    },
    "over_abstention": {
        "base": figure(0.0),
        "tuned": figure(0.125),
        "difference": figure(0.125, -0.01, 0.26, 48),
    },
    "instruction_following": {
        "base": figure(0.5),
        "tuned": figure(0.4),
        "difference": figure(-0.1, -0.2, 0.0, 50),
    },
    "gate": {
        "limits": {"max_bits_per_byte_increase": 0.1},
        "passed": True,
        "failed": [],
        "undecided": [],
    },
}


def with_gate(**keys):
    return {"forgetting": FOUND | {"gate": FOUND["gate"] | keys}}


def test_each_figure_is_a_line_with_its_change_and_interval():
    lines = forgetting_lines({"forgetting": FOUND})
    assert lines == [
        "general text: 1.10 → 1.18 bits per byte (+0.08 [0.06, 0.10], n 40 paragraphs)",
        "general questions: 0 → 12 % left unanswered (+12 [-1, +26] points, n 48 questions)",
        "instructions: 50 → 40 % followed (-10 [-20, +0] points, n 50 instructions)",
        "forgetting gate: passed",
    ]
    assert [line for line in notes({"forgetting": FOUND}) if line in lines] == lines


@pytest.mark.parametrize("results", [{}, {"forgetting": None}])
def test_a_run_without_it_has_no_line(results):
    assert forgetting_lines(results) == []


def test_the_gate_says_what_failed_and_what_is_undecided():
    name = "max_bits_per_byte_increase"
    failed = forgetting_lines(with_gate(passed=False, failed=[name]))[-1]
    assert failed == f"forgetting gate: failed, the whole interval lies beyond {name} 0.1"
    undecided = forgetting_lines(with_gate(undecided=[name]))[-1]
    assert undecided == f"forgetting gate: passed; not shown to be within {name} 0.1"
    assert forgetting_lines(with_gate(limits={}))[-1] == "forgetting gate: no limit is set"


def test_a_failed_limit_is_a_threshold_that_failed():
    results = with_gate(failed=["max_over_abstention_increase"]) | {"thresholds": []}
    assert Report(results, ()).failed_thresholds == ["forgetting.max_over_abstention_increase"]
    assert Report(with_gate() | {"thresholds": []}, ()).failed_thresholds == []
    assert Report({"thresholds": []}, ()).failed_thresholds == []
