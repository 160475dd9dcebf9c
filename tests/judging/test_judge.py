import pytest

from hybrid.judging.judge import BATCH, Judgement, evidence, for_language, judge_all
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Passage, Verdict

SUPPORTED = Judgement(Verdict.SUPPORTED, 1.0)


class Script:
    name, digest, validated, languages = "script", "0", False, frozenset()

    def __init__(self, answer):
        self.answer, self.batches = answer, []

    def verdicts(self, pairs):
        self.batches.append(list(pairs))
        return self.answer(pairs)


def fails_on_b(pairs):
    if any(claim == "b" for claim, _ in pairs):
        raise OSError("no b")
    return [SUPPORTED] * len(pairs)


def test_every_pair_is_judged_once_in_batches():
    judge = Script(lambda pairs: [SUPPORTED] * len(pairs))
    pairs = [(str(n % (BATCH + 1)), "e") for n in range(500)]
    assert set(judge_all(judge, pairs)) == set(pairs)
    assert [len(batch) for batch in judge.batches] == [BATCH, 1]


def test_a_failing_batch_is_asked_pair_by_pair():
    found = judge_all(Script(fails_on_b), [("a", "e"), ("b", "e"), ("c", "e")])
    assert found["a", "e"] == found["c", "e"] == SUPPORTED
    assert found["b", "e"] == Judgement(None, None, "OSError: no b")


def test_a_judge_that_swallows_a_pair_has_failed():
    found = judge_all(Script(lambda pairs: [SUPPORTED] * (len(pairs) - 1)), [("a", "e"), ("b", "e")])
    assert all(
        judgement.failed and "0 judgements for 1 claims" in judgement.error for judgement in found.values()
    )


def test_empty_evidence_verifies_nothing():
    judge = Script(fails_on_b)
    assert judge_all(judge, [("b", " ")]) == {("b", " "): Judgement(Verdict.UNVERIFIABLE, 0.0)}
    assert judge.batches == []


def test_evidence_is_titles_and_texts_in_order():
    first = Passage(id=1, document="d", title="T", text="one", start=0, end=3)
    second = Passage(id=2, document="d", title="", text="two", start=3, end=6)
    assert evidence([second, first]) == "two\nT\none"


EVIDENCE = "The X100 has a warranty of five years. The X200 costs 1,000 euros."


@pytest.mark.parametrize(
    ("claim", "score", "supported"),
    [
        ("X100 warranties: five years", 1.0, True),  # 4 of 4
        ("X100 warranty: five long years", 0.8, True),  # 4 of 5
        ("X100 warranty: five years, thrice renewable", 4 / 6, False),
        ("The X200 costs 1000 euros", 1.0, True),
        ("X100 warranty: two years", 0.75 / 2, False),  # 3 of 4, halved: a number is missing
        # answer 2 of 2; question 2 of 3, times 0.7 / 0.4 is over 1
        ("Q: How long is the X100 warranty? A: five years", 1.0, True),
        # answer 0 of 1
        ("Q: What has the X100 for a warranty? A: eternity", 0.0, False),
        # answer 2 of 2; question 1 of 4, times 0.7 / 0.4
        ("Q: Which discount do regular customers of X100 get? A: five years", 0.2 * 0.7 / 0.4, False),
        # nothing but a polar word: the whole claim, 2 of 3
        ("Q: Has the X100 a lifelong warranty? A: yes", 2 / 3, False),
        ("yes", 0.0, False),
    ],
)
def test_overlap(claim, score, supported):
    (judgement,) = OverlapJudge().verdicts([(claim, EVIDENCE)])
    assert judgement.score == pytest.approx(score)
    assert judgement.verdict is (Verdict.SUPPORTED if supported else Verdict.UNVERIFIABLE)


def test_the_digest_follows_the_threshold():
    assert OverlapJudge().digest == OverlapJudge().digest != OverlapJudge(threshold=0.6).digest
    assert not OverlapJudge().validated


def test_a_judge_judges_in_its_own_languages():
    judge = OverlapJudge()
    assert for_language(judge, "en") is judge
    assert for_language(judge, "zh") is not judge


def test_a_judge_that_names_no_language_judges_in_any():
    judge = Script(fails_on_b)
    assert for_language(judge, "zh") is judge


def test_in_another_language_there_is_no_verdict_and_the_reason_is_said():
    judge, silent = OverlapJudge(threshold=0.6), for_language(OverlapJudge(threshold=0.6), "zh")
    assert (silent.digest, silent.validated) == (judge.digest, False)
    assert silent.name == f"{judge.name}, not validated for zh"
    # The evidence holds the claim word by word, and still nothing is said of it.
    assert judge_all(silent, [("five years", "five years")]) == {
        ("five years", "five years"): Judgement(None, None, "not validated for zh")
    }
    assert len(silent.verdicts([("a", "e"), ("b", "e")])) == 2
