import pytest

from hybrid.errors import RunError, UnknownName
from hybrid.evaluation.columns import (
    CELLS,
    COLUMNS,
    PROBES,
    REFERENCES,
    columns_named,
    pick_columns,
    probe_columns,
)


def test_the_cells_are_the_two_by_two():
    assert {(cell.tuned, cell.retrieval) for cell in CELLS} == {(a, b) for a in (0, 1) for b in (0, 1)}
    assert not any(cell.few_shot for cell in CELLS)


def test_the_references_are_untuned():
    assert all(column.few_shot and not column.tuned for column in REFERENCES)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=lambda column: column.name)
def test_a_name_says_what_the_column_does(column):
    assert column.retrieval == column.name.endswith("+rag")
    assert column.tuned == column.name.startswith("tuned")


def test_columns_come_in_the_order_of_the_report_and_once():
    picked = pick_columns(["few-shot", "tuned", "base", "tuned"])
    assert [column.name for column in picked] == ["base", "tuned", "few-shot"]


def test_an_unknown_cell_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match=r'Unknown cell "base\+rga".*Did you mean "base\+rag"\?'):
        pick_columns(["base", "base+rga"])


@pytest.mark.parametrize("column", COLUMNS.values(), ids=lambda column: column.name)
def test_cells_and_references_are_no_probes(column):
    assert column.probe == ""


def test_a_probe_stands_once_for_each_cell_with_retrieval():
    columns = probe_columns(["oracle", "oracle"], list(COLUMNS.values()))
    assert [(column.name, column.tuned) for column in columns] == [
        ("oracle/base+rag", False),
        ("oracle/tuned+rag", True),
    ]
    assert all(column.probe == "oracle" and column.retrieval and not column.few_shot for column in columns)


def test_a_probe_explains_only_what_is_run():
    (column,) = probe_columns(["oracle"], pick_columns(["base", "tuned+rag", "few-shot+rag"]))
    assert column.name == "oracle/tuned+rag"
    assert probe_columns([], list(CELLS)) == probe_columns([], []) == []


def test_a_probe_without_a_cell_to_explain_is_refused():
    with pytest.raises(
        RunError, match=r"--probe oracle explains cells with retrieval: add base\+rag or tuned\+rag"
    ):
        probe_columns(["oracle"], pick_columns(["base", "tuned", "few-shot+rag"]))


def test_stale_explains_all_cells_and_no_reference():
    columns = probe_columns(["stale"], list(COLUMNS.values()))
    assert [(column.name, column.cell) for column in columns] == [
        (f"stale/{cell.name}", cell.name) for cell in CELLS
    ]
    assert columns_named([column.name for column in columns]) == columns
    with pytest.raises(RunError, match="--probe stale explains cells: add base"):
        probe_columns(["stale"], list(REFERENCES))


def test_an_unknown_probe_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match=r'Unknown probe "orcale".*Did you mean "oracle"\?'):
        probe_columns(["orcale"], CELLS)


def probed(*probes, cells=("base", "base+rag", "few-shot", "few-shot+rag")):
    return [column.name for column in probe_columns(probes, pick_columns(cells))]


def test_distractors_bring_the_oracle_to_compare_with_once():
    assert probed("distractors") == ["oracle/base+rag", "distractors/base+rag"]
    assert probed("distractors", "oracle") == probed("distractors")


def test_positions_are_a_column_each():
    assert probed("position") == [f"position-{place}/base+rag" for place in ("first", "middle", "last")]


def test_canaries_are_planted_into_few_shot_columns_only():
    assert probed("regurgitation") == ["regurgitation/few-shot", "regurgitation/few-shot+rag"]
    assert probed("regurgitation", cells=["tuned"]) == []
    with pytest.raises(RunError, match="regurgitation explains tuned and few-shot columns"):
        probed("regurgitation", cells=["base", "base+rag"])


@pytest.mark.parametrize("probe", PROBES)
def test_a_column_of_a_probe_is_known_by_its_name(probe):
    columns = probe_columns([probe], list(COLUMNS.values()))
    assert columns_named([column.name for column in columns]) == columns
    assert all(f"{column.probe}/{column.cell}" == column.name for column in columns)
    assert [column.cell for column in COLUMNS.values()] == list(COLUMNS)
