"""``hybrid tune``: an adapter from a suite's training questions."""

import typer

from hybrid.cli.options import Json, Pipeline, Seed, Set, Suite
from hybrid.cli.terminal import TerminalProgress, print_json


def tune_command(
    pipeline: Pipeline = "quickstart",
    suite: Suite = None,
    seed: Seed = 0,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Tune an adapter on a suite's training questions; prints its folder."""
    from hybrid.tuning.tune import tune_pipeline

    adapter = tune_pipeline(
        pipeline, suite=suite, seed=seed, overrides=set_ or (), progress=TerminalProgress()
    )
    if as_json:
        print_json({"path": str(adapter.path), "digest": adapter.digest, "manifest": dict(adapter.manifest)})
    else:
        typer.echo(adapter.path)
