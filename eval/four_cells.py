"""What ``hybrid eval`` does, in Python: ``python eval/four_cells.py [PIPELINE] [LIMIT]``."""

import sys

from rich import print

import hybrid

name = sys.argv[1] if len(sys.argv) > 1 else "quickstart"
limit = int(sys.argv[2]) if len(sys.argv) > 2 else None

report = hybrid.evaluate(name, limit=limit)
print(report.table())

for effect, metrics in report.effects.items():
    score = metrics["score"]
    if score["mean"] is None:
        print(f"{effect}: {score['status']}")
    else:
        print(f"{effect}: {score['mean']:+.2f} from {score['low']:+.2f} to {score['high']:+.2f}")

print(report.verdict["sentence"])
