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
        probe: what is shown otherwise than in the column that it explains; empty in cells and references.
    """

    name: str
    tuned: bool = False
    retrieval: bool = False
    few_shot: bool = False
    probe: str = ""

    @property
    def cell(self) -> str:
        """The name of the column that a probe explains; of other columns their own."""
        return self.name.removeprefix(f"{self.probe}/")


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
RETRAINED = Column("stale/retrained", tuned=True, probe="stale")
"""What stands beside the probe ``stale``: another adapter, tuned in the same way on the next edition."""
PROBES: dict[str, tuple[str, ...]] = {
    "oracle": ("oracle",),
    "distractors": ("oracle", "distractors"),
    "position": ("position-first", "position-middle", "position-last"),
    "counterfactual": ("counterfactual",),
    "regurgitation": ("regurgitation",),
    "stale": ("stale",),
}
"""Probe → what its columns show.

``oracle`` shows the gold passages and nothing else: what is left to gain by better retrieval. ``distractors``
mixes them with passages that are near the question and do not tell, and brings the oracle to compare with;
``position`` has the gold at three places among the same distractors. ``counterfactual`` shows the gold
passages with another answer. ``regurgitation`` plants strings into the examples of few-shot columns, see also
``tuning.canaries``. ``stale`` asks all cells what changed, once the index was swapped to the next edition of
the corpus; nothing is tuned again, except for ``RETRAINED``.
"""


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
    """One column for everything that a probe shows and each of the columns that it explains.

    ``oracle/base+rag`` explains a cell with retrieval, ``regurgitation/few-shot`` a reference.

    Raises:
        UnknownName: there is no such probe.
        RunError: none of the columns can be explained by a probe.
    """
    for probe in probes:
        if probe not in PROBES:
            raise UnknownName("probe", probe, PROBES)
        _check_explains(probe, columns)
    shown = dict.fromkeys(show for probe in probes for show in PROBES[probe])
    return [
        replace(column, name=f"{show}/{column.name}", probe=show)
        for show in shown
        for column in _explained(show, columns)
    ]


def columns_named(names: Sequence[str]) -> list[Column]:
    """The columns of a run by the names that it gave them, probes such as ``oracle/base+rag`` among them."""
    found = []
    for name in names:
        probe, _, cell = name.rpartition("/")
        known = name == RETRAINED.name
        found.append(RETRAINED if known else replace(COLUMNS[cell], name=name, probe=probe))
    return found


def _explained(show: str, columns: Sequence[Column]) -> list[Column]:
    if show == "regurgitation":
        return [column for column in columns if column.few_shot]
    return [column for column in columns if column in CELLS and (column.retrieval or show == "stale")]


def _check_explains(probe: str, columns: Sequence[Column]) -> None:
    if any(_explained(show, columns) for show in PROBES[probe]):
        return
    if probe == "stale":
        raise RunError("--probe stale explains cells: add base, base+rag, tuned or tuned+rag to --cells.")
    if probe != "regurgitation":
        raise RunError(
            f"--probe {probe} explains cells with retrieval: add base+rag or tuned+rag to --cells."
        )
    if not any(column.tuned for column in columns):
        raise RunError("--probe regurgitation explains tuned and few-shot columns: add one to --cells.")
