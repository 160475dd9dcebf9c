"""Citation recall and precision of one answer, as ALCE defines them.

Source: Gao et al., Enabling Large Language Models to Generate Text with Citations (2305.14627), section 3.
"""

from collections.abc import Iterator, Mapping, Sequence

from hybrid.judging.judge import Judgement, Pair, evidence
from hybrid.records import Passage, Statement, Status, Value

Passages = Mapping[int, Passage]
Judgements = Mapping[Pair, Judgement]


def citation_pairs(statements: Sequence[Statement], passages: Passages) -> Iterator[Pair]:
    """What must be judged: each statement by all passages it cites, by each alone, and by the others."""
    for statement in statements:
        if statement.cited:
            yield _pair(statement, statement.cited, passages)
        if len(statement.cited) > 1:
            for cited in statement.cited:
                yield _pair(statement, (cited,), passages)
                yield _pair(statement, _without(statement, cited), passages)


def citation_recall(statements: Sequence[Statement], passages: Passages, judgements: Judgements) -> Value:
    """Statements that the passages cited for them support together ÷ statements (the value's weight)."""
    if not statements:
        return Value(None, Status.NOT_APPLICABLE, "the answer makes no statement")
    failure = _failure(statements, passages, judgements)
    if failure:
        return failure
    supported = sum(_supported(statement, statement.cited, passages, judgements) for statement in statements)
    return Value(supported / len(statements), weight=len(statements))


def citation_precision(statements: Sequence[Statement], passages: Passages, judgements: Judgements) -> Value:
    """Citations that are needed or suffice ÷ citations (the value's weight).

    A citation is good if its passage supports the statement by itself, or if all cited passages support it
    together and the others without this one do not.
    """
    citations = [(statement, cited) for statement in statements for cited in statement.cited]
    if not citations:
        return Value(None, Status.NOT_APPLICABLE, "the answer cites nothing")
    failure = _failure(statements, passages, judgements)
    if failure:
        return failure
    good = sum(_is_good(statement, cited, passages, judgements) for statement, cited in citations)
    return Value(good / len(citations), weight=len(citations))


def _is_good(statement: Statement, cited: int, passages: Passages, judgements: Judgements) -> bool:
    if _supported(statement, (cited,), passages, judgements):
        return True
    others = _without(statement, cited)
    together = _supported(statement, statement.cited, passages, judgements)
    return together and not _supported(statement, others, passages, judgements)


def _supported(
    statement: Statement, cited: tuple[int, ...], passages: Passages, judgements: Judgements
) -> bool:
    return bool(cited) and judgements[_pair(statement, cited, passages)].supported


def _failure(statements: Sequence[Statement], passages: Passages, judgements: Judgements) -> Value | None:
    for pair in citation_pairs(statements, passages):
        if judgements[pair].failed:
            return Value(None, Status.JUDGE_ERROR, judgements[pair].error)
    return None


def _pair(statement: Statement, cited: tuple[int, ...], passages: Passages) -> Pair:
    return statement.claim, evidence(passages[each] for each in cited)


def _without(statement: Statement, cited: int) -> tuple[int, ...]:
    return tuple(other for other in statement.cited if other != cited)
