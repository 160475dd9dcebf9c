"""How well the peak memory of tuning is predicted: measured on the CPU, for each method in a fresh process.

    python benchmarks/planning.py [--model M] [--rows 4] [--tokens 512] [--steps 4] [--out FILE] [--write]

Each process loads what training needs, notes its memory (the base), starts the system's own count of the peak
anew, loads the model and trains a few steps on made-up rows of unlike length, twenty labels each. The
prediction knows the config, the batch and the base. Wanted: predicted ÷ measured between 0.8 and 1.2.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from committed import keep, markdown
from transformers import AutoTokenizer

from hybrid import models
from hybrid.generation.device import load_model, peak_memory_mb, reset_peak_memory, resident_memory_mb
from hybrid.specs import PipelineSpec
from hybrid.tuning.encoding import IGNORED, EncodedRow
from hybrid.tuning.footprint import METHODS, footprint, read_auto_config
from hybrid.tuning.plan import predict, setup_of, workload
from hybrid.tuning.train import plan_training, train

WANTED = 0.2
LABELS = 20
CPU = torch.device("cpu")


def made_up_rows(rows: int, tokens: int, steps: int) -> list[EncodedRow]:
    """Rows of unlike length, so that each batch is padded; the longest has ``tokens``.

    Each begins with another token, or they would be read as one sequence.
    """
    lengths = range(tokens, tokens - rows * steps, -1)
    return [
        EncodedRow(str(i), (i, *(1,) * (length - 1)), (IGNORED,) * (length - LABELS) + (1,) * LABELS)
        for i, length in enumerate(lengths)
    ]


def spec_of(method: str, model: str, rows: int, tokens: int, steps: int) -> PipelineSpec:
    """A pipeline that trains so many steps on the CPU in float32."""
    tuning = {"method": method, "batch_tokens": rows * tokens, "max_row_tokens": tokens, "max_steps": steps}
    generation = {"device": "cpu", "dtype": "float32"}
    return PipelineSpec.model_validate(
        {"suite": "none", "model": model, "generation": generation, "tuning": tuning}
    )


def compared(method: str, name: str, rows: int, tokens: int, steps: int) -> dict[str, Any]:
    """Predicted and measured peak of one method, in MiB; for a process that does nothing else."""
    weights = models.locate(name)
    spec = spec_of(method, name, rows, tokens, steps)
    made_up = made_up_rows(rows, tokens, steps)
    config = read_auto_config(weights.path)
    config._attn_implementation = spec.generation.attention
    setup = setup_of(spec, workload(spec, plan_training(made_up, config, spec.tuning, 0)), "cpu")
    found = footprint(config, setup)
    tokenizer = AutoTokenizer.from_pretrained(weights.path)
    base = resident_memory_mb()
    reset_peak_memory(CPU)
    model = load_model(weights, spec.generation, CPU)
    with tempfile.TemporaryDirectory() as folder:
        train(
            model,
            tokenizer,
            made_up,
            spec.tuning,
            folder=Path(folder),
            seed=0,
            on_step=lambda step, loss: None,
        )
    measured = peak_memory_mb(CPU)
    predicted = predict(found, setup, base)
    return {
        "predicted": asdict(predicted),
        "measured": measured,
        "ratio": predicted.total / measured,
    }


def in_fresh_process(method: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What :func:`compared` gives back, from another process."""
    sizes = ("--rows", asked.rows, "--tokens", asked.tokens, "--steps", asked.steps)
    command = [sys.executable, __file__, "--method", method, "--model", asked.model, *map(str, sizes)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(outcome: dict[str, Any]) -> str:
    """MiB by method; what misses is bold."""
    parts = ("weights", "gradients", "optimizer", "activations", "logits", "base", "total")
    rows = []
    for method, found in outcome["methods"].items():
        ratio = f"{found['ratio']:.2f}"
        missed = abs(found["ratio"] - 1) > WANTED
        rows.append(
            [
                method,
                *(f"{found['predicted'][part]:,.0f}" for part in parts),
                f"{found['measured']:,.0f}",
                f"**{ratio}**" if missed else ratio,
            ]
        )
    return markdown(["MiB", *parts, "measured", "predicted ÷ measured"], rows)


def main() -> None:
    """Prints the table; exit 1 if a prediction misses by more than a fifth."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="bundled:smollm2-135m-instruct-q4_1")
    parser.add_argument("--rows", type=int, default=4, help="of a batch (4)")
    parser.add_argument("--tokens", type=int, default=512, help="of the longest row (512)")
    parser.add_argument("--steps", type=int, default=4, help="of training (4)")
    parser.add_argument("--method", choices=METHODS, help="one method, in this process, as JSON")
    parser.add_argument("--out", type=Path, help="a file for the outcome as JSON")
    parser.add_argument("--write", action="store_true", help="keep it in results/ and in README.md")
    asked = parser.parse_args()
    if asked.method:
        print(json.dumps(compared(asked.method, asked.model, asked.rows, asked.tokens, asked.steps)))
        return
    sizes = {"model": asked.model, "rows": asked.rows, "tokens": asked.tokens, "steps": asked.steps}
    outcome = sizes | {
        "dtype": "float32",
        "optimizer": "adamw",
        "checkpointing": False,
        "threads": torch.get_num_threads(),
        "wanted": WANTED,
        "methods": {method: in_fresh_process(method, asked) for method in METHODS},
    }
    print(table(outcome))
    if asked.out:
        asked.out.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    if asked.write:
        keep("planning", outcome, table(outcome))
    if any(abs(found["ratio"] - 1) > WANTED for found in outcome["methods"].values()):
        sys.exit(f"A prediction misses what was measured by more than {WANTED:.0%}.")


if __name__ == "__main__":
    main()
