"""What the shipped adapter does on texts it never learned from: ``grounded.py [--part test] [SUITE]…``.

Each run is kept as ``eval/baselines/grounded-SUITE``, and the table goes into the adapter's card. XQuAD and
CLAPnq have to be imported first (see ``make grounded``).
"""

import re
import sys
from pathlib import Path
from typing import Any

import hybrid
from hybrid.cli.terminal import TerminalProgress

ROOT = Path(__file__).parents[1]
CARD = ROOT / "hybrid" / "weights" / "grounded-smollm2-135m" / "README.md"
DENSE = "retrieval.lexical=false"
# As in the accepted baselines of these suites, so that the untuned columns are the same.
SUITES: dict[str, dict[str, Any]] = {
    "xquad": {"limit": 120, "overrides": [DENSE, "references.examples=[2,4]"]},
    "clapnq": {
        "limit": 50,
        "probes": ["oracle"],
        "overrides": [DENSE, "references.examples=[2]", "generation.max_new_tokens=96"],
    },
    "marrowick": {"probes": ["oracle"], "overrides": ["forgetting.enabled=true"]},
    "python-reference": {"overrides": [DENSE, "references.examples=[2,4]"]},
    "common-knowledge": {"cells": ["base", "base+rag", "tuned", "tuned+rag"]},
}
METRICS = ("correct", "score", "hallucination_rate", "abstention_recall", "false_abstention")
METRICS += ("citation_precision", "citation_recall", "cited_rate")

part = "test" if "--part" in sys.argv and "test" in sys.argv else "dev"
named = [name for name in sys.argv[1:] if name in SUITES]
card = CARD.read_text(encoding="utf-8")
for name in named or SUITES:
    report = hybrid.evaluate("grounded", suite=name, part=part, progress=TerminalProgress(), **SUITES[name])
    report.export("baseline", ROOT / "eval" / "baselines" / f"grounded-{name}")
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    card = place.sub(lambda ends, made=report: f"{ends[1]}{made.markdown(METRICS)}\n{ends[2]}", card)
    CARD.write_text(card, encoding="utf-8")
    print(report.path("report.html"))
