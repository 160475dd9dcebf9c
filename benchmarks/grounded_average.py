"""The mean of two stages of one adapter: between what the earlier one and what the later one had learned.

    python benchmarks/grounded_average.py EARLIER LATER OUT [--share 0.5]

The later stage has to have started from the earlier one, so that the weights lie near each other and their
mean is an adapter, too (Wortsman et al., ICML 2022, call such means soups). ``OUT`` gets the later stage's
configuration and manifest, which then also names the earlier one.
"""

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from hybrid.adapters import CONFIG, WEIGHTS, open_adapter, publish
from hybrid.errors import ModelMismatch


def average(earlier: Path, later: Path, out: Path, share: float) -> None:
    """Writes the mean of two adapters.

    Args:
        earlier: folder of the stage that the later one started from.
        later: folder of the later stage.
        out: a new folder.
        share: of the later stage in the mean.

    Raises:
        ModelMismatch: the two have other tensors.
    """
    first, second = (load_file(folder / WEIGHTS) for folder in (earlier, later))
    if {name: tensor.shape for name, tensor in first.items()} != {
        name: tensor.shape for name, tensor in second.items()
    }:
        raise ModelMismatch(f"{earlier} and {later} have other tensors, so that they have no mean.")
    mean = {
        name: torch.lerp(first[name].float(), tensor.float(), share).to(tensor.dtype)
        for name, tensor in second.items()
    }
    made = out.with_name(f".{out.name}.new")
    made.mkdir(parents=True)
    save_file(mean, made / WEIGHTS, metadata={"format": "pt"})
    shutil.copy(later / CONFIG, made)
    averaged = {"with": open_adapter(earlier).digest, "share_of_this": share}
    publish(made, out, {**open_adapter(later).manifest, "averaged": averaged})


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    asked = parser.parse_args()
    average(asked.earlier, asked.later, asked.out, asked.share)


if __name__ == "__main__":
    main()
