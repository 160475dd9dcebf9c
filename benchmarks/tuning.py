"""How fast tuning learns here, and how much memory it takes, against trl's plain ``SFTTrainer``.

    python benchmarks/tuning.py [--steps 20] [--repeats 2] [--pipeline quickstart] [--out FILE] [--write]

The training rows of the pipeline's suite, twice: with six questions to the same passages, whose beginning is
read once here, and with one question, where nothing can be shared. Each arm runs in a fresh process, one
after the other, every other repeat in reversed order:

- **ours**: ``hybrid.tuning.train``, with its checkpoints.
- **trl, matched**: ``SFTTrainer`` on the same rows in the same steps, each padded to the longest of its step;
  fp32, no gradient checkpointing, no checkpoints; the adapter's first weights, rank and rates are ours.
- **trl, defaults**: ``SFTTrainer`` with nothing set but LoRA, the CPU and the number of steps, two at most
  as each takes many minutes: eight rows a step in its own order, gradient checkpointing, bf16, its own rate.
  It runs once for all, on the rows that share nothing.

The clock runs from the end of the first step to the end of the last. Label tokens are those on which loss is
taken, without the ones of the first step. Peak memory is that of the process, from the loaded model on. The
losses of ours and of the matched arm have to be equal within 1e-3 at every step, or the exit code is 1.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from committed import keep, markdown

WANTED = 1.2
ALIKE = 1e-3
ARMS = ("ours", "trl, matched", "trl, defaults")
QUESTIONS_PER_CONTEXT = (6, 1)
ROWS = 240
DEFAULTS_STEPS = 2
SEED = 0


@dataclass(frozen=True)
class Learned:
    """What an arm did: label tokens and seconds after the first step, its peak, the loss of each step."""

    label_tokens: int
    seconds: float
    peak_mb: float
    losses: list[float]

    @property
    def rate(self) -> float:
        """Label tokens a second."""
        return self.label_tokens / self.seconds


class Clock:
    """Remembers when each step ended, and its loss."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.losses: list[float] = []

    def step(self, _: int, loss: float) -> None:
        """Notes the end of a step."""
        self.ends.append(time.perf_counter())
        self.losses.append(loss)

    def learned(self, label_tokens: Sequence[int], peak_mb: float) -> Learned:
        """The figures, by the label tokens of each step."""
        counted = sum(label_tokens[1 : len(self.losses)])
        return Learned(counted, self.ends[-1] - self.ends[0], peak_mb, self.losses)


def write_rows(
    pipeline: str, steps: int, per_context: int, file: Path, *, rows: int = ROWS
) -> dict[str, Any]:
    """Encodes so many training rows of a pipeline, and writes them with all that an arm needs to know.

    Returns:
        Names for the outcome.
    """
    from transformers import AutoTokenizer

    from hybrid import library, models
    from hybrid.generation.encode import ChatEncoder
    from hybrid.pipeline import load_retriever
    from hybrid.specs import PipelineSpec, load_spec
    from hybrid.suites import load_suite
    from hybrid.tuning.encoding import encode_rows
    from hybrid.tuning.lessons import training_rows

    overrides = [
        f"tuning.questions_per_context={per_context}",
        f"tuning.max_steps={steps}",
        f"tuning.rows={rows}",
        "generation.device=cpu",
        "generation.dtype=float32",
    ]
    spec = load_spec(PipelineSpec, library.find_pipeline(pipeline), overrides)
    suite = load_suite(spec.suite)
    weights = models.locate(spec.model)
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    made = training_rows(spec, suite, load_retriever(spec, suite.corpus), seed=SEED)
    encoded = encode_rows(
        made,
        ChatEncoder(tokenizer),
        end_id=tokenizer.eos_token_id,
        max_tokens=spec.tuning.max_row_tokens,
        style=suite.spec.answers,
    )
    told = {
        "model": str(weights.path),
        "spec": spec.model_dump(mode="json"),
        "rows": [asdict(row) for row in encoded],
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return {"suite": suite.name, "model": weights.name, "rows": len(encoded)}


def run_arm(name: str, file: Path) -> Learned:
    """Learns in this process, with one of the arms."""
    from transformers import AutoTokenizer

    from hybrid.generation.device import load_model, peak_memory_mb, pick_device, reset_peak_memory
    from hybrid.models import Weights
    from hybrid.specs import PipelineSpec
    from hybrid.tuning.encoding import EncodedRow

    told = json.loads(file.read_text(encoding="utf-8"))
    spec = PipelineSpec.model_validate(told["spec"])
    rows = [EncodedRow(row["question"], tuple(row["ids"]), tuple(row["labels"])) for row in told["rows"]]
    weights = Weights(told["model"], Path(told["model"]), "")
    device = pick_device("cpu")
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    model = load_model(weights, spec.generation, device)
    learn = {"ours": ours, "trl, matched": trl_matched, "trl, defaults": trl_defaults}[name]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        reset_peak_memory(device)
        counts = learn(model, tokenizer, rows, spec.tuning, Path(folder), clock)
    return clock.learned(counts, peak_memory_mb(device))


def ours(model: Any, tokenizer: Any, rows: Sequence[Any], spec: Any, folder: Path, clock: Clock) -> list[int]:
    """As ``hybrid tune`` does; gives the labels of each step, as the others."""
    from hybrid.tuning.train import plan_training, train

    counts = [sum(map(_labels, step)) for step in _rows_of(plan_training(rows, model.config, spec, SEED))]
    train(model, tokenizer, rows, spec, folder=folder, seed=SEED, on_step=clock.step)
    return counts


def trl_matched(
    model: Any, tokenizer: Any, rows: Sequence[Any], spec: Any, folder: Path, clock: Clock
) -> list[int]:
    """The same rows in the same steps, by a plain trainer."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from hybrid.tuning.train import plan_training

    steps = _rows_of(plan_training(rows, model.config, spec, SEED))
    collate = DataCollatorForLanguageModeling(pad_token_id=_pad_id(tokenizer))
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(folder),
            per_device_train_batch_size=1,
            max_steps=len(steps),
            learning_rate=spec.learning_rate,
            warmup_steps=spec.warmup_steps,
            lr_scheduler_type="linear",
            train_sampling_strategy="sequential",
            shuffle_dataset=False,
            remove_unused_columns=False,
            max_length=None,
            bf16=False,
            gradient_checkpointing=False,
            seed=SEED,
            **_EVERY_STEP,
        ),
        # One item a step, as ours; the collator gives the rows of that step.
        train_dataset=Dataset.from_dict({"input_ids": [[0]] * len(steps), "step": list(range(len(steps)))}),
        data_collator=lambda items: collate([_item(row) for row in steps[items[0]["step"]]]),
        processing_class=tokenizer,
        peft_config=_lora(spec),
        callbacks=[_timed(clock)],
    )
    trainer.train()
    return [sum(map(_labels, step)) for step in steps]


def trl_defaults(
    model: Any, tokenizer: Any, rows: Sequence[Any], spec: Any, folder: Path, clock: Clock
) -> list[int]:
    """What a few lines from a tutorial do."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    counts: list[int] = []
    collate = DataCollatorForLanguageModeling(pad_token_id=_pad_id(tokenizer))

    def counting(items: list[dict[str, Any]]) -> dict[str, Any]:
        batch = collate(items)
        counts.append(int((batch["labels"][:, 1:] >= 0).sum()))
        return batch

    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(folder),
            max_steps=min(spec.max_steps, DEFAULTS_STEPS),
            **_EVERY_STEP,
        ),
        train_dataset=Dataset.from_list([_item(row) for row in rows]),
        data_collator=counting,
        processing_class=tokenizer,
        peft_config=_lora(spec),
        callbacks=[_timed(clock)],
    )
    trainer.train()
    return counts


_EVERY_STEP = {
    "use_cpu": True,
    "dataloader_pin_memory": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
}
"""Of both trl arms: on the CPU, the loss of each step told, nothing saved."""


def _lora(spec: Any) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=spec.lora.rank,
        lora_alpha=spec.lora.alpha,
        lora_dropout=spec.lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _rows_of(steps: Sequence[Any]) -> list[list[Any]]:
    return [[row for sequence in step for row in sequence.rows] for step in steps]


def _labels(row: Any) -> int:
    return sum(label >= 0 for label in row.labels)


def _item(row: Any) -> dict[str, Any]:
    return {"input_ids": list(row.ids), "labels": list(row.labels)}


def _pad_id(tokenizer: Any) -> int:
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def _timed(clock: Clock) -> Any:
    from transformers import TrainerCallback

    class Timed(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in logs:
                clock.step(state.global_step, logs["loss"])

    return Timed()


def in_fresh_process(name: str, file: Path) -> Learned:
    """Runs an arm by this script."""
    command = [sys.executable, __file__, "--arm", name, "--rows", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Learned(**json.loads(done.stdout.splitlines()[-1]))


def compare(
    file: Path,
    repeats: int,
    run: Callable[[str, Path], Learned] = in_fresh_process,
    arms: Sequence[str] = ARMS,
) -> dict[str, list[Learned]]:
    """Runs the arms in turn, so many times, every other time in reversed order; tells what each did."""
    found: dict[str, list[Learned]] = {name: [] for name in arms}
    for repeat in range(repeats):
        for name in reversed(arms) if repeat % 2 else arms:
            found[name].append(run(name, file))
            print(name, json.dumps(asdict(found[name][-1])), file=sys.stderr, flush=True)
    return found


def summary(found: Mapping[str, Sequence[Learned]]) -> dict[str, Any]:
    """Rates, peaks and ratios (medians of the repeats), and how far the losses are apart."""
    rates = {name: [each.rate for each in tried] for name, tried in found.items()}
    peaks = {name: max(each.peak_mb for each in tried) for name, tried in found.items()}
    mine, theirs = found["ours"][0].losses, found["trl, matched"][0].losses
    return {
        "label_tokens_per_second": {name: round(statistics.median(each), 2) for name, each in rates.items()},
        "peak_mb": {name: round(peak) for name, peak in peaks.items()},
        "ours_is_faster": {
            name: round(_ratio(rates["ours"], each), 3) for name, each in rates.items() if name != "ours"
        },
        "losses": {name: tried[0].losses for name, tried in found.items()},
        "losses_apart": max(abs(one - other) for one, other in zip(mine, theirs, strict=True)),
    }


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios, each of one repeat."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def outcome_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Makes the rows of both kinds and compares the arms on each."""
    load = os.getloadavg()[0]
    parts: dict[str, Any] = {}
    for per_context in QUESTIONS_PER_CONTEXT:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.json"
            names = write_rows(asked.pipeline, asked.steps, per_context, file)
            arms = ARMS if per_context == 1 else ARMS[:2]
            parts[str(per_context)] = names | summary(compare(file, asked.repeats, arms=arms))
    return {
        "steps": asked.steps,
        "repeats": asked.repeats,
        "load_before": round(load, 2),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
        "wanted": WANTED,
        "questions_per_context": parts,
    }


def table(outcome: Mapping[str, Any]) -> str:
    """An arm a line, for each number of questions to the same passages."""
    rows = [
        [
            questions,
            name,
            f"{part['label_tokens_per_second'][name]:.1f}",
            part["peak_mb"][name],
            f"{part['ours_is_faster'][name]:.2f}" if name in part["ours_is_faster"] else "–",
        ]
        for questions, part in outcome["questions_per_context"].items()
        for name in part["peak_mb"]
    ]
    return markdown(
        ["questions a context", "arm", "label tokens a second", "peak MB", "times as fast is ours"], rows
    )


def told(outcome: Mapping[str, Any]) -> str:
    """Whether the losses are equal, and whether the bar is met, in sentences."""
    lines = []
    for questions, part in outcome["questions_per_context"].items():
        faster = part["ours_is_faster"]["trl, matched"]
        peaks = part["peak_mb"]
        met = faster >= WANTED and peaks["ours"] <= peaks["trl, matched"]
        lines.append(
            f"{questions} questions a context, {outcome['steps']} steps of {part['model']}: {faster:.2f} "
            f"times as fast as trl with the same settings, wanted {WANTED} at no more memory"
            f"{'' if met else ': MISSED'}. Losses differ by at most {part['losses_apart']:.1e}."
        )
    return "\n".join(lines)


def main() -> None:
    """Prints table and sentences; exit 1 if the two arms that have to learn the same do not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=20, help="training steps (20)")
    parser.add_argument("--repeats", type=int, default=2, help="how often each arm runs (2)")
    parser.add_argument("--pipeline", default="quickstart")
    parser.add_argument("--out", type=Path, help="a file for the outcome as JSON")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and in README.md")
    parser.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.arm:
        print(json.dumps(asdict(run_arm(asked.arm, asked.rows))))
        return
    outcome = outcome_of(asked)
    text = f"{table(outcome)}\n\n{told(outcome)}"
    print(text)
    if asked.out:
        asked.out.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        keep("tuning", outcome, text)
    if any(part["losses_apart"] > ALIKE for part in outcome["questions_per_context"].values()):
        sys.exit("Ours and trl with the same settings do not learn the same.")


if __name__ == "__main__":
    main()
