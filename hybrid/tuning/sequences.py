"""Rows that begin alike, as one sequence: what they share is read once, each goes on by itself after it.

Questions about the same passages share most of their prompt. A mask lets each row see the shared beginning
and itself, and positions count on from there: logits, loss and gradients are those of the rows one by one.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from hybrid.tuning.encoding import IGNORED, EncodedRow

STRETCH = 16
"""Batches among which sequences of like length are looked for."""


@dataclass(frozen=True, slots=True)
class RowSequence:
    """Rows that share their first tokens.

    Attributes:
        rows: at least one.
        shared: how many tokens all of them begin with; 0 of a single row.
    """

    rows: tuple[EncodedRow, ...]
    shared: int = 0

    @property
    def ids(self) -> list[int]:
        """The shared beginning, then the rest of each row."""
        return [*self.rows[0].ids[: self.shared], *(i for row in self.rows for i in row.ids[self.shared :])]

    @property
    def labels(self) -> list[int]:
        """As the ids; there are none in the shared beginning."""
        own = (label for row in self.rows for label in row.labels[self.shared :])
        return [*[IGNORED] * self.shared, *own]

    @property
    def positions(self) -> list[int]:
        """The place of each token in its own row."""
        own = (place for row in self.rows for place in range(self.shared, len(row.ids)))
        return [*range(self.shared), *own]

    @property
    def owners(self) -> list[int]:
        """Which row a token belongs to, from 1 on; 0 is the shared beginning."""
        own = (i for i, row in enumerate(self.rows, 1) for _ in row.ids[self.shared :])
        return [*[0] * self.shared, *own]

    def __len__(self) -> int:
        return self.shared + sum(len(row.ids) - self.shared for row in self.rows)


def share_beginnings(rows: Sequence[EncodedRow], max_tokens: int) -> list[RowSequence]:
    """Puts neighbouring rows into one sequence while they share at least half of the shorter one.

    Args:
        rows: in their order; those with the same passages stand side by side.
        max_tokens: of a sequence of several rows.
    """
    sequences: list[RowSequence] = []
    for row in rows:
        joined = _joined(sequences[-1], row) if sequences else None
        if joined is not None and len(joined) <= max_tokens:
            sequences[-1] = joined
        else:
            sequences.append(RowSequence((row,)))
    return sequences


def _joined(sequence: RowSequence, row: EncodedRow) -> RowSequence | None:
    first = sequence.rows[0]
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first.ids, row.ids, strict=False))
    # The last token of a prompt predicts the first of the answer, so it is never shared.
    limit = min(each.prompt_tokens for each in (*sequence.rows, row)) - 1
    shared = min(sum(1 for _ in alike), limit, sequence.shared or limit)
    if shared < min(len(first.ids), len(row.ids)) / 2:
        return None
    return RowSequence((*sequence.rows, row), shared)


def plan_steps(sequences: Sequence[RowSequence], batch_tokens: int, seed: int) -> list[list[RowSequence]]:
    """The batches of a training, in the order of the steps.

    Sequences are shuffled; then those of like length nearby stand together, so that a batch pads little.

    Args:
        sequences: what to learn.
        batch_tokens: padded tokens of a batch; a longer sequence is one by itself.
        seed: of the order.
    """
    chooser = random.Random(seed)
    shuffled = chooser.sample(list(sequences), len(sequences))
    steps: list[list[RowSequence]] = []
    rest: list[RowSequence] = []
    while shuffled or rest:
        longest = max(map(len, shuffled), default=1)
        stretch = rest + shuffled[: STRETCH * max(1, batch_tokens // longest)]
        shuffled = shuffled[len(stretch) - len(rest) :]
        batches = _batches(sorted(stretch, key=len), batch_tokens)
        # The last batch of a stretch may be small; what is in it waits for the next stretch.
        rest = batches.pop() if shuffled and len(batches) > 1 else []
        chooser.shuffle(batches)
        steps += batches
    return steps


def _batches(ordered: Sequence[RowSequence], batch_tokens: int) -> list[list[RowSequence]]:
    batches: list[list[RowSequence]] = []
    for sequence in ordered:
        if batches and len(sequence) * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(sequence)
        else:
            batches.append([sequence])
    return batches


def tensors(batch: Sequence[RowSequence]) -> dict[str, Any]:
    """A batch as the model takes it, padded at the end.

    Returns:
        ``input_ids``, ``labels`` and ``position_ids`` of shape [sequences, tokens]; ``attention_mask`` of the
        same shape, or [sequences, 1, tokens, tokens] where rows share a beginning: true where one is seen.
    """
    width = max(map(len, batch))
    padded = {
        "input_ids": [_pad(sequence.ids, width, 0) for sequence in batch],
        "labels": [_pad(sequence.labels, width, IGNORED) for sequence in batch],
        "position_ids": [_pad(sequence.positions, width, 0) for sequence in batch],
    }
    owners = torch.tensor([_pad(sequence.owners, width, -1) for sequence in batch])
    mask = _tree_mask(owners) if any(sequence.shared for sequence in batch) else (owners >= 0).long()
    return {name: torch.tensor(rows) for name, rows in padded.items()} | {"attention_mask": mask}


def _tree_mask(owners: torch.Tensor) -> torch.Tensor:
    """What each token sees: the shared beginning and its own row, up to itself; padding sees itself."""
    same = owners[:, :, None] == owners[:, None, :]
    shared = (owners == 0)[:, None, :] & (owners >= 0)[:, :, None]
    earlier = torch.ones(owners.shape[1], owners.shape[1], dtype=torch.bool).tril()
    return ((same | shared) & earlier)[:, None]


def _pad(values: list[int], width: int, filler: int) -> list[int]:
    return values + [filler] * (width - len(values))
