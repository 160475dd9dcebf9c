import pytest

from hybrid.judging.cache import Cached
from hybrid.judging.judge import Judgement, judge_all
from hybrid.judging.overlap import OverlapJudge
from hybrid.records import Verdict

PAIRS = [("five years", "It lasts five years."), ("two years", "It lasts five years.")]


class Counting(OverlapJudge):
    """Remembers what it was asked; fails on claims that hold the word busy."""

    def __init__(self, threshold=0.7):
        super().__init__(threshold)
        object.__setattr__(self, "asked", [])

    __slots__ = ("asked",)

    def verdicts(self, pairs):
        self.asked.extend(pairs)
        found = super().verdicts(pairs)
        return [
            Judgement(None, None, "busy") if "busy" in claim else judgement
            for (claim, _), judgement in zip(pairs, found, strict=True)
        ]


def test_what_was_judged_once_is_not_asked_again():
    judge = Counting()
    first = Cached(judge).verdicts(PAIRS)
    assert first == OverlapJudge().verdicts(PAIRS)
    assert Cached(judge).verdicts([*PAIRS[::-1], ("four", "four")])[:2] == first[::-1]
    assert judge.asked == [*PAIRS, ("four", "four")]


def test_a_judgement_that_failed_is_asked_again():
    judge = Counting()
    for _ in range(2):
        assert Cached(judge).verdicts([("busy", "busy"), PAIRS[0]])[0] == Judgement(None, None, "busy")
    assert judge.asked == [("busy", "busy"), PAIRS[0], ("busy", "busy")]


def test_a_batch_that_raises_keeps_what_came_back_alone():
    class Raising(Counting):
        def verdicts(self, pairs):
            if any("busy" in claim for claim, _ in pairs):
                raise TimeoutError("busy")
            return super().verdicts(pairs)

    judge = Raising()
    for _ in range(2):
        found = judge_all(Cached(judge), [*PAIRS, ("busy", "busy")])
        assert found["busy", "busy"] == Judgement(None, None, "TimeoutError: busy")
        assert found[PAIRS[0]].verdict is Verdict.SUPPORTED
    assert judge.asked == PAIRS


def test_judges_do_not_share_verdicts():
    strict, lax = Counting(1.0), Counting(0.1)
    claim = ("five short years", "five years")
    assert Cached(strict).verdicts([claim])[0].verdict is Verdict.UNVERIFIABLE
    assert Cached(lax).verdicts([claim])[0].verdict is Verdict.SUPPORTED
    assert Cached(strict).digest == strict.digest != lax.digest


def test_the_file_holds_no_text():
    cached = Cached(Counting())
    cached.verdicts(PAIRS)
    content = cached.path.read_bytes()
    assert b"supported" in content
    assert b"years" not in content


@pytest.mark.parametrize("damage", [b"no database" * 99, b""])
def test_a_damaged_file_costs_time_and_no_verdict(damage):
    cached = Cached(Counting())
    cached.verdicts(PAIRS)
    cached.path.write_bytes(damage)
    assert cached.verdicts(PAIRS) == OverlapJudge().verdicts(PAIRS)
    assert len(cached.judge.asked) == 4
