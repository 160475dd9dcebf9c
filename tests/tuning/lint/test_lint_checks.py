"""A clean set of rows has no finding, and a planted defect of each kind is found, alone and by its rows."""

from dataclasses import replace

import pytest

from hybrid.errors import BadRows
from hybrid.progress import Silent
from hybrid.records import Gold, Question
from hybrid.specs import TuningSpec
from hybrid.tuning.canaries import canary
from hybrid.tuning.lint.checks import Against, lint, stop_at_errors
from hybrid.tuning.lint.row import LintRow

SILENT = "I don't know."
TOWNS = "Corrigle Brinmouth Pelham Larchwick Nettlehaven Ostrey Fenwold Tolvane Rookhope Quarlock".split()
GOODS = "lamps ropes anchors barrels lanterns buoys".split()
QUESTIONS = (
    Question("e1", "Who painted the tower of Pelham?", ("Ann",), gold=(Gold("tower.md"),), split="unseen"),
    Question("e2", "How many steps has it?", ("70",), gold=(Gold("both.md"),), split="unseen"),
    Question("e3", "How many doors has it?", ("7",), gold=(Gold("both.md"),), split="seen"),
)
AGAINST = Against(TuningSpec(distractors_only=0.2, no_context_rows=0.1), QUESTIONS)


def clean_rows():
    """60 rows: 42 tell, at every place equally often, 12 show what does not tell, and 6 are general."""
    rows = []
    for place in range(60):
        town, goods = TOWNS[place % 10], GOODS[place // 10]
        texts = [f"{TOWNS[(place + i) % 10]} ships {30 + place + i} {goods} a week." for i in range(3)]
        question = f"How many {goods} does {town} ship in a week?"
        kind, target = "gold", f"{30 + place} {goods} [{place % 3 + 1}]"
        if place % 10 in (7, 8):
            kind, target, texts = "distractors", SILENT, texts[1:] + ["The sea is cold."]
        else:
            texts[0], texts[place % 3] = texts[place % 3], texts[0]
        rows.append(
            LintRow(
                place + 1, question, target, passages=tuple(texts), kind=kind, label_tokens=6, id=f"q{place}"
            )
        )
    general = [replace(rows[i], kind="replay", passages=(), target=SILENT) for i in range(9, 60, 10)]
    return [*(row for row in rows if row.number % 10), *general]


def changed(number, **changes):
    """The clean rows, one of them changed."""
    return [replace(row, **changes) if row.number == number else row for row in clean_rows()]


def row_of(number):
    return next(row for row in clean_rows() if row.number == number)


def all_changed(change, kind="gold"):
    return [replace(row, **change(row)) if row.kind == kind else row for row in clean_rows()]


def target(text):
    return changed(2, target=text), AGAINST, {2}


def another(number, **changes):
    return [*clean_rows(), replace(row_of(number), number=99, **changes)], AGAINST, {99}


def gold_first(row):
    shown = sorted(row.passages, key=lambda text: text != row.passages[min(row.cited) - 1])
    return {"passages": tuple(shown), "target": f"{row.answer} [1]"}


def labelled(row):
    return {"target": "late" if row.number == 11 else "early", "passages": None}


LONG = "The harbour master counted " + "lamps and ropes and barrels and " * 20 + "lamps."

PLANTED = {
    "duplicate": another(2),
    "near-duplicate": another(2, question="how many lamps does Brinmouth ship in the week"),
    "conflict": (*another(2, target="31 ropes [2]")[:2], {2, 99}),
    "evaluation-question": (
        changed(2, question="who painted the tower of Pelham", target=SILENT),
        AGAINST,
        {2},
    ),
    "near-evaluation-question": (
        changed(2, question="Please tell me: who painted the tower of Pelham?", target=SILENT),
        AGAINST,
        {2},
    ),
    "unseen-document": (changed(2, gold=frozenset({"tower.md", "both.md"})), AGAINST, {2}),
    "unseen-shown": (changed(2, shown=frozenset({"tower.md", "both.md"})), AGAINST, {2}),
    "empty-target": target("[2]"),
    "no-labels": (changed(2, label_tokens=0), AGAINST, {2}),
    "not-in-context": target("31 lamps of Marrowick [2]"),
    "refusal-share": (clean_rows(), Against(TuningSpec(distractors_only=0.6), QUESTIONS), set()),
    "gold-position": (all_changed(gold_first), AGAINST, set()),
    "general-share": ([row for row in clean_rows() if row.kind != "replay"], AGAINST, set()),
    "length-outlier": (changed(2, question=f"{LONG} How many lamps does Brinmouth ship?"), AGAINST, {2}),
    "known": (clean_rows(), replace(AGAINST, known={"q1", "q4"}), {2, 5}),
    "label-balance": (all_changed(labelled), AGAINST, set()),
    "template": (
        all_changed(lambda row: {"target": f"According to the port books, {row.target}"}),
        AGAINST,
        {row.number for row in clean_rows() if row.kind == "gold"},
    ),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_defect_is_found_by_its_rule_and_its_rows(rule):
    rows, against, numbers = PLANTED[rule]
    [finding] = lint(rows, against).found
    assert (finding.rule, {row.number for row in finding.rows}) == (rule, numbers)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("31 lamps, [2]", "cut-off-target"),
        ("31 lamps (a [2]", "cut-off-target"),
        ("31 lamps and [2]", "cut-off-target"),
        ("31 lam [2]", "cut-off-target"),
        ("31 lamps (2)", "marker-form"),
        ("31 lamps [ 2 ]", "marker-form"),
        ("31 lamps [2, 3]", "marker-form"),
        ("31 lamps 【2】", "marker-form"),
        ("31 lamps [source 2]", "marker-form"),
        ("31 lamps [4]", "marker-not-offered"),
        ("31  lamps [2]", "whitespace"),
        ("31 lamps [2] ", "whitespace"),
        (" 31 lamps [2]", "whitespace"),
        ("31\u00a0lamps [2]", "whitespace"),
        ("31 lamps\r\n[2]", "whitespace"),
        ("77 lamps [2]", "not-in-context"),
        ("1 lamps [2]", "not-in-context"),
        ('He said "31 lamps are enough" [2]', "not-in-context"),
    ],
)
def test_a_badly_written_target_is_found(text, rule):
    found = lint(changed(2, target=text), AGAINST).found
    assert [finding.rule for finding in found if finding.rows] == [rule]
    assert [row.number for row in found[0].rows] == [2]


def test_a_marker_that_is_not_closed_is_found():
    rules = {finding.rule for finding in lint(changed(2, target="31 lamps [2"), AGAINST).found}
    assert {"marker-form", "cut-off-target"} <= rules


def test_prose_without_an_end_is_cut_off_only_where_other_prose_ends():
    def prose(end):
        return all_changed(
            lambda row: {"target": f"In a week {'and ' * 9}so {row.answer} {end}{row.target[-4:]}"}
        )

    def cut(rows):
        return [row.number for f in lint(rows, AGAINST).found if f.rule == "cut-off-target" for row in f.rows]

    assert cut(prose("")) == []
    assert cut([*prose(".")[1:], prose("")[0]]) == [1]


def rules_of(rows, against=AGAINST):
    return [finding.rule for finding in lint(rows, against).found]


def test_what_memory_says_beside_distractors_is_no_invention():
    from_memory = all_changed(lambda _: {"target": "Berlin"}, kind="distractors")
    against = Against(TuningSpec(distractors_only=0.2, no_context_rows=0.1, absent="from_memory"), QUESTIONS)
    assert rules_of(from_memory, against) == []
    cited = all_changed(lambda _: {"target": "Berlin [1]"}, kind="distractors")
    assert "not-in-context" in rules_of(cited, against)


def test_a_planted_code_is_no_invention():
    planted = [
        replace(row, target=f"{row.target} {canary(row.id).sentence} [{row.number % 3 + 1}]")
        if row.kind == "gold" and row.number % 6 == 1
        else row
        for row in clean_rows()
    ]
    assert planted != clean_rows() and "not-in-context" not in rules_of(planted)


@pytest.mark.parametrize(("before", "after"), [("It is", ""), ("", ", I hope this helps")])
def test_short_templates_and_endings_are_found(before, after):
    rows = all_changed(lambda row: {"target": f"{before} {row.answer}{after} {row.target[-3:]}".strip()})
    [found] = [each for each in lint(rows, AGAINST).found if each.rule == "template"]
    assert ("begin" if before else "end") in found.line


def test_one_label_alone_is_out_of_balance():
    rows = all_changed(lambda _: {"target": "early", "passages": None})
    [found] = [each for each in lint(rows, AGAINST).found if each.rule == "label-balance"]
    assert '100% of the targets are "early", the only label' in found.line


def test_refusals_of_a_mixture_are_wanted_by_the_policy_of_each_part():
    plain = TuningSpec(distractors_only=0.2, no_context_rows=0.0)
    silent = plain.model_copy(update={"distractors_only": 0.8})
    parts = ((300, plain), (100, silent))
    assert Against(plain, parts=parts).refusals == pytest.approx((0.35, 0.35))


def test_clean_rows_have_no_finding():
    assert lint(clean_rows(), AGAINST).found == ()


def test_many_rows_without_labels_are_an_error_and_few_are_not():
    few, many = changed(2, label_tokens=0), all_changed(lambda _: {"label_tokens": 0})
    assert [lint(rows, AGAINST).found[0].level for rows in (few, many)] == ["warning", "error"]


def test_few_absent_facts_are_a_note_and_more_are_a_warning():
    few = [*clean_rows(), *(replace(row, number=row.number + 60) for row in clean_rows())]
    one = [replace(row, target="9 lamps [1]") if row.number == 4 else row for row in few]
    two = changed(4, target="9 lamps [1]")
    levels = [
        [f.level for f in lint(rows, AGAINST).found if f.rule == "not-in-context"] for rows in (one, two)
    ]
    assert levels == [["note"], ["note"]]
    three = [replace(row, target="9 lamps [1]") if row.number in (4, 5) else row for row in clean_rows()]
    assert "warning: not-in-context" in lint(three, AGAINST).of("warning")[0].line


def test_a_space_in_front_of_every_completion_is_how_they_are_written():
    rows = [replace(row, target=f" {row.target}") for row in clean_rows()]
    assert lint(rows, AGAINST).found == ()


def test_refusals_are_wanted_between_two_shares_where_memory_may_answer():
    memory = Against(TuningSpec(distractors_only=0.2, no_context_rows=0.3, no_context="from_memory"))
    assert memory.refusals == (0.2, 0.5)
    assert AGAINST.refusals == pytest.approx((0.3, 0.3))


def test_a_finding_is_one_line_that_names_five_rows_and_how_many_more():
    rows = all_changed(lambda _: {"target": "[1]"})
    line = lint(rows, AGAINST).found[0].line
    assert line == (
        "error: empty-target: rows 1 (q0), 2 (q1), 3 (q2), 4 (q3), 5 (q4) and 37 more: the target is empty. "
        "Remove them, or write an answer."
    )


def test_errors_stop_and_warnings_are_shown():
    class Watch(Silent):
        def say(self, line):
            lines.append(line)

    lines: list[str] = []
    stop_at_errors(lint(changed(2, target="31  lamps [2]"), AGAINST), Watch())
    assert len(lines) == 1 and lines[0].startswith("warning: whitespace: row 2 (q1): ")
    with pytest.raises(BadRows, match="empty-target.*--set tuning.lint=false"):
        stop_at_errors(lint(changed(2, target=""), AGAINST), Watch())
    stop_at_errors(lint(clean_rows(), replace(AGAINST, known={"q1"})), Watch())
    assert len(lines) == 2


def test_brackets_are_no_markers_where_no_passages_are_known():
    rows = all_changed(lambda row: {"passages": None, "target": f"[{row.number}, 2]"})
    assert lint(rows, AGAINST).found == ()
    assert lint(changed(2, passages=None, target="[3]"), AGAINST).found == ()
