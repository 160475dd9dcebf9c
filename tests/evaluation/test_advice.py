from hybrid.evaluation.advice import advise, silent_columns, unjudged
from hybrid.records import Status, Value

NONE = Value(None, Status.NOT_APPLICABLE, "not asked here")


def column(*answers):
    """One column: right, silent, wrong (all judged supported), and two words for unanswerable questions."""
    metrics = {"score": {}, "correct": {}, "answer_rate": {}, "abstention_recall": {}, "false_abstention": {}}
    for i, answer in enumerate(answers):
        unanswerable = answer in ("met with silence", "invented")
        silent = answer in ("silent", "met with silence")
        good = answer in ("right", "met with silence")
        row = {
            "score": Value(float(good)),
            "correct": NONE if unanswerable else Value(float(good)),
            "answer_rate": Value(float(not silent)),
            "abstention_recall": Value(float(silent)) if unanswerable else NONE,
            "false_abstention": NONE if unanswerable else Value(float(silent)),
        }
        for name, value in row.items():
            metrics[name][f"q{i}"] = value
    return metrics


def test_a_score_without_a_judge():
    table = {"base": column("right", "silent", "wrong", "met with silence", "invented")}
    counted = unjudged(table, 0.5)["base"]["score"]
    assert [value.value for value in counted.values()] == [1.0, 0.0, -0.5, 1.0, -0.5]
    forgiven = unjudged(table, 0.0)["base"]["score"]
    assert [value.value for value in forgiven.values()] == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_more_than_half_of_the_answerable_questions():
    table = {
        "base": column("silent", "silent", "right"),
        "tuned": column("silent", "right", "met with silence"),
    }
    assert silent_columns(table) == ["base"]


def advice(judge_validated):
    """The judge passes the tuned model's inventions: its score is that of the right answers alone."""
    base = column(*["right"] * 20, *["wrong"] * 80)
    tuned = column(*["right"] * 20, *["wrong"] * 80)
    base["score"] = {q: Value(2 * v.value - 1) for q, v in base["score"].items()}
    splits = dict.fromkeys(base["score"], "unseen")
    table = {"base": base, "tuned": tuned}
    return advise(table, {}, splits, worth_it=0.05, judge_validated=judge_validated)


def test_a_gain_that_only_the_judge_sees_is_no_choice():
    assert advice(judge_validated=True)["choice"] == "tune"
    found = advice(judge_validated=False)
    assert (found["choice"], found["by_score"]) == ("undecided", "tune")
    assert set(found["without_judge"].values()) == {"prompt only"}


def test_the_headline_names_the_splits():
    found = advice(judge_validated=True)
    assert found["headline_split"] == "unseen"
