"""Bits that a model needs for a text: Σ −log2 p of its tokens, in windows that overlap.

Divided by the UTF-8 bytes of the text it is comparable between tokenizers (bits per byte: Gao et al., The
Pile, 2101.00027, section 3.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid.generation.generator import Generator

WIDTH = 1024
STRIDE = 512


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of token positions that the model reads at once.

    Attributes:
        start: the first that it reads.
        scored: the first that counts here; those before it are context.
        end: the one after the last.
    """

    start: int
    scored: int
    end: int


def windows(length: int, *, width: int = WIDTH, stride: int = STRIDE) -> Iterator[Window]:
    """Windows in which every position after the first is scored exactly once.

    Each moves on by ``stride``, so that all but the first have ``width − stride`` positions of context.
    """
    scored = 1
    for start in range(0, length, stride):
        end = min(start + width, length)
        if scored < end:
            yield Window(start, scored, end)
            scored = end


def bits(
    generator: "Generator", text: str, *, tuned: bool, width: int = WIDTH, stride: int = STRIDE
) -> float:
    """Bits that the base or the tuned model needs for a text, from the token that starts one."""
    ids = [generator.encoder.start_id, *generator.encoder.text(text)]
    width = min(width, generator.context)
    found = 0.0
    for window in windows(len(ids), width=width, stride=min(stride, width - 1)):
        read = generator.surprisals(ids[window.start : window.end], tuned=tuned)
        found += sum(read[window.scored - window.end :])
    return found
