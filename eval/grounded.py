"""What the shipped adapter does on texts it never learned from: ``grounded.py [dev|test] [SUITE]…``.

Each run is kept as ``eval/baselines/grounded-SUITE``, its table goes into the adapter's card. XQuAD and
CLAPnq have to be imported first (see ``make grounded``).
"""

import re
import sys
from pathlib import Path

import hybrid

ROOT = Path(__file__).parents[1]
CARD = ROOT / "hybrid" / "weights" / "grounded-smollm2-135m" / "README.md"
DENSE = "retrieval.lexical=false"
# As in the accepted baselines of these suites, so that the untuned columns are the same.
SUITES = {
    "xquad": {"limit": 120, "overrides": [DENSE]},
    "clapnq": {"limit": 50, "probes": ["oracle"], "overrides": [DENSE, "generation.max_new_tokens=96"]},
    "marrowick": {"probes": ["oracle"], "overrides": ["forgetting.enabled=true"]},
    "python-reference": {"overrides": [DENSE]},
    "common-knowledge": {"cells": ["base", "base+rag", "tuned", "tuned+rag"]},
}
METRICS = ("correct", "score", "hallucination_rate", "abstention_recall", "false_abstention")
METRICS += ("citation_precision", "citation_recall", "cited_rate")

part = "test" if "test" in sys.argv else "dev"
card = CARD.read_text(encoding="utf-8")
for name in [name for name in SUITES if name in sys.argv] or SUITES:
    report = hybrid.evaluate("grounded", suite=name, part=part, **SUITES[name])
    report.export("baseline", ROOT / "eval" / "baselines" / f"grounded-{name}")
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    card = place.sub(lambda ends, made=report: f"{ends[1]}{made.markdown(METRICS)}\n{ends[2]}", card)
    CARD.write_text(card, encoding="utf-8")
    print(report.path("report.html"))
