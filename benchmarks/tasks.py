"""Other uses of tuning, tried on the bundled model: formats, a tone, a classification, summaries.

    python benchmarks/tasks.py [--task NAME]… [--model M] [--embedder E] [--rate R] [--write] [--show]

Every task is made up by a seed (``task/``); people, places and phrases of its test rows stand in no training
row. It is asked of the base model as it comes, of the same with examples in its prompt (the training rows
nearest to the row that is asked; how many is chosen on 16 training rows), and of the model tuned on the first
n rows. All read the same rules, and all replies are greedy and marked mechanically. Few rows are repeated
until 100 were seen (of summaries 40). Intervals are Wilson's for shares, and paired for differences.
"""

import argparse
import json
from importlib.metadata import version
from typing import Any

from committed import HERE, keep, markdown
from task.definition import Task
from task.letters import tone_task
from task.lists import markdown_task
from task.orders import json_task, yaml_task
from task.reports import summary_task
from task.tickets import labels_task
from task.trial import FEW_SHOT, tried

from hybrid import models
from hybrid.retrieval.embed import load_embedder
from hybrid.specs import PipelineSpec, RetrievalSpec, TuningSpec

TASKS = {
    "json": json_task,
    "yaml": yaml_task,
    "markdown": markdown_task,
    "tone": tone_task,
    "labels": labels_task,
    "summary": summary_task,
}
RESULTS = HERE / "results" / "tasks.json"
MODEL = PipelineSpec.model_fields["model"].default
EMBEDDER = RetrievalSpec.model_fields["embedder"].default
RATE = 1e-3
STEP_TOKENS = 240
"""About five rows a step: the rules that all rows begin with are counted once."""
LONGEST_ROW = 4096
SHOWN = 3


def outcome_of(names: list[str], model: str, embedder: str, rate: float) -> dict[str, Any]:
    """Tries tasks one after the other; a line is printed for each."""
    weights = models.locate(model, print)
    nearness = load_embedder(embedder, say=print)
    tuning = TuningSpec(learning_rate=rate, max_row_tokens=LONGEST_ROW, batch_tokens=STEP_TOKENS)
    found = {}
    for name in names:
        found[name] = tried(TASKS[name](), weights, nearness, tuning)
        print(f"{name}\n{table({name: found[name]})}\n", flush=True)
    return {
        "model": weights.name,
        "embedder": embedder,
        "tuning": tuning.model_dump(mode="json"),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
        "tasks": found,
    }


def with_earlier(outcome: dict[str, Any]) -> dict[str, Any]:
    """The outcome, and of the tasks that were not tried now what was kept for the same settings."""
    earlier = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    same = all(earlier.get(key) == value for key, value in outcome.items() if key != "tasks")
    known = (earlier["tasks"] if same else {}) | outcome["tasks"]
    return outcome | {"tasks": {name: known[name] for name in TASKS if name in known}}


def table(tasks: dict[str, Any]) -> str:
    """Each task in each way: form and content in percent with intervals, tokens of a prompt."""
    rows = []
    for name, task in tasks.items():
        by_lot = f", by lot {100 * task['chance']:.0f}" if task["chance"] else ""
        for way, found in task["ways"].items():
            shown = f"{way} ({found['examples']})" if way == FEW_SHOT else way
            metrics = found["metrics"]
            others = [key for key in metrics if key not in (task["form"], task["content"])]
            rows.append(
                [
                    f"{name}: {task['form']}, {task['content']}{by_lot}",
                    shown,
                    percent(metrics[task["form"]]),
                    percent(metrics[task["content"]]),
                    "; ".join(f"{key} {percent(metrics[key])}" for key in others) or "–",
                    metrics[task["content"]]["n"],
                    f"{found['prompt_tokens']:.0f}",
                ]
            )
    return markdown(["task", "way", "form", "content", "beside it", "n", "prompt tokens"], rows)


def gains(tasks: dict[str, Any]) -> str:
    """All training rows against the best prompt and against half of the rows, in points; and the price."""
    header = ["task", "tuned − few-shot", "all − half of the rows", "prompt tokens saved", "tuning, s"]
    rows = []
    for name, task in tasks.items():
        *_, full = task["ways"].values()
        half = task["full_less_half"]
        rows.append(
            [
                f"{name}: {task['content']}",
                percent(task["tuned_less_few_shot"], sign="+"),
                percent(half, sign="+") if half else "–",
                f"{task['prompt_tokens_saved']:.0f}",
                f"{full['tuning_seconds']:.0f}",
            ]
        )
    return markdown(header, rows)


def percent(figure: dict[str, Any], sign: str = "") -> str:
    """A summary as ``50 [40, 60]``; a dash if it has no value."""
    if figure["mean"] is None:
        return "–"
    ends = (
        ""
        if figure["low"] is None
        else f" [{100 * figure['low']:{sign}.0f}, {100 * figure['high']:{sign}.0f}]"
    )
    return f"{100 * figure['mean']:{sign}.0f}{ends}"


def show(task: Task) -> None:
    """Prints the rules and a few rows of a task."""
    print(f"== {task.name}: {task.rules}")
    for item in (*task.training[:SHOWN], *task.test[:SHOWN]):
        print(f"{item.text}\n→ {item.target}\n")


def main() -> None:
    """Prints the tables; ``--write`` keeps them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--task", action="append", choices=TASKS, help="one of them (all); may be repeated")
    parser.add_argument("--model", default=MODEL, help="the base model")
    parser.add_argument("--embedder", default=EMBEDDER, help="finds the nearest rows as examples")
    parser.add_argument("--rate", type=float, default=RATE, help=f"the learning rate ({RATE})")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and in README.md")
    parser.add_argument("--show", action="store_true", help="print a few rows of each task, and stop")
    wanted = parser.parse_args()
    names = wanted.task or list(TASKS)
    if wanted.show:
        for name in names:
            show(TASKS[name]())
        return
    outcome = outcome_of(names, wanted.model, wanted.embedder, wanted.rate)
    if wanted.write:
        outcome = with_earlier(outcome)
        text = f"{outcome['model']}\n\n{table(outcome['tasks'])}\n\n{gains(outcome['tasks'])}"
        keep("tasks", outcome, text)
    print(gains(outcome["tasks"]))


if __name__ == "__main__":
    main()
