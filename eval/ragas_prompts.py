"""ragas with its own prompts on the answers of a finished run: ``ragas_prompts.py RUN MODEL@URL``.

The model behind the OpenAI-compatible URL receives questions, answers, passages and references. What it says
stands beside the run's own figures and changes none of them. Unmeasured until it has been run.
"""

import sys
from pathlib import Path

from rich import print
from rich.markup import escape

import hybrid

run, address = sys.argv[1:3]
report = hybrid.open_report(Path(run))
scores = hybrid.ragas_scores(report, address)
print(escape(scores["label"]))

for column, figures in scores["cells"].items():
    for metric, figure in figures.items():
        counts = f"n {figure['n']}, failed {figure['n_failed']}"
        if figure["mean"] is None:
            print(escape(f"{column} {metric}: {figure['status']}, {figure['reason']} ({counts})"))
        else:
            ends = (figure[end] for end in ("low", "high") if figure[end] is not None)
            interval = " to ".join(f"{end:.2f}" for end in ends)
            print(escape(f"{column} {metric}: {figure['mean']:.2f}, {interval or 'no interval'} ({counts})"))
