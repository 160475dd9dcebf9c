"""What the outputs of a classifier say of a claim."""

import math
import re
from collections.abc import Iterable, Sequence

from hybrid.errors import JudgeUnusable
from hybrid.judging.judge import Judgement
from hybrid.records import Verdict

#: A probability from which a label holds.
THRESHOLD = 0.5

Labels = tuple[Verdict, ...]
"""What each output of a model stands for, in order."""

_WORDS = {
    Verdict.SUPPORTED: """
        entailment entails entailed entail supported supports support consistent faithful factual grounded
    """,
    Verdict.CONTRADICTED: "contradiction contradicts contradicted contradictory contradict refutes refuted",
    Verdict.UNVERIFIABLE: """
        neutral notentailment notentailed notentail unverifiable notenoughinfo nei unsupported notsupported
        inconsistent notconsistent unfaithful hallucination hallucinated notfactual nonfactual ungrounded
    """,
}
_MEANINGS = {word: verdict for verdict, words in _WORDS.items() for word in words.split()}


def read_labels(told: Sequence[str], name: str) -> Labels:
    """What each output of a classifier stands for, by the names that its ``config.json`` gives them.

    A single output is the logit of "supported". Of two without a meaning (``LABEL_0``, ``LABEL_1``) it is the
    second, as is usual in models that score consistency.

    Raises:
        JudgeUnusable: the labels are not those of a judge.
    """
    if len(told) == 1:
        return (Verdict.SUPPORTED,)
    if list(told) == ["LABEL_0", "LABEL_1"]:
        return (Verdict.UNVERIFIABLE, Verdict.SUPPORTED)
    known = tuple(verdict for label in told if (verdict := _MEANINGS.get(_bare(label))) is not None)
    if len(known) < len(told) or known.count(Verdict.SUPPORTED) != 1:
        raise JudgeUnusable(
            f"{name} is no judge of statements: its labels are {', '.join(told)}; needed are entailment, "
            "neutral and contradiction, or two such as supported and unsupported."
        )
    return known


def probabilities(logits: Sequence[float], labels: Labels) -> dict[Verdict, float]:
    """The probability of each verdict: softmax over the outputs, for a single one the logistic function."""
    if len(logits) == 1:
        return {labels[0]: 1 / (1 + math.exp(-max(-700.0, logits[0])))}
    most = max(logits)
    weights = [math.exp(logit - most) for logit in logits]
    return {
        verdict: sum(weight for weight, label in zip(weights, labels, strict=True) if label is verdict)
        / sum(weights)
        for verdict in dict.fromkeys(labels)
    }


def judgement(windows: Iterable[dict[Verdict, float]]) -> Judgement:
    """The judgement of a claim from what each window of its evidence says; the score is the best one's.

    A claim is supported if some window supports it, and contradicted only if none does and some window
    contradicts it.
    """
    found = list(windows)
    score, against = (
        max(window.get(verdict, 0.0) for window in found)
        for verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED)
    )
    if not math.isfinite(score):
        return Judgement(None, None, f"the model gave {score}")
    if score >= THRESHOLD:
        return Judgement(Verdict.SUPPORTED, score)
    return Judgement(Verdict.CONTRADICTED if against >= THRESHOLD else Verdict.UNVERIFIABLE, score)


def _bare(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())
