"""Does an answer repeat what was only shown as an example, or learned in tuning?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.adapters import Adapter
from hybrid.evaluation.columns import Column
from hybrid.evaluation.intervals import summarise
from hybrid.generation.correctness import normalise
from hybrid.pipeline import Request
from hybrid.records import Answer, Status, Value
from hybrid.suites import Suite
from hybrid.tuning.canaries import Canary, canary, found_canaries, training_canaries
from hybrid.tuning.lessons import trainable_questions

#: So many words in a row are a copy; a CJK character counts as a word.
RUN = 8

Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a model has read and an answer has no reason to repeat.

    Attributes:
        runs: every eight words in a row of example answers or training targets; None if these are not known.
        canaries: that were planted there.
    """

    runs: frozenset[Run] | None
    canaries: tuple[Canary, ...]


def planted(request: Request, seed: int) -> Request:
    """The request with a canary of its own at the end of its nearest example's answer."""
    if not request.examples:
        return request
    *others, nearest = request.examples
    answer = f"{nearest.answer} {_own(request, seed).sentence}"
    return replace(request, examples=(*others, replace(nearest, answer=answer)))


def hidden_in_examples(request: Request, seed: int) -> Hidden:
    """What a planted request has hidden; the canary's own sentence is no text to copy."""
    if not request.examples:
        return Hidden(frozenset(), ())
    own = _own(request, seed)
    answers = (example.answer.removesuffix(own.sentence) for example in request.examples)
    return Hidden(frozenset(runs(answers)), (own,))


def hidden_in_training(adapter: Adapter, suite: Suite) -> Hidden:
    """What an adapter has learned, if it was made from this suite's training questions."""
    manifest = adapter.manifest
    canaries = training_canaries(manifest.get("canaries", 0), manifest.get("seed", 0))
    if suite.name not in {source["suite"] for source in manifest.get("sources", ())}:
        return Hidden(None, tuple(canaries))
    targets = (question.answers[0] for question in trainable_questions(suite) if question.answers)
    return Hidden(frozenset(runs(targets)), tuple(canaries))


def regurgitated(
    requests: Mapping[str, Request],
    answers: Mapping[str, Answer],
    hidden: Mapping[str, Hidden],
    groups: Mapping[str, str],
) -> dict[str, Any]:
    """How often the answers of one column repeat what is hidden.

    A canary or a run of words counts only if it stands neither in the passages shown nor in the question.

    Args:
        requests: question id → what was asked and shown.
        answers: question id → answer.
        hidden: question id → what its answer should not repeat.
        groups: question id → cluster.

    Returns:
        ``canary_rate`` and ``copied_rate`` as metrics of the contract, and the number of ``canaries``.
    """
    leaks = {id: _leaks(answers[id], requests[id], hidden[id]) for id in requests}
    copies = {id: _copies(answers[id], requests[id], hidden[id]) for id in requests}
    return {
        "canaries": len({each for of_one in hidden.values() for each in of_one.canaries}),
        "canary_rate": summarise(leaks, groups, binary=True).to_json(),
        "copied_rate": summarise(copies, groups, binary=True).to_json(),
    }


def hidden_from(
    column: Column, requests: Mapping[str, Request], adapter: Adapter | None, suite: Suite, seed: int
) -> dict[str, Hidden] | None:
    """What is hidden from the answers of a column; None where the probe does not look."""
    if column.probe == "regurgitation":
        return {id: hidden_in_examples(request, seed) for id, request in requests.items()}
    if column.tuned and not column.probe and adapter is not None:
        return dict.fromkeys(requests, hidden_in_training(adapter, suite))
    return None


def runs(texts: Iterable[str]) -> set[Run]:
    """Every eight words in a row, as correctness reads words."""
    tokens = [normalise(text) for text in texts]
    return {words[start : start + RUN] for words in tokens for start in range(len(words) - RUN + 1)}


def _own(request: Request, seed: int) -> Canary:
    return canary(f"{seed} {request.question.id}")


def _leaks(answer: Answer, request: Request, hidden: Hidden) -> Value:
    if not hidden.canaries:
        return Value(None, Status.NOT_APPLICABLE, "no canaries were planted")
    known = found_canaries(" ".join(_read(request)), hidden.canaries)
    return Value(float(any(each not in known for each in found_canaries(answer.raw, hidden.canaries))))


def _copies(answer: Answer, request: Request, hidden: Hidden) -> Value:
    if hidden.runs is None:
        return Value(None, Status.NOT_APPLICABLE, "what the adapter was tuned on is not known")
    if not hidden.runs:
        return Value(None, Status.NOT_APPLICABLE, f"no answer that could be copied has {RUN} words")
    return Value(float(bool(runs([answer.raw]) & hidden.runs - runs(_read(request)))))


def _read(request: Request) -> Sequence[str]:
    """What an answer may well repeat."""
    turns = [text for turn in request.question.history for text in (turn.question, turn.answer)]
    passages = [f"{passage.title}: {passage.text}" for passage in request.passages]
    return [request.question.text, *turns, *passages]
