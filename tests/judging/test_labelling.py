import json
from collections import Counter

import pytest
from label_rows import row, rows

from hybrid.errors import BadInput, RunError
from hybrid.judging.labelling import Label, chances, claims, deck, open_labels

CELLS = ("base", "tuned")


def drawn(deck_):
    return Counter(cell for claim in deck_ for cell in claim.cells)


def test_a_claim_of_several_cells_is_there_once():
    found = claims([row("base", "q", "Five years."), row("tuned", "q", "Five years.", "Six.")], CELLS)
    assert [claim.claim for claim in found] == ["Five years.", "Six."]
    assert [occurrence.cell for occurrence in found[0].occurrences] == ["base", "tuned"]


def test_the_same_claim_by_other_evidence_is_another():
    assert len(claims([row("base", "q1", "Yes."), row("base", "q2", "Yes.")], CELLS)) == 2


def test_probes_and_statements_without_evidence_are_left_out():
    bare = row("base", "q", "Nothing tells.") | {"pool": []}
    assert claims([row("oracle/base+rag", "q", "Yes."), bare], CELLS) == []


def test_a_follow_up_question_stands_after_the_one_before():
    history = [{"question": "What is paid?", "answer": "5 cr"}]
    assert claims([row("base", "And at night?", "7 cr", history=history)], CELLS)[0].questions == (
        "What is paid?",
        "And at night?",
    )


def test_every_cell_is_drawn_equally_whatever_its_size():
    found = claims(rows({"base": 300, "tuned": 40}), CELLS)
    for n in (10, 30, 60):
        assert drawn(deck(found, 0)[:n]) == {"base": n / 2, "tuned": n / 2}


def test_a_small_cell_is_drawn_whole_and_the_others_fill_up():
    assert drawn(deck(claims(rows({"base": 300, "tuned": 4}), CELLS), 0)[:50]) == {"base": 46, "tuned": 4}


def test_the_order_depends_on_the_seed_alone():
    found = claims(rows({"base": 30, "tuned": 30}), CELLS)
    assert deck(found, 1) == deck(found[::-1], 1) != deck(found, 2)


def test_the_place_in_the_deck_does_not_tell_the_cell():
    found = claims(rows({"base": 200, "tuned": 200}), CELLS)
    firsts = Counter(min(claim.cells) for claim in deck(found, 0)[::2])
    assert 70 < firsts["base"] < 130


def test_chances_bring_the_shared_claims_back_to_their_share(tmp_path):
    # Of 150 claims of "base" 50 stand in "tuned", too, where half of all is drawn: they are drawn more often.
    found = claims(rows({"base": 100, "tuned": 10}, shared=50), CELLS)
    weighted, plain = [], []
    for seed in range(60):
        labels = open_labels(tmp_path / "none", seed)
        done = deck(found, seed)[:50]
        labels.by_key.update(dict.fromkeys([claim.key for claim in done], Label.SUPPORTED))
        chance = chances(found, labels)
        base = [claim for claim in done if "base" in claim.cells]
        shared = [claim for claim in base if "tuned" in claim.cells]
        plain.append(len(shared) / len(base))
        weighted.append(sum(1 / chance[c.key] for c in shared) / sum(1 / chance[c.key] for c in base))
    assert sum(weighted) / 60 == pytest.approx(1 / 3, abs=0.03)
    assert sum(plain) / 60 > 0.45


@pytest.fixture
def some():
    return claims(rows({"base": 3}), CELLS)


def test_a_label_is_read_back_and_a_second_one_takes_its_place(tmp_path, some):
    path = tmp_path / "labels.jsonl"
    labels = open_labels(path, 5)
    labels.add(some[0], Label.SUPPORTED)
    labels.add(some[1], Label.UNSURE)
    labels.add(some[0], Label.NOT_SUPPORTED)
    again = open_labels(path)
    assert again.by_key == labels.by_key == {some[0].key: "not_supported", some[1].key: "unsure"}
    assert again.seed == 5
    first = json.loads(path.read_text().split("\n")[0])
    assert (first["claim"], first["evidence"], first["label"]) == (
        "base 0",
        "Warranty\nAbout question 0",
        "supported",
    )


def test_half_a_line_that_a_crash_left_is_dropped(tmp_path, some):
    path = tmp_path / "labels.jsonl"
    open_labels(path).add(some[0], Label.SUPPORTED)
    path.write_bytes(path.read_bytes() + b'{"key": "ab')
    labels = open_labels(path)
    labels.add(some[1], Label.SUPPORTED)
    assert open_labels(path).by_key.keys() == {some[0].key, some[1].key}


def test_another_seed_than_that_of_the_labels_is_refused(tmp_path, some):
    open_labels(tmp_path / "l", 1).add(some[0], Label.SUPPORTED)
    with pytest.raises(RunError, match="seed 1, not 2; leave --seed away"):
        open_labels(tmp_path / "l", 2)


def test_a_line_that_is_no_label_is_named(tmp_path, some):
    path = tmp_path / "labels.jsonl"
    open_labels(path).add(some[0], Label.SUPPORTED)
    path.write_text(path.read_text() + '{"label": "perhaps"}\n')
    with pytest.raises(BadInput, match=r"labels.jsonl:2: no label"):
        open_labels(path)
