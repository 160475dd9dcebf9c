"""The figures of a run as text: for the terminal, and as Markdown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from hybrid.evaluation.forgetting.lines import forgetting_lines

WIDTH = 110

METRICS = (
    ("correct", "score", "groundedness", "hallucination_rate", "abstention_recall", "false_abstention"),
    ("citation_precision", "citation_recall", "cited_rate", "recall_at_k"),
)
"""The columns of the two tables of cells; together they are too wide for one."""

EFFECTS = ("retrieval", "tuning", "interaction")
EFFECT_METRICS = ("correct", "score", "hallucination_rate", "groundedness")
OUTCOMES = (
    "supported",
    "from_memory",
    "with_unsupported_parts",
    "misled",
    "hallucinated",
    "right_abstention",
    "wrong_abstention",
    "undecided",
)
FINDINGS = {
    "distractors": {
        "harm": "harm: right with gold alone, then wrong",
        "harm_known": "harm: known, then wrong",
    },
    "position": {
        "first": "gold first",
        "middle": "gold in the middle",
        "last": "gold last",
        "largest": "largest difference, points",
    },
    "counterfactual": {
        "follows_context": "follows context",
        "keeps_memory": "keeps memory",
        "other": "other",
        "abstains": "abstains",
        "right": "right by authority",
    },
    "regurgitation": {"canary_rate": "holds a canary", "copied_rate": "copies eight words"},
    "stale": {
        "before": "right before the change",
        "update_success": "right after it",
        "stale_rate": "still the old answer",
    },
}
"""Probe → figure of ``probes.<probe>.<cell>`` → how a reader sees it."""
NO_VALUE = "–"
NAMED = 10
"""So many ids are told in a line; the results hold all."""

Results = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """One table: a header, rows of as many cells, and notes beneath."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def table(results: Results) -> Table:
    """Everything a terminal shows of a run, at most 110 columns wide."""
    return grid(blocks(results), closing_lines(results))


def grid(blocks: Sequence[Block], lines: Sequence[str]) -> Table:
    """Blocks one beneath the other, then lines."""
    grid = Table.grid()
    grid.add_column(max_width=WIDTH)
    for block in blocks:
        grid.add_row(_rich(block))
        for note in (*block.notes, ""):
            grid.add_row(escape(note))
    for line in lines:
        grid.add_row(escape(line))
    return grid


def plain(results: Results) -> str:
    """The same as Markdown."""
    parts = [_markdown(block) for block in blocks(results)]
    return "\n\n".join([*parts, *closing_lines(results)]) + "\n"


def markdown(results: Results, metrics: Sequence[str]) -> str:
    """One table of cells, references and probes with these metrics, as Markdown without notes."""
    block = _columns_block(results, metrics)
    rows = tuple(tuple(re.sub(rf"{NO_VALUE} .*", NO_VALUE, cell) for cell in row) for row in block.rows)
    return _markdown(Block(block.header, rows))


def blocks(results: Results) -> list[Block]:
    """The tables of a run: two of the columns, the effects, harm and help of passages, labels, outcomes."""
    cells = [_columns_block(results, metrics) for metrics in METRICS]
    return [*cells, _effects_block(results), *further_blocks(results), _outcomes_block(results)]


def columns(results: Results) -> dict[str, Mapping[str, Any]]:
    """Cells, then references, then systems, then probes, by name; beside systems only what has answers."""
    own = {**results.get("cells", {}), **results.get("references", {})}
    systems = results.get("systems", {})
    if systems:
        own = {name: column for name, column in own.items() if any(column["outcomes"].values())}
    probes = {
        f"{probe}/{cell}": column
        for probe, cells in results.get("probes", {}).items()
        for cell, column in cells.items()
        if "metrics" in column
    }
    return {**own, **systems, **probes}


def closing_lines(results: Results) -> list[str]:
    """The verdict's sentence, then the notes."""
    sentence = (results.get("verdict") or {}).get("sentence")
    return [*([sentence] if sentence else []), *notes(results)]


def notes(results: Results) -> list[str]:
    """What was asked, what answered and what judged, and what a reader of the figures has to know of it."""
    judge, lines = results.get("judge") or {}, list(_label_lines(results))
    asked, model = results.get("questions"), results.get("provenance", {}).get("model")
    if asked:
        lines += [f"questions: {asked['n']}{_splits(asked)}", *_skipped(asked.get("skipped_ids", ()))]
    if model:
        lines.append(f"model: {model['name']}" + (f" ({model['note']})" if model["note"] else ""))
    if line := closed_book(results):
        lines.append(line)
    lines += forgetting_lines(results)
    for name, column in columns(results).items():
        if dropped := column.get("dropped_passages"):
            lines.append(f"{name}: {dropped} passages did not fit the context and were left out")
    lines += results.get("provenance", {}).get("warnings", [])
    if detector := results.get("abstention_detector"):
        lines.append(
            f"abstentions: found by phrases, in agreement with hand labels on {detector['agreed']} "
            f"of {detector['n']} English outputs"
        )
    lines += [f"{held['name']}: {held['text']}" for held in results.get("thresholds", ()) if "text" in held]
    validated = "" if judge.get("validated") else " (not validated)"
    return [*lines, f"judge: {judge.get('name', 'none')}{validated}; ragas formula"]


def _splits(asked: Mapping[str, Any]) -> str:
    """How many questions are on seen and unseen documents, where that is known."""
    if asked["n_unseen"] is None:
        return ""
    return f" ({asked['n_unseen']} on unseen documents, {asked['n_seen']} on seen)"


def _skipped(ids: Sequence[str]) -> list[str]:
    """The questions whose gold is not in the corpus, so that they were not asked."""
    if not ids:
        return []
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return [f"not asked, as their gold is not in the corpus: {', '.join(ids[:NAMED])}{more}"]


def _label_lines(results: Results) -> Iterator[str]:
    """What would flip the verdict, and how many labels there are."""
    labels = results.get("judge", {}).get("labels") or {}
    if flip := labels.get("flip") or (results.get("verdict") or {}).get("flip"):
        yield flip
    if labels:
        unsure = f", and {labels['n_unsure']} as unsure" if labels.get("n_unsure") else ""
        yield f"labels: people labelled {labels['n']} statements{unsure}"


def closed_book(results: Results) -> str | None:
    """The contamination check: how much the base knows that it should have to look up."""
    entry = results.get("cells", {}).get("base", {}).get("metrics", {}).get("correct", {})
    if entry.get("mean") is None:
        return None
    return (
        f"contamination check: without passages the base answers {percent(entry)} % of the {entry['n']} "
        "answerable questions correctly, from memory or by chance"
    )


def percent(entry: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    """``52 [43, 61]``: a mean and its interval in percent, or a dash."""
    if not entry or entry.get("mean") is None:
        return NO_VALUE
    sign = "+" if signed else ""
    mean = f"{_rounded(entry['mean']):{sign}d}"
    if entry.get("low") is None:
        return mean
    return f"{mean} [{_rounded(entry['low']):{sign}d}, {_rounded(entry['high']):{sign}d}]"


def words(name: str) -> str:
    """A name of the contract as a reader sees it."""
    return name.replace("_", " ")


def _rounded(fraction: float) -> int:
    return round(100 * fraction)


class Notes:
    """Collects reasons, each once: numbered where there is no figure, plain where they qualify one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._remarks: dict[str, None] = {}

    def cell(self, entry: Mapping[str, Any] | None, *, signed: bool = False) -> str:
        """The figure, or a dash with the number of its note."""
        shown = percent(entry, signed=signed)
        reason = (entry or {}).get("reason", "")
        if shown == NO_VALUE:
            number = self._numbers.setdefault(reason or "not measured", len(self._numbers) + 1)
            return f"{shown} ({number})"
        if reason:
            self._remarks[reason] = None
        return shown

    def lines(self) -> tuple[str, ...]:
        """The reasons, those with a number first."""
        return (*(f"({number}) {reason}" for reason, number in self._numbers.items()), *self._remarks)


def _columns_block(results: Results, metrics: Sequence[str]) -> Block:
    notes = Notes()
    rows = []
    for name, column in columns(results).items():
        entries = column.get("metrics", {})
        figures = (notes.cell(entries.get(metric)) for metric in metrics)
        rows.append((name, *figures, str(_questions(entries, metrics))))
    header = ("percent", *(words(metric) for metric in metrics), "n")
    return Block(header, tuple(rows), notes.lines())


def _questions(entries: Mapping[str, Any], metrics: Sequence[str]) -> int:
    """How many questions stand behind the row: those of the metric that has most."""
    return max((entries[metric].get("n", 0) for metric in metrics if metric in entries), default=0)


def _effects_block(results: Results) -> Block:
    notes = Notes()
    effects = results.get("effects", {})
    rows = [
        (words(name), *(notes.cell(effects.get(name, {}).get(m), signed=True) for m in EFFECT_METRICS))
        for name in EFFECTS
    ]
    header = ("effect, points", *(words(metric) for metric in EFFECT_METRICS))
    return Block(header, tuple(rows), notes.lines())


def further_blocks(results: Results) -> list[Block]:
    """What some runs have beside: harm and help of passages, probes, ragas, and labels of people."""
    return [
        *memory_blocks(results),
        *probe_blocks(results).values(),
        *ragas_blocks(results),
        *label_blocks(results),
    ]


def ragas_blocks(results: Results) -> list[Block]:
    """The metrics of ragas under their label, of the columns that have one."""
    section = results.get("ragas", {})
    rated = {
        name: figures
        for name, figures in section.get("cells", {}).items()
        if any(figure["status"] != "not_applicable" for figure in figures.values())
    }
    if not rated:
        return []
    notes = Notes()
    metrics = tuple(next(iter(rated.values())))
    rows = [
        (name, *(notes.cell(figures.get(metric)) for metric in metrics)) for name, figures in rated.items()
    ]
    label = f"{section['label']}; not to be compared with published RAGAS scores"
    header = ("ragas, percent", *(words(metric) for metric in metrics))
    return [Block(header, tuple(rows), (label, *notes.lines()))]


def memory_blocks(results: Results) -> list[Block]:
    """Harm and help of passages, where enough questions stand behind one of them."""
    rates = {name: results.get("memory", {}).get(name, {}) for name in ("base", "tuned")}
    if not any(entry.get("status") == "ok" for rate in rates.values() for entry in rate.values()):
        return []
    notes = Notes()
    rows = [
        (
            name,
            *(notes.cell(rate.get(which)) for which in ("harm", "silenced", "help")),
            *(str(rate.get(which, {}).get("n", 0)) for which in ("harm", "help")),
        )
        for name, rate in rates.items()
    ]
    header = (
        "passages, percent",
        "harm: known, then wrong",
        "silenced: known, then silent",
        "help: unknown, then right",
        "known",
        "unknown",
    )
    return [Block(header, tuple(rows), notes.lines())]


def probe_blocks(results: Results) -> dict[str, Block]:
    """Probe → what it found beside the figures of its columns, a row for each cell that it explains."""
    found = results.get("probes") or {}
    return {probe: _probe_block(probe, found[probe]) for probe in FINDINGS if probe in found}


def _probe_block(probe: str, cells: Mapping[str, Any]) -> Block:
    notes = Notes()
    rows = []
    for cell, figures in cells.items():
        entries = [figures.get(name) for name in FINDINGS[probe]]
        shown = [notes.cell(entry, signed="from" in (entry or {})) for entry in entries]
        rows.append((cell, *shown, str(max((entry["n"] for entry in entries if entry), default=0))))
    header = (f"{probe}, percent", *FINDINGS[probe].values(), "n")
    return Block(header, tuple(rows), (*notes.lines(), *probe_lines(cells)))


def probe_lines(cells: Mapping[str, Any]) -> list[str]:
    """What a probe found in its cells that is no share of questions."""
    found = {cell: figures for cell, figures in cells.items() if isinstance(figures, Mapping)}
    first: Mapping[str, Any] = next(iter(found.values()), {})
    skipped = first.get("skipped", {})
    lines = [f"not swapped: {count} questions, {reason}" for reason, count in skipped.items()]
    lines += [
        f"{cell}: the largest difference is from gold {largest['from']} to gold {largest['to']}"
        for cell, figures in found.items()
        if (largest := figures.get("largest", {})).get("mean") is not None
    ]
    return [*lines, *(line for cell, figures in found.items() for line in _change_lines(cell, figures))]


def _change_lines(cell: str, figures: Mapping[str, Any]) -> Iterator[str]:
    """What a cell knew before its corpus changed, and how it followed."""
    if (known := figures.get("known", {})).get("facts") is not None:
        yield f"{cell}: without passages the tuned model knew {known['facts']} of {known['of']} changed facts"
    if (withdrawn := figures.get("withdrawn", {})).get("n"):
        yield (
            f"{cell}: of {withdrawn['n']} questions withdrawn, {withdrawn['abstained']} got no answer, "
            f"{withdrawn['old']} still the old one"
        )
    if (seconds := figures.get("seconds_to_right", {})).get("mean") is not None:
        parts = ", ".join(f"{name} {took:.2f} s" for name, took in seconds["parts"].items())
        yield f"{cell}: first right answer {seconds['mean']:.2f} s after the change ({parts})"
    elif seconds:
        yield f"{cell}: no right answer after the change: {seconds['reason']}"


def label_blocks(results: Results) -> list[Block]:
    """The judge held against people's labels, where there are any."""
    labels = results.get("judge", {}).get("labels")
    if not labels:
        return []
    rates = ("true_positive_rate", "false_positive_rate", "supported_share", "supported_share_judge")
    rows = [
        (cell, *(_told(labels["cells"][cell][rate]) for rate in rates), str(labels["cells"][cell]["n"]))
        for cell in columns(results)
        if cell in labels["cells"]
    ]
    header = (
        "judge by labels, percent",
        "supported, and called so",
        "not supported, but called so",
        "supported, by labels and judge",
        "supported, by the judge alone",
        "labels",
    )
    return [Block(header, tuple(rows))]


def _told(entry: Mapping[str, Any]) -> str:
    return entry["reason"] if entry["mean"] is None else percent(entry)


def _outcomes_block(results: Results) -> Block:
    rows = []
    for name, column in columns(results).items():
        counts = column.get("outcomes", {})
        rows.append((name, *(str(counts.get(outcome, 0)) for outcome in OUTCOMES)))
    return Block(("outcomes", *(words(outcome) for outcome in OUTCOMES)), tuple(rows))


def _rich(block: Block) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 1))
    for position, name in enumerate(block.header):
        first = position == 0
        shown.add_column(
            escape(name),
            justify="left" if first else "right",
            vertical="bottom",
            overflow="fold",
            no_wrap=first,
        )
    for row in block.rows:
        shown.add_row(*(escape(cell) for cell in row))
    return shown


def _markdown(block: Block) -> str:
    rule = ["---", *("---:" for _ in block.header[1:])]
    lines = ["| " + " | ".join(_defused(row)) + " |" for row in (block.header, rule, *block.rows)]
    return "\n".join([*lines, *(f"\n{note}" for note in block.notes)])


def _defused(cells: Sequence[str]) -> Iterator[str]:
    """A bar or a line break in a name would break the table."""
    return (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
