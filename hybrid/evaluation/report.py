"""What an evaluation gives back, and the three files that it leaves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.errors import BadInput, RunError
from hybrid.evaluation.folder import write_beside, writing
from hybrid.evaluation.page.document import render
from hybrid.evaluation.redact import redact
from hybrid.evaluation.rows import ROWS, read_rows, row_lines
from hybrid.evaluation.samples import samples
from hybrid.evaluation.table import markdown, table

if TYPE_CHECKING:
    import pandas
    from rich.table import Table

RESULTS = "results.json"
PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a run and the rows behind them.

    Attributes:
        results: as in ``results.json``.
        rows: as in ``rows.jsonl``: one for each question and column.
        folder: where the files are; None before :meth:`save`.
    """

    results: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    folder: Path | None = None

    @property
    def effects(self) -> Mapping[str, Any]:
        """Effect → metric → figures."""
        effects: Mapping[str, Any] = self.results["effects"]
        return effects

    @property
    def verdict(self) -> Mapping[str, Any]:
        """The choice, its zones and the sentence that says it."""
        verdict: Mapping[str, Any] = self.results["verdict"]
        return verdict

    @property
    def failed_thresholds(self) -> list[str]:
        """Names of the suite's thresholds that were not reached, and of the limits to forgetting."""
        names = [threshold["name"] for threshold in self.results["thresholds"] if not threshold["passed"]]
        gate = (self.results.get("forgetting") or {}).get("gate", {})
        return names + [f"forgetting.{limit}" for limit in gate.get("failed", ())]

    def path(self, name: str) -> str:
        """Where one of the files of a saved report is."""
        return str((self.folder or Path()) / name)

    def table(self) -> "Table":
        """What the terminal shows."""
        return table(self.results)

    def markdown(self, metrics: Sequence[str]) -> str:
        """One table with a row for each column of the run and these metrics in percent."""
        return markdown(self.results, metrics)

    def to_pandas(self) -> "pandas.DataFrame":
        """One line a question and column, one column a metric; NaN where there is no value."""
        import pandas

        kept = ("question_id", "cell", "split", "kind", "question", "answer", "abstained", "outcome")
        return pandas.DataFrame(
            [
                {key: row[key] for key in kept}
                | {name: metric["value"] for name, metric in row["metrics"].items()}
                for row in self.rows
            ]
        )

    def samples(self) -> list[dict[str, Any]]:
        """A dictionary for each row, under the field names of ragas; ``hybrid eval --from`` reads them."""
        return samples(self.rows)

    def to_ragas(self) -> Any:
        """The same as an ``EvaluationDataset`` of ragas, which ``to_jsonl`` writes for ``--from``.

        Leave samples out that are marked ``abstained``, or ragas scores silence as if it were an answer.
        """
        from hybrid.evaluation.ragas_metrics import dataset

        return dataset(self.samples())

    def export(self, format: str, folder: Path) -> Path:
        """Writes it as ``csv``, as a run of ``mlflow``, or as a ``baseline``; gives back what was made."""
        from hybrid.evaluation.export import export

        return export(self, format, folder)

    def save_redacted(self, folder: Path) -> "Report":
        """Writes it without any text of documents, questions and answers, to be shown to others.

        Raises:
            RunError: the folder cannot be written, or holds a run with its texts.
        """
        present = folder / RESULTS
        if present.is_file() and not json.loads(present.read_text(encoding="utf-8")).get("redacted"):
            raise RunError(f"{folder} holds a run with its texts; choose another folder with --out.")
        with writing(folder):
            return Report(*redact(self.results, self.rows)).save(folder)

    def save(self, folder: Path) -> "Report":
        """Writes the three files into a folder, ``results.json`` last, so that it stands for a whole run."""
        folder.mkdir(parents=True, exist_ok=True)
        write_beside(folder / ROWS, row_lines(self.rows))
        write_beside(folder / PAGE, render(dict(self.results), self.rows))
        write_beside(
            folder / RESULTS, json.dumps(self.results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        )
        return Report(self.results, self.rows, folder)


def open_report(folder: Path) -> Report:
    """Reads a run back.

    Raises:
        BadInput: the folder holds no finished run.
    """
    if not (folder / RESULTS).is_file():
        raise BadInput(str(folder), f"no {RESULTS} here: not a run, or one that did not end.")
    results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    return Report(results, read_rows(folder / ROWS), folder)
