from dataclasses import replace

import pytest

from hybrid.retrieval.embed import HashingEmbedder
from hybrid.retrieval.retriever import Retriever
from hybrid.specs import PipelineSpec, TuningSpec
from hybrid.suites import load_suite
from hybrid.tuning.lessons import training_rows
from hybrid.tuning.lint.checks import Against, lint
from hybrid.tuning.lint.row import rows_of_training


@pytest.mark.parametrize(("name", "rows"), [("marrowick", 300), ("qinglan", 20)])
def test_built_in_rows_have_no_fault_but_that_general_data_are_missing(name, rows):
    suite = load_suite(name)
    tuning = TuningSpec(rows=rows)
    retriever = Retriever(suite.corpus, HashingEmbedder(256), 3)
    built = training_rows(PipelineSpec(suite=name, tuning=tuning), suite, retriever, seed=0)
    # Nothing is encoded here, so that how many tokens are learned is not known.
    checked = [replace(row, label_tokens=None) for row in rows_of_training([], built)]
    found = lint(checked, Against(tuning, suite.questions))
    assert [finding.rule for finding in found.of("error", "warning")] == ["general-share"]
    assert {finding.rule for finding in found.of("note")} <= {"unseen-shown", "not-in-context"}
