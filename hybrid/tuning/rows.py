"""Training rows: what the model should answer when it is shown the right passages, wrong ones, or none."""

import random
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
        cited: ids of the passages that the answer cites.
        quote: words of a cited passage, taught before the answer; empty for none.
        numbers: under which the passages are offered; empty: 1, 2, …
        wording: of the rules, see :func:`hybrid.generation.prompt.chat`.
        cites: ids of the passages that each sentence cites; empty: each cites all of ``cited``.
    """

    question: Question
    kind: RowKind
    passages: tuple[Passage, ...]
    sentences: tuple[str, ...]
    cited: frozenset[int] = frozenset()
    quote: str = ""
    numbers: tuple[int, ...] = ()
    wording: int = 0
    cites: tuple[frozenset[int], ...] = ()

    @property
    def target(self) -> str:
        """The text to learn: each sentence followed by its markers, perhaps after a quote."""
        cites = self.cites or (self.cited,) * len(self.sentences)
        answer = " ".join(
            f"{sentence} {self._markers(cited)}".strip()
            for sentence, cited in zip(self.sentences, cites, strict=True)
        )
        return with_quote(self.quote, answer) if self.quote else answer

    def shortened(self) -> "TrainingRow | None":
        """The row without one of its uncited passages; None if there is none to spare.

        Which one is drawn, always alike for the same row: without the last ones, what is cited would stand at
        the end more often than elsewhere.
        """
        spare = [place for place, passage in enumerate(self.passages) if passage.id not in self.cited]
        if not spare or len(self.passages) == 1:
            return None
        ids = [passage.id for passage in self.passages]
        drawn = random.Random(f"{self.question.id} {ids}").choice(spare)
        return replace(
            self,
            passages=self.passages[:drawn] + self.passages[drawn + 1 :],
            numbers=self.numbers[:drawn] + self.numbers[drawn + 1 :],
        )

    def ending_with(self, sentence: str) -> "TrainingRow":
        """The row with one more sentence in its answer, which cites all that is cited."""
        cites = (*self.cites, self.cited) if self.cites else ()
        return replace(self, sentences=(*self.sentences, sentence), cites=cites)

    def without_passages(self) -> "TrainingRow":
        """The same answer without passages and so without markers."""
        return replace(
            self, kind="no_context", passages=(), cited=frozenset(), quote="", numbers=(), cites=()
        )

    def _markers(self, cited: frozenset[int]) -> str:
        numbers = self.numbers or range(1, len(self.passages) + 1)
        shown = zip(numbers, self.passages, strict=True)
        return "".join(marker(number) for number in sorted(n for n, passage in shown if passage.id in cited))
