from hybrid.evaluation.agreement import LabelledOutput, agreement, read_labels
from hybrid.evaluation.columns import COLUMNS


def labelled(answer, abstained):
    return LabelledOutput(cell="base", answer=answer, cited=False, references=(), abstained=abstained)


def test_agreements_misses_and_false_alarms_are_counted():
    rows = [
        labelled("I don't know.", True),
        labelled("Five years.", False),
        labelled("Beats me.", True),
        labelled("The sources do not say.", False),
    ]
    found = agreement(rows)
    assert (found.n, found.n_abstained, found.agreed, found.missed, found.false_alarms) == (4, 2, 2, 1, 1)


def test_the_labels_that_ship_cover_all_columns_and_the_detector_agrees():
    rows = read_labels()
    assert len(rows) >= 100 and {row.cell for row in rows} == set(COLUMNS)
    found = agreement(rows)
    assert found.agreed / found.n >= 0.95
