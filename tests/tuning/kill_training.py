"""Tunes a pipeline, killed at random moments and started again, and compares with a training left alone.

    python tests/tuning/kill_training.py PIPELINE KILLS SEED

Each training is a fork of this process, so that the libraries are imported once; nothing is learned here
itself. Prints a JSON object: ``kills``; ``continued``, how many left a checkpoint behind; ``finished``
trainings, most after kills; and ``difference``, the greatest between their weights and those of the other.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from safetensors.torch import load_file

from hybrid import library
from hybrid.tuning import train
from hybrid.tuning.tune import tune_pipeline

CHECKPOINT_STEPS = 2
"""Often, so that many kills come while one is written."""


def attempt(pipeline: str, seconds: float) -> bool:
    """Tunes in a process of its own, which is killed after so many seconds; tells if it came to its end."""
    child = os.fork()
    if not child:
        tune_and_exit(pipeline)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status:
                sys.exit("A training failed.")
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def tune_and_exit(pipeline: str) -> None:
    try:
        tune_pipeline(pipeline)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def published() -> list[Path]:
    return [path.parent for path in (library.home() / "adapters").glob("*/*/MANIFEST.json")]


def take_weights() -> dict[str, torch.Tensor]:
    """The weights of the one adapter that was published, which is removed."""
    [folder] = published()
    weights = load_file(folder / "adapter_model.safetensors")
    shutil.rmtree(folder)
    return weights


def main(pipeline: str, kills: int, seed: int) -> None:
    train.CHECKPOINT_STEPS = CHECKPOINT_STEPS
    torch.set_num_threads(1)
    chooser = random.Random(seed)
    began = time.monotonic()
    attempt(pipeline, float("inf"))
    seconds = time.monotonic() - began
    whole = take_weights()
    finished: list[dict[str, torch.Tensor]] = []
    killed = continued = 0
    while killed < kills:
        if not attempt(pipeline, chooser.uniform(0, seconds)):
            killed += 1
            continued += any((library.home() / "adapters").glob("*/*/checkpoints/*/COMPLETE"))
        if published():
            finished.append(take_weights())
    attempt(pipeline, float("inf"))
    finished.append(take_weights())
    differences = [(one[name] - whole[name]).abs().max().item() for one in finished for name in whole]
    found = {
        "kills": killed,
        "continued": continued,
        "finished": len(finished),
        "difference": max(differences),
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
