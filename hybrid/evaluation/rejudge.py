"""A finished run judged again: its answers and evidence are read back, nothing is generated."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import BadInput
from hybrid.evaluation.columns import columns_named
from hybrid.evaluation.decision import decision
from hybrid.evaluation.folder import run_folder
from hybrid.evaluation.probes.aside import kept_aside
from hybrid.evaluation.probes.swaps import Swap
from hybrid.evaluation.report import RESULTS, Report
from hybrid.evaluation.results import Measured, row_json, summed_up
from hybrid.evaluation.rows import ROWS
from hybrid.evaluation.scoring import AnswerRecord, score
from hybrid.generation.generator import Generation
from hybrid.judging.judge import Judge, for_language
from hybrid.progress import SILENT, Progress
from hybrid.records import Answer, Citation, Gold, Passage, Question, Turn
from hybrid.specs import InputsSpec, SuiteSpec

#: What no judge decides. Any other key of ``results.json`` is computed anew, or left out.
KEPT = ("suite", "pipeline", "power", "abstention_detector", "retrieval", "forgetting", "provenance")

Row = Mapping[str, Any]


def judge_again(run: Report, judge: Judge, *, out: Path | None = None, progress: Progress = SILENT) -> Report:
    """Judges the answers of a finished run with another judge, and sums them up anew.

    Args:
        run: as :func:`hybrid.evaluation.report.open_report` gives it; it stays as it is.
        judge: of statements against evidence.
        out: an empty folder for the files; default: a new one under ``<home>/runs``.
        progress: shows how far the judge is.

    Raises:
        BadInput: the rows were written by a version that did not keep all that this needs.
        RunError: ``out`` is not empty.
    """
    records = [answer_record(row, _place(run, number)) for number, row in enumerate(run.rows, start=1)]
    made = _provenance(run)
    suite = SuiteSpec.model_validate(made["suite"])
    told = run.results["judge"]
    origin = {"created": made["created"], "judge": {"name": told["name"], "digest": told["digest"]}}
    # A judge that could not be reached leaves a folder without figures, in which the same call goes on.
    begun = out is not None and not (out / RESULTS).exists()
    folder = run_folder(_digest(run, judge), out, resume=begun)
    judge = for_language(judge, suite.language)
    measured = _measured(run, records, judge, suite.hallucination_weight, progress)
    known = made["known"].get(made["model"]["name"])
    inputs = InputsSpec.model_validate(made.get("pipeline", {}).get("inputs", {}))
    figures = summed_up(measured, suite, judge, made["seed"], known, tolerance=inputs.hallucination_tolerance)
    figures["questions"] = dict(run.results["questions"]) | figures["questions"]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kept = {key: run.results[key] for key in KEPT if key in run.results}
    kept["provenance"] = made | {"judge": judge.digest, "created": now, "judged_again": origin}
    rows = [row_json(row, measured.gold_of(row)) for row in measured.rows]
    results = figures | kept
    return Report(results | decision(results, rows, inputs), rows).save(folder)


def _provenance(run: Report) -> dict[str, Any]:
    made = dict(run.results["provenance"])
    missing = [key for key in ("suite", "columns", "seed", "known", "model", "created") if key not in made]
    if missing:
        reason = f"its provenance has no {missing[0]!r}: no run of `hybrid eval` that can be judged again."
        raise BadInput(str(run.folder), reason)
    return made


def answer_record(row: Row, place: str) -> AnswerRecord:
    """What a line of ``rows.jsonl`` says of an answer, before anything was found out about it.

    Raises:
        BadInput: something is missing.
    """
    try:
        pool = tuple(Passage(**passage) for passage in row["pool"])
        passages = {passage.id: passage for passage in pool}
        ranked = row["ranked"]
        return AnswerRecord(
            question=_question(row),
            cell=row["cell"],
            answer=_answer(row, passages),
            pool=pool,
            ranked=None if ranked is None else tuple(passages[each] for each in ranked),
            swap=_swap(row, pool),
        )
    except (KeyError, TypeError) as exc:
        raise BadInput(
            place, f"cannot be judged again, {exc} is missing; the same `hybrid eval` writes it anew."
        ) from exc


def _swap(row: Row, pool: tuple[Passage, ...]) -> Swap | None:
    """What was changed; rows have had the key since there are swaps."""
    told = row.get("swap")
    gold = tuple(passage for passage in pool if passage.id in row["gold"])
    return Swap(tuple(told["references"]), tuple(told["substitutes"]), gold) if told else None


def _question(row: Row) -> Question:
    references, spans = row["references"], row["gold_spans"]
    return Question(
        id=row["question_id"],
        text=row["question"],
        answers=None if references is None else tuple(references),
        answerable=row["answerable"],
        gold=None if spans is None else tuple(Gold(**span) for span in spans),
        kind=row["kind"],
        history=tuple(Turn(**turn) for turn in row["history"]),
        group=row["group"],
        split=row["split"],
        tags=tuple(row["tags"]),
    )


def _answer(row: Row, passages: Mapping[int, Passage]) -> Answer:
    return Answer(
        text=row["answer"],
        citations=tuple(Citation(**citation) for citation in row["citations"]),
        passages=tuple(passages[each] for each in row["shown"]),
        abstained=row["abstained"],
        raw=row["raw"],
        phantom_markers=row["phantom_markers"],
        dropped_passages=row["dropped_passages"],
        prompt_tokens=row["prompt_tokens"],
        output_tokens=row["output_tokens"],
    )


def _measured(
    run: Report, records: list[AnswerRecord], judge: Judge, weight: float, progress: Progress
) -> Measured:
    columns = columns_named(run.results["provenance"]["columns"])
    probes = {column.name for column in columns if column.probe}
    asked = {record.question.id: record.question for record in records if record.cell not in probes}
    progress.say(f"Judging {len(records)} answers …")
    return Measured(
        rows=tuple(score(records, judge, hallucination_weight=weight, progress=progress)),
        costs={column.name: _cost(run, column.name) for column in columns},
        questions=tuple(asked.values()),
        columns=tuple(columns),
        gold={row["question_id"]: tuple(row["gold"]) for row in run.rows if not row.get("swap")},
        aside=kept_aside(run.results["probes"]),
    )


def _cost(run: Report, column: str) -> Generation:
    """What a column's generation took when it was done."""
    probe, _, cell = column.rpartition("/")
    places = run.results["probes"][probe] if probe else run.results["cells"] | run.results["references"]
    metrics = places[cell]["metrics"]
    return Generation((), metrics["seconds"]["mean"], metrics["peak_memory_mb"]["mean"])


def _digest(run: Report, judge: Judge) -> str:
    """Of the answers and of who judges them."""
    digest = hashlib.sha256(judge.digest.encode())
    for row in run.rows:
        digest.update(json.dumps([row["question_id"], row["cell"], row["raw"]]).encode())
    return digest.hexdigest()


def _place(run: Report, number: int) -> str:
    return f"{run.folder / ROWS if run.folder else ROWS}:{number}"
