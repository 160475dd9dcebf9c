from html.parser import HTMLParser

import pytest
import report_sample

from hybrid.evaluation.page import Piece, forest, pieces, render, slices

HOSTILE = "<script>alert(1)</script>\"onload='x' ]]> {{ 7*7 }} <!-- </style>"
VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """Collects tags, attributes, ids and text; keeps a stack to see that all is closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.attributes, self.stack, self.text = [], [], [], [], [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def results():
    return report_sample.results()


def test_it_is_whole_and_loads_nothing(results):
    rows = [report_sample.row(cell=cell) for cell in report_sample.COLUMNS] + [report_sample.row("q1")]
    page = render(results, rows)
    read = Reader(page)
    assert read.stack == []
    assert len(read.ids) == len(set(read.ids))
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert "default-src 'none'" in page
    assert "url(" not in page and "@import" not in page
    for expected in ("few-shot+rag", "Verdict: ", "51,234", "★ gold", "1 phantom citation"):
        assert expected in read.text


def test_hostile_text_stays_text(results):
    cells = {"base" + HOSTILE: results["cells"]["base"]}
    provenance = {"a" + HOSTILE: [HOSTILE, {"b": HOSTILE}]}
    verdict = results["verdict"] | {"sentence": HOSTILE, "choice": HOSTILE}
    hostile = results | {"suite": HOSTILE, "cells": cells, "provenance": provenance, "verdict": verdict}
    hostile |= {"judge": {"name": HOSTILE}, "retrieval": {"k": HOSTILE}, "power": HOSTILE}
    row = report_sample.row(hostile=HOSTILE) | {"outcome": HOSTILE, "cell": "base" + HOSTILE}
    read = Reader(render(hostile, [row]))
    assert read.stack == []
    assert "script" not in read.tags
    assert not [name for name in read.attributes if name.startswith("on")]
    assert read.text.count(HOSTILE) > 15


def test_pieces_cut_an_answer_at_its_statements():
    statements = [{"text": "A is b", "pool": "supported"}, {"text": "C is d", "pool": None}]
    assert pieces("A is b [1]. C is d.", statements) == (
        Piece("A is b", "supported"),
        Piece(" [1]. ", None),
        Piece("C is d", ""),
        Piece(".", None),
    )
    assert pieces("Something else.", statements) is None


def test_statements_that_do_not_stand_in_the_answer_are_listed(results):
    row = report_sample.row(text="Five years, the warranty lasts.")
    read = Reader(render(results, [row]))
    assert "Five years, the warranty lasts." in read.text
    assert "The warranty lasts five years" in read.text


def test_the_forest_holds_zero_d_and_every_interval():
    entry = {"mean": 0.2, "low": 0.1, "high": 0.5}
    shown = forest({"effects": {"retrieval": {"score": entry}, "tuning": {"score": {"mean": None}}}})
    retrieval, tuning = shown.bars
    assert 0 < shown.zero < shown.worth_it < retrieval.low < retrieval.mean < retrieval.high < 100
    # scale −10 to 50 with 4 % of its width on both sides: (20 + 12.4) / 64.8
    assert retrieval.mean == 50.0
    assert (tuning.mean, tuning.text) == (None, "–")


def test_slices_are_shares_of_a_column():
    shown = slices({"outcomes": {"supported": 1, "hallucinated": 3, "misled": 0}})
    assert [(s.count, s.share) for s in shown] == [(1, 25.0), (3, 75.0)]


def test_a_run_without_rows_or_effects_renders():
    assert Reader(render({"cells": {}}, [])).stack == []


def test_each_tag_has_its_own_figures(results):
    by_tag = {"near-miss": {"n": 7, "cells": results["cells"]}, HOSTILE: {"n": 3, "cells": {}}}
    plain, tagged = Reader(render(results, [])), Reader(render(results | {"by_tag": by_tag}, []))
    assert tagged.stack == []
    assert "Only the 7 questions tagged near-miss" in tagged.text
    assert f"Only the 3 questions tagged {HOSTILE}" in tagged.text
    assert "tagged" not in plain.text
    assert tagged.tags.count("details") == plain.tags.count("details") + 2


HEADING = "Passages that help, passages that harm"


def test_harm_and_help_of_passages_have_a_table(results):
    entry = {"mean": 0.21, "low": 0.11, "high": 0.43, "n": 33, "status": "ok", "reason": "few groups (4)"}
    read = Reader(render(results | {"memory": {"base": {"harm": entry, "help": entry}}}, []))
    assert read.stack == []
    assert HEADING in read.text
    assert read.text.count("21 [11, 43]") == 2
    assert "few groups (4)" in read.text and "not measured" in read.text


def test_without_enough_questions_harm_and_help_are_not_shown(results):
    entry = {"mean": None, "low": None, "high": None, "n": 3, "status": "withheld", "reason": "too few"}
    read = Reader(render(results | {"memory": {"base": {"harm": entry, "help": entry}}}, []))
    assert HEADING not in read.text and "too few" not in read.text


def test_the_answers_of_a_probe_can_be_picked_as_a_column(results):
    probes = {"oracle": {"base+rag": results["cells"]["base+rag"]}}
    rows = [report_sample.row(cell="base+rag"), report_sample.row(cell="oracle/base+rag")]
    read = Reader(render(results | {"probes": probes}, rows))
    assert read.stack == []
    assert f"c{len(report_sample.COLUMNS)}" in read.ids
    assert "shown in base+rag, oracle/base+rag" in read.text


def test_an_effect_judged_by_another_metric_than_the_one_shown_says_so():
    results = report_sample.results()
    verdict = results["verdict"] | {"zones": {"retrieval_tuned": {"zone": "worth it", "metric": "correct"}}}
    bars = {bar.label: bar.zone for bar in forest(results | {"verdict": verdict}).bars}
    assert bars["retrieval tuned"] == "worth it, by correct"
    assert bars["retrieval base"] == ""
