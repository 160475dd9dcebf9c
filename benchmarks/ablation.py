"""What each part of the recipe of training rows brings: ``ablation.py [VARIANT]… [--write]``.

Each variant changes one thing of the kept recipe, tunes an adapter from the bare base on the training
questions of one suite, and answers the same questions of its dev part in `tuned+rag`. One seed; intervals are
of questions.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from committed import keep, markdown

import hybrid
from hybrid.cli.terminal import TerminalProgress

KEPT = (
    "tuning.mixture={}",
    "tuning.rows=240",
    "tuning.warmup_steps=5",
    "tuning.batch_tokens=600",
    "tuning.learning_rate=3e-4",
    "tuning.replay=0.05",
    "references.few_shot=false",
)
VARIANTS: dict[str, tuple[str, ...]] = {
    "kept": (),
    "half of the rows silent": ("tuning.distractors_only=0.5",),
    "no row silent": ("tuning.distractors_only=0",),
    "random distractors": ("tuning.distractors={hard: 0, same_document: 0, counterfactual: 0}",),
    "from memory, not silent": ("tuning.absent=from_memory", "tuning.no_context=from_memory"),
    "a quoted reason": ("tuning.reason=quote", "generation.max_new_tokens=128"),
    "a passage a row (RA-DIT)": ("tuning.form=ra-dit", "generation.mode=ensemble"),
    "no replay": ("tuning.replay=0", "tuning.replay_texts=0"),
    "one question a context": ("tuning.questions_per_context=1",),
}
METRICS = (
    "correct",
    "score",
    "hallucination_rate",
    "citation_precision",
    "citation_recall",
    "abstention_recall",
    "false_abstention",
)
RESULTS = Path(__file__).parent / "results" / "ablation.json"


def main() -> None:
    """Runs the variants that are named, or all that have no result yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("variant", nargs="*", help="default: all without a result")
    parser.add_argument("--suite", default="xquad")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="keep the results")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in options.variant or [name for name in VARIANTS if name not in results]:
        results[name] = measured(name, options.suite, options.limit)
        print(name, json.dumps(results[name]), flush=True)
        if options.write:
            keep("ablation", results, markdown(HEAD, [line(*each) for each in results.items()]))


def measured(name: str, suite: str, limit: int) -> dict[str, Any]:
    """The figures of one variant, with what its training took."""
    report = hybrid.evaluate(
        "grounded-training",
        suite=suite,
        cells=["tuned+rag"],
        limit=limit,
        overrides=[*KEPT, *VARIANTS[name]],
        progress=TerminalProgress(),
    )
    metrics = report.results["cells"]["tuned+rag"]["metrics"]
    manifest = report.results["provenance"]["adapter"]["manifest"]
    return {
        "n": metrics["correct"]["n"],
        "steps": len(manifest["losses"]),
        "rows": manifest["rows"]["n"],
        "seconds": round(manifest["seconds"]),
    } | {metric: [metrics[metric][key] for key in ("mean", "low", "high")] for metric in METRICS}


HEAD = ["variant", "rows", "steps", *(metric.replace("_", " ") for metric in METRICS)]


def line(name: str, result: dict[str, Any]) -> list[str]:
    """A row of the table, in percent with intervals."""
    return [name, f"{result['rows']}", f"{result['steps']}", *(percent(result[each]) for each in METRICS)]


def percent(figure: list[float | None]) -> str:
    """A figure with its interval."""
    mean, low, high = figure
    if mean is None:
        return "–"
    return f"{100 * mean:.0f} [{100 * low:.0f}, {100 * high:.0f}]" if low is not None else f"{100 * mean:.0f}"


if __name__ == "__main__":
    main()
