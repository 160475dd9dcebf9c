"""How much figures depend on the seed of a tuning: ``seeds.py [PIPELINE] [SEED]…``, on the dev part.

Writes a table to standard output: ``seeds.py quickstart 0 1 2 > eval/baselines/quickstart-seeds.tsv``.
"""

import sys

import hybrid

METRICS = ("correct", "score", "hallucination_rate", "abstention_recall", "false_abstention")
METRICS += ("citation_precision", "citation_recall")

name = next((word for word in sys.argv[1:] if not word.isdigit()), "quickstart")
seeds = [int(word) for word in sys.argv[1:] if word.isdigit()] or [0, 1, 2]


def show(seed: int | str, column: str, measured: dict[str, dict[str, float | None]]) -> None:
    """Prints a column's means in percent."""
    means = (measured[metric]["mean"] for metric in METRICS)
    percent = ("–" if mean is None else f"{100 * mean:.0f}" for mean in means)
    print(seed, column, *percent, sep="\t", flush=True)


print("seed", "column", *METRICS, sep="\t")
for seed in seeds:
    results = hybrid.evaluate(name, seed=seed, part="dev").results
    if seed == seeds[0]:
        show("any", "base+rag", results["cells"]["base+rag"]["metrics"])
        show("any", "few-shot+rag", results["references"]["few-shot+rag"]["metrics"])
    show(seed, "tuned+rag", results["cells"]["tuned+rag"]["metrics"])
