"""The columns of an evaluation: four cells, and the references beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Column:
    """One way to answer.

    Attributes:
        name: in reports.
        tuned: whether the adapter is on.
        retrieval: whether passages are shown.
        few_shot: whether examples stand before the question.
    """

    name: str
    tuned: bool = False
    retrieval: bool = False
    few_shot: bool = False


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


def pick_columns(names: Sequence[str]) -> list[Column]:
    """The columns of these names, in the order of the report.

    Raises:
        UnknownName: there is no such column.
    """
    for name in names:
        if name not in COLUMNS:
            raise UnknownName("cell", name, COLUMNS)
    return [column for column in COLUMNS.values() if column.name in names]
