"""The eight questions of "To fine-tune or not to fine-tune", each answered by figures of a run.

Each is answered by a figure with its interval, or is undecided with the number of questions that would settle
it, or was not measured in this run; then it names the command that measures it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.evaluation.choice import Difference, more_questions
from hybrid.evaluation.cost import QUERIES, break_even, column_costs, tuning_costs
from hybrid.evaluation.example_rows import Reference, behind_effect, where
from hybrid.evaluation.intervals import LEVEL, Column, Frame, paired_difference
from hybrid.records import Status, Value
from hybrid.specs import InputsSpec

KIND_QUESTIONS = 10
"""A kind with fewer questions is not reported apart."""

SHARES = tuple(step / 200 for step in range(-200, 401))
"""Shares of the need that are tried for the interval of the realised one: from −100 to 200 %."""

Results = Mapping[str, Any]
Figure = dict[str, Any]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run as the questions read it.

    Attributes:
        results: as in ``results.json``.
        table: column → metric → question id → value.
        groups: question id → cluster.
        kinds: question id → its kind.
        inputs: what was declared.
    """

    results: Results
    table: Mapping[str, Mapping[str, Column]]
    groups: Mapping[str, str]
    kinds: Mapping[str, str]
    inputs: InputsSpec

    @classmethod
    def of(cls, results: Results, rows: Sequence[Mapping[str, Any]], inputs: InputsSpec) -> "Run":
        """Reads the lines of ``rows.jsonl``."""
        table: dict[str, dict[str, dict[str, Value]]] = {}
        for row in rows:
            for metric, value in row["metrics"].items():
                kept = Value(value["value"], Status(value["status"]), value["reason"])
                table.setdefault(row["cell"], {}).setdefault(metric, {})[row["question_id"]] = kept
        groups = {row["question_id"]: row["group"] for row in rows}
        return cls(results, table, groups, {row["question_id"]: row["kind"] for row in rows}, inputs)

    @property
    def worth_it(self) -> float:
        """The suite's d."""
        return float(self.results["verdict"]["worth_it"])

    @property
    def columns(self) -> dict[str, Mapping[str, Any]]:
        """Cells and references by name."""
        return {**self.results["cells"], **self.results["references"]}

    @property
    def command(self) -> str:
        """The command that runs the same job."""
        return f"hybrid eval {self.results['pipeline']} --suite {self.results['suite']}"

    def told(self, columns: Sequence[str]) -> str:
        """The column to tell of: the verdict's, else that of the highest score that is not silent."""
        verdict = self.results["verdict"]
        spoken = [name for name in columns if name not in verdict["silent"]] or columns
        chosen = verdict.get("column")
        best = max(spoken, key=lambda name: self.metric(name, "score").get("mean", -math.inf))
        return chosen if chosen in columns else best

    def effect(self, name: str, metric: str) -> Mapping[str, Any]:
        """The figures of an effect; empty if it was not measured."""
        row: Mapping[str, Any] = self.results["effects"].get(name, {}).get(metric, {})
        return row if row.get("low") is not None else {}

    def metric(self, column: str, name: str) -> Mapping[str, Any]:
        """The figures of a column; empty if it has none."""
        row: Mapping[str, Any] = self.columns.get(column, {}).get("metrics", {}).get(name, {})
        return row if row.get("mean") is not None else {}

    def rated(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The columns that have a figure of this name."""
        return [(column, row) for column in self.columns if (row := self.metric(column, name))]


def eight_questions(run: Run) -> list[Entry]:
    """One entry a question, in the order of the article: figures, one sentence, status, rows to look at."""
    return [
        {"number": number, "name": name, "question": question, **answer(run)}
        for number, (name, question, answer) in enumerate(QUESTIONS, start=1)
    ]


def knowledge(run: Run) -> Entry:
    """Need: what the right passages bring the base. Realised: how much of it retrieval brings."""
    gained, recall = run.effect("retrieval_base", "correct"), run.metric("base+rag", "recall_at_k")
    figures = [
        *_figure("retrieval brings the base, correct", gained, "points"),
        *_figure("gold passages found", recall, "share"),
    ]
    rows = behind_effect("retrieval_base", "correct", run.table)
    base, oracle = (run.table.get(name, {}).get("correct", {}) for name in ("base", "oracle/base+rag"))
    need = paired_difference(base, oracle, run.groups, binary=True).to_json()
    if need["low"] is None:
        return _unmeasured(
            "What the right passages would bring", figures, f"{run.command} --probe oracle", rows
        )
    realised = _realised(run)
    figures = [
        *_figure("need: the right passages bring, correct", need, "points"),
        *figures,
        *_figure("realised share of the need", realised or {}, "share"),
    ]
    told = f"Handed the right passages, the base is right on {_points(need)} more of the questions"
    share = f"; retrieval realises {_percent(realised)} of it" if realised else ""
    return _against(need, run.worth_it, f"{told}{share}", figures, rows)


def style(run: Run) -> Entry:
    """Whether tuning keeps the form of an answer, its citations, better than examples in the prompt."""
    figures = [
        figure
        for column, row in run.rated("cited_rate")
        for figure in _figure(f"{column}: answers that cite", row, "share")
    ]
    difference = run.effect("tuned_rag_vs_few_shot_rag", "cited_rate")
    rows = where(run.table, "tuned+rag", "cited_rate", 0.0)
    if not difference:
        return _unmeasured("Form against the best prompt", figures, run.command, rows)
    figures += _figure("tuning against the best prompt", difference, "points")
    told = f"Tuned answers cite {_points(difference)} more often than those of the best prompt"
    return _against(difference, run.worth_it, told, figures, rows)


def tolerance(run: Run) -> Entry:
    """How often an answer says what the evidence does not, against the tolerance that was declared."""
    rates = run.rated("hallucination_rate")
    figures = [f for column, row in rates for f in _figure(f"{column}: hallucination rate", row, "share")]
    figures += [
        figure
        for cell, probe in (run.results["probes"].get("distractors") or {}).items()
        for figure in _figure(f"{cell}: harm of distractors", probe.get("harm") or {}, "share")
    ]
    if not rates:
        return _unmeasured("Hallucination", figures, f"{run.command} --judge overlap", [])
    column = run.told([name for name, _ in rates])
    rate, limit = run.metric(column, "hallucination_rate"), run.inputs.hallucination_tolerance
    rows = where(run.table, column, "hallucination_rate", 1.0)
    told = f"{column} says what the evidence does not on {_percent(rate)} of the questions"
    if limit is None:
        return _entry(f"{told}; no tolerance was declared.", figures, rows)
    return _against(
        rate, limit, f"{told}; {100 * limit:g} % were declared tolerable", figures, rows, names=KEPT
    )


def labels(run: Run) -> Entry:
    """Whether more labelled questions would help: the learning curve, half the rows against all."""
    trained = (run.results.get("provenance") or {}).get("adapter") or {}
    rows = trained.get("manifest", {}).get("rows", {}).get("n")
    gain = run.effect("tuning_rag", "score")
    figures = _figure("tuning with retrieval, score", gain, "points")
    half = f"{rows // 2}" if rows else "HALF"
    needs = f"{run.command} --set tuning.rows={half}, then hybrid report BOTH RUNS --compare"
    behind = behind_effect("tuning_rag", "score", run.table)
    return _unmeasured(f"What half of the {rows or 'training'} rows would do", figures, needs, behind)


def change(run: Run) -> Entry:
    """After the facts changed and the corpus was indexed again: who answers with the new ones."""
    suite = (run.results.get("provenance") or {}).get("suite", {})
    told = run.inputs.change
    declared = "" if told is None else f" ({100 * told:g} % of the facts a month were declared to change)"
    if stale := run.results["probes"].get("stale"):
        return _after_change(run, stale, declared)
    if suite.get("edition") is None or suite.get("successor"):
        asked = run.results["suite"] if suite.get("successor") else "marrowick-first-edition"
        needs = f"hybrid eval {run.results['pipeline']} --suite {asked} --probe stale"
        return _unmeasured(f"Stale-answer rate on changed facts{declared}", [], needs, [])
    right = run.rated("correct")
    figures = [f for column, row in right for f in _figure(f"{column}: right on changed facts", row, "share")]
    difference = run.effect("retrieval_tuned", "correct") or run.effect("retrieval_base", "correct")
    if not difference:
        return _unmeasured(f"Changed facts{declared}", figures, run.command, [])
    told_gain = f"On changed facts an index made anew brings {_points(difference)}{declared}"
    rows = behind_effect("retrieval_tuned", "correct", run.table)
    return _against(difference, run.worth_it, told_gain, figures, rows)


def _after_change(run: Run, stale: Mapping[str, Any], declared: str) -> Entry:
    """What the probe found: who tells the new answer, who still the old one, and how soon."""
    shares = {"update_success": "right after the change", "stale_rate": "still the old answer"}
    figures = [
        figure
        for cell, found in stale.items()
        for name, label in shares.items()
        for figure in _figure(f"{cell}: {label}", found[name], "share")
    ]
    figures += [
        _plain(f"{cell}: first right answer after the change", seconds, "seconds")
        for cell, found in stale.items()
        if (seconds := found["seconds_to_right"]["mean"]) is not None
    ]
    model = "tuned" if "tuned" in stale else "base"
    without, shown = (
        run.table.get(f"stale/{cell}", {}).get("correct", {}) for cell in (model, f"{model}+rag")
    )
    difference = paired_difference(without, shown, run.groups, binary=True).to_json()
    rows = where(run.table, f"stale/{model}", "correct", 0.0)
    if difference["low"] is None:
        needs = f"{run.command} --probe stale --cells {model},{model}+rag"
        return _unmeasured(f"What an index brings that follows a change{declared}", figures, needs, rows)
    old = stale[model]["stale_rate"]
    rate = "" if old["mean"] is None else f", and without it {_percent(old)} still get the old answer"
    told = f"On changed facts an index that follows brings the {model} model {_points(difference)}{rate}"
    return _against(difference, run.worth_it, f"{told}{_tuned_again(stale)}{declared}", figures, rows)


def _tuned_again(stale: Mapping[str, Any]) -> str:
    """What the same tuning brings on the next edition, and what it takes."""
    again = stale.get("retrained")
    if again is None or again["update_success"]["mean"] is None:
        return ""
    took = again["seconds_to_right"]["parts"]["tuning"]
    return f"; tuned again, in {took:.0f} s, it gets {_percent(again['update_success'])} of them right"


def transparency(run: Run) -> Entry:
    """Whether citations can be believed: how many support, and how much of an answer they support."""
    names = {
        "citation_precision": "citations that support",
        "citation_recall": "statements supported by them",
    }
    figures = [
        figure
        for name, label in names.items()
        for column, row in run.rated(name)
        for figure in _figure(f"{column}: {label}", row, "share")
    ]
    columns = [column for column, _ in run.rated("citation_recall")]
    if not columns:
        return _unmeasured("Citations", figures, f"{run.command} --cells base,base+rag", [])
    column = run.told(columns)
    rows = where(run.table, column, "citation_recall", 0.0)
    recall = run.metric(column, "citation_recall")
    return _entry(f"Citations of {column} support {_percent(recall)} of its statements.", figures, rows)


def costs(run: Run) -> Entry:
    """Tokens, time and money for 1,000 queries, and after how many tuning has paid."""
    prices, found = run.inputs.prices, column_costs(run.results, run.inputs.prices)
    units = {
        "prompt_tokens": "tokens",
        "output_tokens": "tokens",
        "seconds": "seconds",
        "price": prices.currency,
    }
    figures = [
        _plain(f"{column}: {name.replace('_', ' ')} for {QUERIES:,} queries", each[name], unit)
        for column, each in found.items()
        for name, unit in units.items()
        if each[name] is not None
    ]
    once = tuning_costs(run.results, run.inputs)
    figures += [
        _plain(f"tuning once: {name}", once[name], units[name]) for name in once if once[name] is not None
    ]
    if not found:
        return _unmeasured("Costs", figures, run.command, [])
    return _entry(_payback(run), figures, [])


def variety(run: Run) -> Entry:
    """The kind of question that loses most by tuning, and what tuning cost in general ability."""
    worst = _worst_kind(run)
    forgotten = (run.results.get("forgetting") or {}).get("bits_per_byte", {}).get("difference") or {}
    figures = _figure("general text, bits per byte", forgotten, "bits per byte")
    if worst is None:
        needs = f"{run.command} --cells base+rag,tuned+rag"
        return _unmeasured(f"Kinds of at least {KIND_QUESTIONS} questions", figures, needs, [])
    kind, row = worst
    figures = [*_figure(f"tuning on the worst kind, {kind}", row, "points"), *figures]
    rows = [
        each
        for each in behind_effect("tuning_rag", "score", _of_kind(run, kind))
        if run.kinds[each["question_id"]] == kind
    ]
    told = f'On the kind that gains least, "{kind}", tuning with retrieval brings {_points(row)}'
    needs = "" if forgotten else f"{run.command} --forgetting"
    return _against(row, -run.worth_it, told, figures, rows, names=HARMLESS) | {"needs": needs}


QUESTIONS: tuple[tuple[str, str, Callable[[Run], Entry]], ...] = (
    ("external knowledge", "Do the answers need knowledge from outside the model?", knowledge),
    ("style and format", "Does the form of an answer have to be learned?", style),
    ("tolerance of hallucination", "How much invention can be tolerated?", tolerance),
    ("labelled data", "Are there enough labelled examples?", labels),
    ("change", "How fast does the knowledge change?", change),
    ("transparency", "Must an answer show where it comes from?", transparency),
    ("cost", "What may it cost, once and for each query?", costs),
    ("variety of tasks", "How many kinds of task are there, and does tuning harm any?", variety),
)
"""Name, question and answer, numbered from 1."""

WORTH = ("worth it", "not worth it")
KEPT = ("above the tolerance", "within the tolerance")
HARMLESS = ("no kind loses d", "a kind loses d or more")


def _entry(answer: str, figures: list[Figure], rows: Sequence[Reference], **more: Any) -> Entry:
    entry = {"answer": answer, "figures": figures, "status": "answered", "more_questions": None, "needs": ""}
    return {**entry, "rows": list(rows), **more}


def _unmeasured(what: str, figures: list[Figure], needs: str, rows: Sequence[Reference]) -> Entry:
    return _entry(f"{what}: not measured in this run.", figures, rows, status="not measured", needs=needs)


def _against(
    row: Mapping[str, Any],
    bar: float,
    told: str,
    figures: list[Figure],
    rows: Sequence[Reference],
    names: tuple[str, str] = WORTH,
) -> Entry:
    """An answer if the interval lies on one side of the bar, else the questions that are missing."""
    if row["low"] > bar or row["high"] < bar:
        return _entry(f"{told}: {names[0] if row['low'] > bar else names[1]}.", figures, rows)
    more = more_questions(Difference(row["mean"], row["low"], row["high"], row["n"]), bar)
    answer = f"{told}: undecided, about {more:,} more questions."
    return _entry(answer, figures, rows, status="undecided", more_questions=more)


def _figure(label: str, row: Mapping[str, Any], unit: str) -> list[Figure]:
    """A figure as a list of one; of none if there is no value."""
    if row.get("mean") is None:
        return []
    return [{"label": label, **{key: row[key] for key in ("mean", "low", "high", "n")}, "unit": unit}]


def _plain(label: str, value: float | None, unit: str) -> Figure:
    """A total, which has no interval."""
    return {"label": label, "mean": value, "low": None, "high": None, "n": None, "unit": unit}


def _points(row: Mapping[str, Any]) -> str:
    mean, low, high = (100 * row[key] for key in ("mean", "low", "high"))
    return f"{mean:+.0f} points ({low:+.0f} to {high:+.0f})"


def _percent(row: Mapping[str, Any]) -> str:
    mean, low, high = (100 * row[key] for key in ("mean", "low", "high"))
    return f"{mean:.0f} % ({low:.0f} to {high:.0f})"


def _realised(run: Run) -> Mapping[str, Any] | None:
    """(base+rag − base) ÷ (oracle − base) on the questions of the probe, with Fieller's interval (1954).

    The interval holds each share r for which base+rag − base − r · (oracle − base) may be 0. None where the
    need is not surely above 0, since then any share is possible.
    """
    names = ("base", "base+rag", "oracle/base+rag")
    frame = Frame({name: run.table.get(name, {}).get("correct", {}) for name in names}, run.groups)
    base, found, oracle = names
    (need,) = frame.linear({base: -1.0, oracle: 1.0}, binary=True)
    (gain,) = frame.linear({base: -1.0, found: 1.0, oracle: 1e-12}, binary=True)
    if need.mean is None or gain.mean is None or need.low is None or need.low <= 0:
        return None
    held = [r for r in SHARES if _may_be_zero(frame, {base: r - 1, found: 1.0, oracle: -r})]
    ends = (min(held), max(held)) if held else (gain.mean / need.mean,) * 2
    return {"mean": gain.mean / need.mean, "low": ends[0], "high": ends[1], "n": gain.n}


def _may_be_zero(frame: Frame, weights: Mapping[str, float]) -> bool:
    (row,) = frame.linear(weights, binary=False)
    return row.low is not None and row.high is not None and row.low <= 0 <= row.high


def _payback(run: Run) -> str:
    found = break_even(run.results, run.inputs)
    if not found:
        return "What tuning costs once is not known in this run, so that there is no break-even."
    return " ".join(_payback_of(column, each, run.inputs.queries) for column, each in found.items())


def _payback_of(column: str, each: Mapping[str, Any], monthly: float | None) -> str:
    what = "money" if each["unit"] == "price" else "machine time"
    if each["queries"] is None:
        return f"{column} is no cheaper than {each['against']}: tuning never pays in {what}."
    months = f", {each['queries'] / monthly:.1f} months" if monthly else ""
    return f"{column} has paid in {what} against {each['against']} after {each['queries']:,} queries{months}."


def _worst_kind(run: Run) -> tuple[str, Mapping[str, Any]] | None:
    """The kind that gains least by tuning, its interval corrected for as many kinds (Bonferroni)."""
    kinds = sorted({kind for kind in run.kinds.values() if kind})
    counted = [kind for kind in kinds if _questions(run, kind) >= KIND_QUESTIONS]
    gains = []
    for kind in counted:
        table = _of_kind(run, kind)
        before, after = (table.get(name, {}).get("score", {}) for name in ("base+rag", "tuned+rag"))
        level = 1 - (1 - LEVEL) / len(counted)
        row = paired_difference(before, after, run.groups, binary=False, level=level).to_json()
        if row["low"] is not None:
            gains.append((kind, row))
    return min(gains, key=lambda gain: gain[1]["mean"] or 0.0, default=None)


def _questions(run: Run, kind: str) -> int:
    asked: Iterable[str] = run.table.get("tuned+rag", {}).get("score", {})
    return sum(run.kinds[question] == kind for question in asked)


def _of_kind(run: Run, kind: str) -> dict[str, dict[str, Column]]:
    return {
        name: {
            metric: {question: value for question, value in values.items() if run.kinds[question] == kind}
            for metric, values in column.items()
        }
        for name, column in run.table.items()
    }
