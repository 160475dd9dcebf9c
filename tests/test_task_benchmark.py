"""The other uses of tuning: what is asked, how replies are marked, and a trial on the tiny model."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import tasks  # noqa: E402
from task.definition import Item  # noqa: E402
from task.letters import mark_tone  # noqa: E402
from task.lists import mark_markdown  # noqa: E402
from task.orders import json_task, mark_json, mark_yaml  # noqa: E402
from task.records import FIRST_NAMES, LAST_NAMES, PLACES  # noqa: E402
from task.reports import FILLERS, LIMIT, WORDS, mark_summary, summary_task  # noqa: E402
from task.tickets import TEAMS, labels_task, mark_label  # noqa: E402
from task.trial import BASE, FEW_SHOT, encoded, messages, nearest, tried  # noqa: E402

from hybrid.errors import HybridError  # noqa: E402
from hybrid.generation.prompt import Message  # noqa: E402
from hybrid.retrieval.embed import HashingEmbedder  # noqa: E402
from hybrid.specs import TuningSpec  # noqa: E402

MADE = {name: make() for name, make in tasks.TASKS.items()}
FLAT = Item("", "", {"customer": "Ida Berg", "place": "Tarvik", "item": "kites", "count": 3})
NESTED = Item("", "", {"customer": {"name": "Ida Berg", "place": "Tarvik"}, "item": "kites", "count": 3})
LIST = Item("", "", {"place": "Tarvik", "things": ["kites", "clocks"]})
LETTER = Item("", "", {"told": ("Ida Berg", "kites", "Monday")})
TICKET = Item("", "Otter")
REPORT = Item(
    "On 3 May 12 cracks were found. It costs 900 crowns.", "", {"facts": ["3 May", "12 cracks", "900", "May"]}
)

REPLIES = [
    (mark_json, FLAT, '{"customer": "Ida Berg", "place": "Tarvik", "item": "kites", "count": 3}', "11"),
    (
        mark_json,
        FLAT,
        '```json\n{"count": 3, "place": "Tarvik", "item": "kites", "customer": "Ida Berg"}\n```',
        "11",
    ),
    (mark_json, FLAT, '{"customer": "Ida Berg", "place": "Tarvik", "item": "kites", "count": 4}', "10"),
    (mark_json, FLAT, '{"customer": "Ida Berg", "place": "Tarvik", "item": "kites", "count": "3"}', "00"),
    (mark_json, FLAT, '{"customer": "Ida Berg", "place": "Tarvik", "item": "kites"}', "00"),
    (mark_json, FLAT, 'Here it is: {"customer": "Ida Berg"}', "00"),
    (mark_yaml, NESTED, "customer:\n  name: Ida Berg\n  place: Tarvik\nitem: kites\ncount: 3", "11"),
    (
        mark_yaml,
        NESTED,
        "```yaml\nitem: kites\ncount: 3\ncustomer:\n  place: Tarvik\n  name: Ida Berg\n```",
        "11",
    ),
    (mark_yaml, NESTED, "customer:\n  name: Ida\n  place: Tarvik\nitem: kites\ncount: 3", "10"),
    (mark_yaml, NESTED, "customer: Ida Berg\nplace: Tarvik\nitem: kites\ncount: 3", "00"),
    (
        mark_yaml,
        NESTED,
        '{"customer": {"name": "Ida Berg", "place": "Tarvik"}, "item": "kites", "count": 3}',
        "00",
    ),
    (mark_yaml, NESTED, "customer: [", "00"),
    (mark_yaml, NESTED, "count: 2024-13-41", "00"),
    (mark_markdown, LIST, "# Tarvik\n\n- kites\n- clocks", "11"),
    (mark_markdown, LIST, "## Tarvik\n* kites\n* clocks\n", "11"),
    (mark_markdown, LIST, "# Tarvik\n\n- kites\n- bells", "10"),
    (mark_markdown, LIST, "# Tarvik\n\n- kites", "00"),
    (mark_markdown, LIST, "# Tarvik\n\n- kites\n- clocks\n\nHave fun!", "00"),
    (mark_markdown, LIST, "Tarvik\n- kites\n- clocks", "00"),
    (mark_markdown, LIST, "", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYour kites arrive on Monday.\n\nYours sincerely,", "11"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYour kites arrive soon.\n\nYours sincerely,", "10"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYour kites won't arrive on Monday.\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYour kites won’t arrive on Monday.\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nKites on Monday? We can't.\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nIt's Monday for Ida Berg's kites.\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nMonday is your kites' day.\n\nYours sincerely,", "11"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Hi Ida Berg, your kites arrive on Monday.\n\nYours sincerely,", "00"),
    (mark_tone, LETTER, "Dear Ida Berg,\n\nYour kites arrive on Monday.\n\nBest wishes", "00"),
]


@pytest.mark.parametrize("task", MADE.values(), ids=MADE)
def test_what_is_wanted_has_full_marks_and_silence_none(task):
    for item in (*task.training, *task.test):
        assert {value.value for value in task.mark(item.target, item).values()} == {1.0}, item
    silent = task.mark("", task.test[0])
    assert {silent[task.form].value, silent[task.content].value} == {0.0}


@pytest.mark.parametrize("task", MADE.values(), ids=MADE)
def test_a_task_has_rows_enough_the_same_ones_each_time_and_none_twice(task):
    assert len(task.training) == max(task.sizes) and task.sizes == tuple(sorted(task.sizes))
    assert len(task.test) >= 20
    texts = [item.text for item in (*task.training, *task.test)]
    assert len(set(texts)) == len(texts)
    again = tasks.TASKS[task.name]()
    assert (again.training, again.test) == (task.training, task.test)


@pytest.mark.parametrize("task", MADE.values(), ids=MADE)
def test_people_and_places_of_test_rows_stand_in_no_training_row(task):
    trained = " ".join(item.text for item in task.training)
    for words in (FIRST_NAMES, LAST_NAMES, PLACES):
        assert [word for word in words["test"] if word in trained] == []
    if task.name == "summary":
        assert not set(FILLERS["training"]) & set(FILLERS["test"])


@pytest.mark.parametrize(("mark", "item", "reply", "wanted"), REPLIES)
def test_a_form_is_marked_valid_and_exact(mark, item, reply, wanted):
    marks = mark(reply, item)
    assert "".join(f"{marks[metric].value:.0f}" for metric in ("valid", "exact")) == wanted


@pytest.mark.parametrize(
    ("reply", "parsed", "right", "right_if_parsed"),
    [
        ("Otter", 1, 1, 1),
        ("That is for otter.", 1, 1, 1),
        ("Heron", 1, 0, 0),
        ("Heron or Otter", 0, 0, None),
        ("Deliveries", 0, 0, None),
    ],
)
def test_a_label_that_cannot_be_read_is_wrong_and_counted_apart(reply, parsed, right, right_if_parsed):
    marks = mark_label(reply, TICKET)
    assert [value.value for value in marks.values()] == [parsed, right, right_if_parsed]


def test_every_six_tickets_go_to_six_teams():
    task = labels_task()
    for rows in (task.training, task.test):
        blocks = [rows[start : start + 6] for start in range(0, len(rows), 6)]
        assert all({item.target for item in block} == set(TEAMS) for block in blocks)
    assert task.chance == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        # 3 May, 900 and May, but 12 slates are not 12 cracks
        ("On 3 May 12 slates for 900 crowns.", [0.75, 1, 1]),
        ("13 May, 12 cracks, 1,900 crowns.", [0.5, 1, 0]),
        (" ".join(["May"] * (LIMIT + 1)), [0.25, 0, 1]),
    ],
)
def test_a_summary_is_marked_by_facts_length_and_new_numbers(reply, wanted):
    assert [value.value for value in mark_summary(reply, REPORT).values()] == wanted


def test_reports_are_long_and_hold_their_facts():
    task = summary_task()
    for item in (*task.training, *task.test):
        assert WORDS[0] <= len(item.text.split()) <= WORDS[1]
        assert mark_summary(item.text, item)["coverage"].value == 1


def test_examples_are_earlier_turns_after_the_same_rules():
    task = json_task()
    one, other = task.training[:2]
    assert messages(task, one, [other]) == [
        Message("system", task.rules),
        Message("user", other.text),
        Message("assistant", other.target),
        Message("user", one.text),
    ]


def test_the_nearest_example_comes_last_and_is_never_the_row_itself():
    task = dataclasses.replace(
        json_task(),
        training=(Item("red kite", "1"), Item("red kite too", "2"), Item("a blue boat", "3")),
        examples=(1, 2),
    )
    [near] = nearest(task, HashingEmbedder(64), task.training[:1])
    assert [item.target for item in near] == ["3", "2"]


def test_a_row_that_is_too_long_is_an_error(tiny_generator):
    with pytest.raises(
        HybridError, match="json: 2 of 2 rows are longer than 40 tokens. Raise tuning.max_row"
    ):
        encoded(json_task(), 2, tiny_generator, TuningSpec(max_row_tokens=40))


@pytest.fixture
def outcome(tiny_weights):
    """The JSON task and the labels, made small and tried on the tiny model."""
    tuning = TuningSpec(max_row_tokens=4096, learning_rate=0.01, warmup_steps=0)
    found = {}
    for name in ("json", "labels"):
        small = dataclasses.replace(
            MADE[name],
            training=MADE[name].training[:8],
            test=MADE[name].test[:3],
            sizes=(2, 4),
            examples=(1, 2),
            most_tokens=4,
            least_seen=8,
        )
        found[name] = tried(small, tiny_weights, HashingEmbedder(64), tuning)
    return found


def test_a_trial_has_every_way_and_compares_them(outcome):
    ways = outcome["json"]["ways"]
    assert list(ways) == [BASE, FEW_SHOT, "tuned on 2", "tuned on 4"]
    assert [ways[f"tuned on {n}"][key] for n in (2, 4) for key in ("passes", "steps")] == [4, 2, 2, 2]
    assert all(way["metrics"]["exact"]["n"] == 3 for way in ways.values())
    assert (
        ways[BASE]["prompt_tokens"] == ways["tuned on 4"]["prompt_tokens"] < ways[FEW_SHOT]["prompt_tokens"]
    )
    saved = ways[FEW_SHOT]["prompt_tokens"] - ways["tuned on 4"]["prompt_tokens"]
    assert outcome["json"]["prompt_tokens_saved"] == pytest.approx(saved, abs=0.1)
    assert outcome["json"]["full_less_half"]["n"] == outcome["json"]["tuned_less_few_shot"]["n"] == 3
    assert ways[FEW_SHOT]["examples"] == 1 and set(ways[FEW_SHOT]["on_training_rows"]) == {1, 2}


def test_tables_show_every_way_with_its_interval(outcome):
    lines = tasks.table(outcome).splitlines()
    assert len(lines) == 2 + 2 * 4
    # None of 3 replies is right: Wilson with Student's t on 2 degrees of freedom.
    assert "| json: valid, exact | few-shot (1) | 0 [0, 86] | 0 [0, 86] | – | 3 |" in lines[3]
    assert lines[6].startswith("| labels: parsed, right, by lot 17 | base | 0 [0, 86] |")
    assert "right if parsed –" in lines[6]
    assert tasks.gains(outcome).splitlines()[2].startswith("| json: exact | +0 [")


def test_tasks_that_were_not_tried_again_are_kept_for_the_same_settings(tmp_path, monkeypatch):
    kept = tmp_path / "tasks.json"
    monkeypatch.setattr(tasks, "RESULTS", kept)
    new = {"model": "m", "tasks": {"yaml": 2}}
    assert tasks.with_earlier(new) == new
    kept.write_text(json.dumps({"model": "m", "tasks": {"yaml": 1, "json": 1}}))
    assert tasks.with_earlier(new) == {"model": "m", "tasks": {"json": 1, "yaml": 2}}
    kept.write_text(json.dumps({"model": "other", "tasks": {"json": 1}}))
    assert tasks.with_earlier(new) == new
