"""``make table``: the README's table from the test part, each use logged: ``table.py [PIPELINE] [ROOT]``."""

import re
import subprocess
import sys
import time
from pathlib import Path

import hybrid

METRICS = ("correct", "score", "hallucination_rate", "abstention_recall", "false_abstention")
METRICS += ("citation_precision", "citation_recall", "cited_rate")

name = sys.argv[1] if len(sys.argv) > 1 else "quickstart"
root = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parents[1]
baselines, readme = root / "eval" / "baselines", root / "README.md"

text = readme.read_text(encoding="utf-8")
place = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)
if not place.search(text):
    sys.exit(
        f"{readme} has no place for the table: <!-- table --> and <!-- /table --> on lines of their own."
    )

# Logged before the run: a look that was broken off was a look, too.
commit = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
with (baselines / "test-uses.tsv").open("a", encoding="utf-8") as log:
    log.write(f"{now}\t{commit.stdout.strip() or 'no commit'}\t{name}\n")

report = hybrid.evaluate(name, part="test", probes=["oracle"])
readme.write_text(place.sub(lambda ends: f"{ends[1]}{report.markdown(METRICS)}\n{ends[2]}", text), "utf-8")

report.export("baseline", baselines / report.results["suite"])
print(report.path("report.html"))
