"""Training rows: what the model should answer when it is shown the right passages, wrong ones, or none."""

from dataclasses import dataclass, replace
from typing import Literal

from hybrid.generation.citations import marker
from hybrid.generation.reason import with_quote
from hybrid.records import Passage, Question

RowKind = Literal["gold", "distractors", "no_context"]


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One example to learn: a question, the passages shown with it, and the answer wanted.

    Attributes:
        question: what is asked.
        kind: whether the passages tell, do not tell, or are none.
        passages: in the order in which they are shown.
        sentences: the answer wanted, a sentence (or a short answer) each, without markers.
        cited: ids of the passages that tell.
        cited_by: those that each sentence cites; empty: every sentence cites all that tell.
        quote: words of a cited passage, taught before the answer; empty for none.
        numbers: under which the passages are offered; empty: 1, 2, …
        wording: of the rules, see :func:`hybrid.generation.prompt.chat`.
    """

    question: Question
    kind: RowKind
    passages: tuple[Passage, ...]
    sentences: tuple[str, ...]
    cited: frozenset[int] = frozenset()
    cited_by: tuple[frozenset[int], ...] = ()
    quote: str = ""
    numbers: tuple[int, ...] = ()
    wording: int = 0

    @property
    def target(self) -> str:
        """The text to learn: each sentence followed by its markers, perhaps after a quote."""
        each = self.cited_by or (self.cited,) * len(self.sentences)
        answer = " ".join(
            f"{sentence} {self._markers(cited)}".strip()
            for sentence, cited in zip(self.sentences, each, strict=True)
        )
        return with_quote(self.quote, answer) if self.quote else answer

    def _markers(self, cited: frozenset[int]) -> str:
        numbers = self.numbers or range(1, len(self.passages) + 1)
        shown = zip(numbers, self.passages, strict=True)
        return "".join(
            marker(number)
            for number, passage in sorted(shown, key=lambda pair: pair[0])
            if passage.id in cited
        )

    def shortened(self) -> "TrainingRow | None":
        """The row without its last uncited passage; None if there is none to spare."""
        spare = [place for place, passage in enumerate(self.passages) if passage.id not in self.cited]
        if not spare or len(self.passages) == 1:
            return None
        last = spare[-1]
        return replace(
            self,
            passages=self.passages[:last] + self.passages[last + 1 :],
            numbers=self.numbers[:last] + self.numbers[last + 1 :],
        )

    def without_passages(self) -> "TrainingRow":
        """The same answer without passages and so without markers."""
        return replace(
            self, kind="no_context", passages=(), cited=frozenset(), cited_by=(), quote="", numbers=()
        )
