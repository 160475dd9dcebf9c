"""Base and tuned on the same tasks and text."""

import pytest

from hybrid.evaluation.run import evaluate
from hybrid.generation.generator import Generator
from hybrid.progress import Silent


def test_a_run_with_a_tuned_column_tells_what_tuning_cost(at_home, pipeline):
    report = evaluate(pipeline, cells=["base", "tuned"], limit=2, overrides=["forgetting.enabled=true"])
    found = report.results["forgetting"]
    print({k: v for k, v in found.items() if k != "rows"})
    print(found["rows"]["paragraphs"][:2], found["rows"]["tasks"][:2])
    from hybrid.evaluation.forgetting.lines import forgetting_lines
    print(forgetting_lines(report.results))
    assert report.failed_thresholds
