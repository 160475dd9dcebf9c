"""The columns of an evaluation: four cells, the references beside them, and probes that explain a cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hybrid.errors import RunError, UnknownName


@dataclass(frozen=True, slots=True)
class Column:
    """One way to answer.

    Attributes:
        name: in reports.
        tuned: whether the adapter is on.
        retrieval: whether passages are shown.
        few_shot: whether examples stand before the question.
        probe: what is shown instead of the passages found; empty in cells and references.
    """

    name: str
    tuned: bool = False
    retrieval: bool = False
    few_shot: bool = False
    probe: str = ""


CELLS = (
    Column("base"),
    Column("base+rag", retrieval=True),
    Column("tuned", tuned=True),
    Column("tuned+rag", tuned=True, retrieval=True),
)
REFERENCES = (
    Column("few-shot", few_shot=True),
    Column("few-shot+rag", few_shot=True, retrieval=True),
)
COLUMNS = {column.name: column for column in CELLS + REFERENCES}
PROBES = ("oracle",)
"""``oracle`` shows the gold passages and nothing else: what is left to gain by better retrieval."""


def pick_columns(names: Sequence[str]) -> list[Column]:
    """The columns of these names, in the order of the report.

    Raises:
        UnknownName: there is no such column.
    """
    for name in names:
        if name not in COLUMNS:
            raise UnknownName("cell", name, COLUMNS)
    return [column for column in COLUMNS.values() if column.name in names]


def probe_columns(probes: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    """One column for each probe and each cell with retrieval among the columns, such as ``oracle/base+rag``.

    Raises:
        UnknownName: there is no such probe.
        RunError: none of the columns is a cell with retrieval.
    """
    for probe in probes:
        if probe not in PROBES:
            raise UnknownName("probe", probe, PROBES)
    explained = [column for column in columns if column.retrieval and column in CELLS]
    if probes and not explained:
        raise RunError("--probe explains cells with retrieval: add base+rag or tuned+rag to --cells.")
    return [
        replace(column, name=f"{probe}/{column.name}", probe=probe)
        for probe in dict.fromkeys(probes)
        for column in explained
    ]


def columns_named(names: Sequence[str]) -> list[Column]:
    """The columns of a run by the names that it gave them, probes such as ``oracle/base+rag`` among them."""
    found = []
    for name in names:
        probe, _, cell = name.rpartition("/")
        found.append(replace(COLUMNS[cell], name=name, probe=probe))
    return found
