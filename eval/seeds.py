"""How much figures depend on the seed of a tuning: ``seeds.py [PIPELINE] [SEED]…``, on the dev part.

Prints a row for each seed, and keeps the table in ``eval/baselines``.
"""

import sys
from pathlib import Path

import hybrid

METRICS = ("correct", "score", "hallucination_rate", "abstention_recall", "false_abstention")
METRICS += ("citation_precision", "citation_recall")
CELL = "tuned+rag"

name = next((word for word in sys.argv[1:] if not word.isdigit()), "quickstart")
seeds = [int(word) for word in sys.argv[1:] if word.isdigit()] or [0, 1, 2]


def row(label: str, cell: dict[str, dict[str, float]]) -> str:
    """A label and the cell's means, in percent."""
    means = (cell[metric]["mean"] for metric in METRICS)
    return "\t".join([label, *("–" if mean is None else f"{100 * mean:.0f}" for mean in means)])


rows = ["\t".join(["percent", *METRICS])]
for seed in seeds:
    report = hybrid.evaluate(name, seed=seed, part="dev")
    if len(rows) == 1:
        rows += [row("base+rag", report.results["cells"]["base+rag"]["metrics"])]
    rows += [row(f"{CELL}, seed {seed}", report.results["cells"][CELL]["metrics"])]
    print("\n".join(rows), flush=True)
table = Path(__file__).parent / "baselines" / f"{name}-seeds.tsv"
table.write_text("\n".join(rows) + "\n", encoding="utf-8")
print(table)
