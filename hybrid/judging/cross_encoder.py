"""A small encoder that reads claim and evidence together and says what is supported, as a whole and by word.

The evidence comes in windows. A claim is scored twice: by the window that supports it best, and by its least
supported word, each word taking its support from whichever window gives most. The second score sees what one
window cannot: a claim of which one part stands here, another there, and a third nowhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hybrid.judging.windows import windows

#: Word pieces of a claim, and of a whole input.
CLAIM_PIECES, INPUT_PIECES = 96, 256


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """A claim and the windows of its evidence as token ids.

    Attributes:
        inputs: one list of ids a window: [CLS] claim [SEP] window [SEP].
        claim: number of pieces of the claim, the same in all windows.
    """

    inputs: tuple[tuple[int, ...], ...]
    claim: int

    @property
    def size(self) -> int:
        """Token ids of all windows."""
        return sum(map(len, self.inputs))


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of a batch of pairs.

    Attributes:
        whole: of the window that supports a claim best, shape [pairs].
        window: the same for each window, shape [windows].
        words: of each piece of each claim, the best over the windows, shape [pairs, longest claim].
        mask: where ``words`` holds a piece.
        least: a soft minimum of ``words``, shape [pairs].
    """

    whole: Tensor
    window: Tensor
    words: Tensor
    mask: Tensor
    least: Tensor


class CrossEncoder(nn.Module):
    """An encoder with two heads.

    Args:
        encoder: a BERT-like model that gives hidden states.
        hidden: their size.
    """

    def __init__(self, encoder: Any, hidden: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.whole = nn.Linear(2 * hidden, 1)
        self.word = nn.Linear(hidden, 1)

    def forward(self, pairs: Sequence[EncodedPair], pad: int) -> Scores:
        """Scores pairs."""
        inputs = [ids for pair in pairs for ids in pair.inputs]
        owner = torch.tensor([row for row, pair in enumerate(pairs) for _ in pair.inputs])
        ids = nn.utils.rnn.pad_sequence(
            [torch.tensor(each) for each in inputs], batch_first=True, padding_value=pad
        )
        lengths = torch.tensor([len(each) for each in inputs])
        claims = torch.tensor([pair.claim for pair in pairs])
        place = torch.arange(ids.shape[1])
        mask = place < lengths[:, None]
        segment = ((place > claims[owner, None] + 1) & mask).long()
        hidden = self.encoder(
            input_ids=ids, attention_mask=mask.long(), token_type_ids=segment
        ).last_hidden_state
        mean = (hidden * mask[..., None]).sum(1) / lengths[:, None]
        window = self.whole(torch.cat([hidden[:, 0], mean], dim=1)).squeeze(1)
        longest = int(claims.max())
        words = self.word(hidden[:, 1 : longest + 1]).squeeze(2)
        held = torch.arange(longest) < claims[:, None]
        best = words.new_full((len(pairs), longest), -1e4).scatter_reduce(
            0, owner[:, None].expand(-1, longest), words, "amax"
        )
        whole = window.new_full((len(pairs),), -1e4).scatter_reduce(0, owner, window, "amax")
        least = -torch.logsumexp((-best).masked_fill(~held, -1e4), dim=1)
        return Scores(whole, window, best, held, least)


class PairEncoder:
    """Turns texts into what :class:`CrossEncoder` reads.

    Args:
        tokenizer: a fast tokenizer of the encoder.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._first, self._between = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.pad = int(tokenizer.pad_token_id)

    def encode(self, claim: str, evidence: str) -> EncodedPair:
        """One pair; a longer claim or sentence is cut."""
        said = self._ids([claim])[0][:CLAIM_PIECES]
        held = self._ids(windows(evidence, self._count) or [""])
        room = INPUT_PIECES - len(said) - 3
        inputs = tuple((self._first, *said, self._between, *ids[:room], self._between) for ids in held)
        return EncodedPair(inputs, len(said))

    def pieces(self, claim: str) -> list[tuple[int, int]]:
        """Start and end in the claim of each of its pieces."""
        found = self._tokenizer(claim, add_special_tokens=False, return_offsets_mapping=True)
        return [tuple(span) for span in found["offset_mapping"][:CLAIM_PIECES]]

    def _count(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        found: list[list[int]] = self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return found


def batches(pairs: Sequence[EncodedPair], order: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Row numbers in the given order, cut where a batch would hold more than ``budget`` token ids."""
    batch: list[int] = []
    size = 0
    for row in order:
        if batch and size + pairs[row].size > budget:
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += pairs[row].size
    if batch:
        yield batch
