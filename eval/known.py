"""The questions that the base answers unaided, for a suite's ``known``: ``eval/known.py SUITE [PIPELINE]``.

A pass of its own: which questions count as known is settled before any answer with passages is seen.
"""

import sys

import hybrid

suite = sys.argv[1]
pipeline = sys.argv[2] if len(sys.argv) > 2 else "quickstart"

report = hybrid.evaluate(pipeline, suite=suite, cells=["base"])
for row in report.rows:
    if row["metrics"]["correct"]["value"] == 1:
        print(row["question_id"])
