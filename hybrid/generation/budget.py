"""What a vendor's answers may cost, and have cost."""

from dataclasses import dataclass, field

from hybrid.errors import RunStopped
from hybrid.specs import PriceSpec

PER = 1_000_000
"""Prices are for so many tokens."""


def cost(price: PriceSpec, prompt_tokens: float, output_tokens: float) -> float:
    """USD for tokens read and written."""
    return (price.prompt * prompt_tokens + price.output * output_tokens) / PER


@dataclass
class Budget:
    """Money for one call of the command, in USD. Answers that are there already cost nothing.

    Attributes:
        limit: the most that may be spent; None: no limit.
        spent: for the tokens that came back.
        reserved: for requests under way, at most.
    """

    limit: float | None = None
    spent: float = 0.0
    reserved: float = field(default=0.0, repr=False)

    def reserve(self, most: float) -> bool:
        """Sets money aside for a request; False if that could exceed the limit."""
        if self.limit is not None and self.spent + self.reserved + most > self.limit:
            return False
        self.reserved += most
        return True

    def settle(self, most: float, actual: float) -> None:
        """A request has ended: what was set aside for it is free, what it cost is spent."""
        self.reserved -= most
        self.spent += actual

    def exhausted(self) -> RunStopped:
        """The error that ends a run whose next request could exceed the limit."""
        return RunStopped(
            f"Stopped at ${self.spent:.4f} of ${self.limit or 0:.4f}: the next request could exceed it. "
            "What was answered is kept; --resume continues, and counts anew."
        )
