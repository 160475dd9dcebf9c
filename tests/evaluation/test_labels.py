import json

import pytest
import report_sample

from hybrid.errors import BadInput
from hybrid.evaluation.labels import label_figures, session, with_labels
from hybrid.evaluation.report import Report, open_report
from hybrid.evaluation.table import notes, plain
from hybrid.judging.labelling import Label, claims, open_labels

CELLS = ("base", "tuned")


def row(cell, number, verdict, text):
    """An answer of one statement to a question of its own document."""
    statement = {"claim": text, "text": text, "cited": [], "pool": verdict, "shown": None, "error": ""}
    return report_sample.row(f"q{number}", cell) | {"group": f"g{number}", "statements": [statement]}


def rows():
    """``base``: 30 supported and 20 not; ``tuned``: 40 supported, whose first 10 claims are those of base."""
    base = [row("base", n, "supported" if n < 30 else "unverifiable", f"base {n}") for n in range(50)]
    tuned = [row("tuned", n, "supported", f"{'base' if n < 10 else 'tuned'} {n}") for n in range(40)]
    return base + tuned


@pytest.fixture
def labelled(tmp_path):
    """All of base is labelled, and so are ten of tuned: of base's supported claims the first 5 are not."""
    found = claims(rows(), CELLS)
    labels = open_labels(tmp_path / "labels.jsonl")
    for claim in found:
        if claim.claim.startswith("base"):
            number = int(claim.claim.split()[1])
            labels.add(claim, Label.SUPPORTED if 5 <= number < 32 else Label.NOT_SUPPORTED)
    return found, labels


def test_rates_of_a_cell_are_of_what_people_say(labelled):
    base = label_figures(*labelled)["cells"]["base"]
    # People support 27, of which the judge 25; they do not support 23, of which the judge does 5.
    assert base["n"] == 50
    assert (base["true_positive_rate"]["mean"], base["true_positive_rate"]["n"]) == (
        pytest.approx(25 / 27),
        27,
    )
    assert (base["false_positive_rate"]["mean"], base["false_positive_rate"]["n"]) == (
        pytest.approx(5 / 23),
        23,
    )
    assert base["false_positive_rate"]["low"] < 5 / 23 < base["false_positive_rate"]["high"]
    assert base["supported_share"]["mean"] == pytest.approx(27 / 50)
    assert base["supported_share_judge"]["mean"] == pytest.approx(30 / 50)


def test_a_label_counts_in_every_cell_and_few_labels_are_withheld(labelled):
    figures = label_figures(*labelled)
    tuned = figures["cells"]["tuned"]
    assert (figures["n"], tuned["n"]) == (50, 10)
    assert (tuned["true_positive_rate"]["mean"], tuned["true_positive_rate"]["reason"]) == (
        None,
        "withheld, n = 5",
    )
    assert tuned["supported_share"]["mean"] == pytest.approx(5 / 10)
    assert figures["differences"]["tuning_alone"]["mean"] == pytest.approx(5 / 10 - 27 / 50)


def test_unsure_counts_for_neither(labelled):
    found, labels = labelled
    labels.add(found[0], Label.UNSURE)
    figures = label_figures(found, labels)
    assert (figures["n"], figures["n_unsure"]) == (49, 1)
    assert figures["cells"]["base"]["false_positive_rate"]["n"] == 22


def test_a_statement_on_which_the_judge_failed_counts_for_no_rate(tmp_path):
    found = claims([row("base", 0, None, "a"), row("base", 1, "supported", "b")], CELLS)
    figures = label_figures(found, open_labels(tmp_path / "none"))
    assert figures["cells"]["base"]["supported_share_judge"]["n"] == 1


@pytest.fixture
def run(tmp_path, labelled):
    results = report_sample.results()
    results["verdict"] |= {"flip": "It would flip at 60 points.", "flips": {"base": 60, "tuned": None}}
    folder = tmp_path / "run"
    Report(results | {"thresholds": []}, rows()).save(folder)
    (folder / "labels.jsonl").write_bytes(labelled[1].path.read_bytes())
    return folder


def test_the_report_of_a_labelled_run_holds_table_and_notes(run):
    report = with_labels(open_report(run))
    kept = json.loads((run / "results.json").read_text())["judge"]["labels"]
    assert kept == report.results["judge"]["labels"]
    assert kept["flips"] == {"base": 60, "tuned": None}
    # 5 of 23 is 22 %, its interval ends below 60.
    assert kept["flip"].startswith("It would flip at 60 points. In base labels put it at 22 % [")
    assert "less than it takes (n = 23)" in kept["flip"]
    assert kept["flip"] in notes(report.results)
    assert "labels: people labelled 50 statements" in notes(report.results)
    assert "withheld, n = 5" in plain(report.results)
    assert "In base labels put it at" in (run / "report.html").read_text()


def test_a_report_without_new_labels_writes_nothing(run):
    with_labels(open_report(run))
    before = (run / "results.json").stat().st_mtime_ns
    with_labels(open_report(run))
    assert (run / "results.json").stat().st_mtime_ns == before


def test_a_run_without_labels_stays_as_it_is(run):
    (run / "labels.jsonl").unlink()
    assert "labels" not in with_labels(open_report(run)).results["judge"]


def test_a_session_is_of_the_cells_of_a_run(run):
    opened = session(run, n=7)
    assert (len(opened.deck), opened.labels.path) == (7, run / "labels.jsonl")


def test_a_run_without_statements_cannot_be_labelled(run):
    silent = [row | {"statements": []} for row in rows()]
    (run / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in silent))
    with pytest.raises(BadInput, match="no answer of this run has a statement"):
        session(run, n=7)
