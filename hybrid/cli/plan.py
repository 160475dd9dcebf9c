"""hybrid tune --plan."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from hybrid.cli.terminal import TerminalProgress, print_json

if TYPE_CHECKING:
    from hybrid.tuning.plan import Plan

PARTS = ("weights", "gradients", "optimizer", "activations", "logits", "base", "total")
PLACES = {
    "cpu": "this CPU; base: this process before the model, measured",
    "gpu": "a GPU; base: context and workspaces, assumed",
}


def show_plan(
    pipeline: str, *, suite: str | None, seed: int, overrides: Sequence[str], as_json: bool
) -> None:
    """Prints what tuning will take: memory by method and part, what it fits on, steps and time."""
    from hybrid.tuning.plan import plan_pipeline

    plan = plan_pipeline(pipeline, suite=suite, seed=seed, overrides=overrides, progress=TerminalProgress())
    if as_json:
        print_json(plan.to_json())
    else:
        typer.echo("\n".join([*_setting(plan), *_memory(plan), *_fits(plan), "", *_time(plan)]))


def _setting(plan: "Plan") -> list[str]:
    setup, found, work = plan.setups["cpu"]["lora"], plan.footprints["cpu"], plan.workload
    source = "counted on the training rows" if work.counted else "the most that the pipeline allows"
    return [
        f"{plan.model}: {found['lora'].parameters / 1e6:,.1f} M parameters; "
        f"LoRA of rank {setup.rank} on {found['lora'].adapted} layers: {found['lora'].trained / 1e6:,.2f} M",
        f"batch {setup.rows}, sequence {setup.tokens}, logits at {setup.places} places, "
        f"{setup.labels} labels in a batch ({source})",
        f"AdamW, attention {setup.attention}, {'' if setup.checkpointing else 'no '}activation checkpointing",
    ]


def _memory(plan: "Plan") -> list[str]:
    lines = []
    for place, told in PLACES.items():
        lines += ["", f"MiB, {told}"]
        lines.append("method".ljust(8) + "dtype".ljust(9) + "".join(part.rjust(13) for part in PARTS))
        for method, memory in plan.memory[place].items():
            start = method.ljust(8) + plan.setups[place][method].dtype.ljust(9)
            lines.append(start + "".join(f"{getattr(memory, part):13,.0f}" for part in PARTS))
    return [*lines, "", "total: what is there at the same time; gradients come as activations and logits go"]


def _fits(plan: "Plan") -> list[str]:
    lines = []
    for method in plan.memory["cpu"]:
        found = plan.fits(method)
        fitting, others = (
            [device for device in found if found[device] is wanted] for wanted in (True, False)
        )
        lines.append(
            f"{method} fits: {', '.join(fitting) or 'nothing'}"
            + (f"; not: {', '.join(others)}" if others else "")
        )
    return lines


def _time(plan: "Plan") -> list[str]:
    work, seconds = plan.workload, plan.seconds_per_step
    steps = f"{work.rows} rows, {work.steps} steps"
    if seconds is None:
        return [f"{steps}; time unknown: {plan.untimed}"]
    return [f"{steps} of {seconds:.2f} s (measured here, {plan.method}): {work.steps * seconds / 60:.1f} min"]
