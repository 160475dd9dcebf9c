"""Another number, date or time, put by its value into every way of writing it, in the same format."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybrid.cjk import CJK
from hybrid.generation.correctness import NUMBER_WORDS, values

MONTHS = tuple(
    "January February March April May June July August September October November December".split()
)
YEARS = range(1500, 2101)
_ORDINAL = r"(?!(?:st|nd|rd|th)\b)"
_TOKEN = re.compile(
    r"(?P<iso>(?<!\d)\d{4}-\d{2}-\d{2}(?!\d))"
    r"|(?P<clock>(?<![\d:])\d{1,2}:\d{2}(?![\d:]))"
    rf"|(?P<month>(?<!\w)(?-i:{'|'.join(MONTHS)}|{'|'.join(month[:3] for month in MONTHS)})(?!\w))"
    rf"|(?<=[^\W\d_{CJK}])-?(?P<code>\d+)"
    rf"|(?P<digits>(?<!\d[.,])(?<!\d)\d+(?:,\d{{3}})*(?:\.\d+)?(?!\d){_ORDINAL})"
    rf"|(?P<word>\b(?:{'|'.join(NUMBER_WORDS)})\b)",
    re.IGNORECASE,
)
_SPELLED = {int(value): word for word, value in NUMBER_WORDS.items()}


@dataclass(frozen=True, slots=True)
class Token:
    """A number, a date or a part of one, by what it means: "1,000" and "1000" are one token."""

    kind: str
    value: str


Renaming = Mapping[Token, Token]
"""Which tokens become which."""


def renamed(text: str, renaming: Renaming) -> str:
    """A text with tokens renamed, each written as the one that it stands for."""

    def put(found: re.Match[str]) -> str:
        old = _token(found)
        surface = str(found[str(found.lastgroup)])
        new = renaming.get(old)
        return found[0] if new is None else found[0].removesuffix(surface) + _written(new, surface)

    return _TOKEN.sub(put, text)


def renamings(reference: str, others: Sequence[str], rng: random.Random) -> Iterator[Renaming]:
    """Ways to make another answer of a reference, without end; none if it holds no number, or several.

    Of a date day and month change, and the year stays; of a time the hour changes.

    Args:
        reference: as it stands in a passage.
        others: other ways of writing it; where one spells a number, so can its substitute be.
        rng: draws.
    """
    found = _tokens(reference)
    spelled = {
        _token(match) for text in (reference, *others) for match in _TOKEN.finditer(text) if match["word"]
    }
    date = {token: surface for token, surface in found.items() if _in_date(token, found)}
    while date or len(found) == 1:
        renaming = (
            _another_date(date, rng)
            if date
            else {
                token: _another(token, surface, reference, token in spelled, rng)
                for token, surface in found.items()
            }
        )
        if any(old != new for old, new in renaming.items()):
            yield renaming


def counted_by_one(reference: str) -> bool:
    """Whether it is one of something: with another number its noun would have to change."""
    return {token.value for token in _tokens(reference)} == {"1"} and len(values(reference)) > 1


def has_numbers(reference: str) -> bool:
    """Whether a reference holds a number, a date or a code."""
    return bool(_tokens(reference))


def _tokens(reference: str) -> dict[Token, str]:
    """The tokens of a reference as they are written; a month beside capitals, "Odo March", is a name."""
    found = {_token(match): str(match[str(match.lastgroup)]) for match in _TOKEN.finditer(reference)}
    if {token.kind for token in found} == {"month"}:
        capitals = [word for word in re.findall(r"\w+", reference) if word[0].isupper()]
        return found if len(capitals) == len(found) else {}
    return found


def _token(found: re.Match[str]) -> Token:
    kind, surface = str(found.lastgroup), str(found[str(found.lastgroup)])
    if kind == "month":
        return Token(kind, surface[:3].lower())
    if kind in ("digits", "word"):
        return Token("number", values(surface)[0])
    return Token(kind, surface)


def _in_date(token: Token, beside: Iterable[Token]) -> bool:
    if token.kind == "number":
        months = any(each.kind == "month" for each in beside)
        return months and token.value.isdecimal() and 1 <= int(token.value) <= 31
    return token.kind in ("month", "iso", "clock")


def _another_date(date: Mapping[Token, str], rng: random.Random) -> Renaming:
    """Other days in the same order, and for the rest what is drawn."""
    days = sorted((token for token in date if token.kind == "number"), key=lambda day: int(day.value))
    drawn = [Token("number", str(day)) for day in sorted(rng.sample(range(2, 29), len(days)))]
    rest = {token: _part(token, surface, rng) for token, surface in date.items() if token not in days}
    return rest | dict(zip(days, drawn, strict=True))


def _part(token: Token, surface: str, rng: random.Random) -> Token:
    if token.kind == "month":
        return Token("month", rng.choice(MONTHS)[:3].lower())
    if token.kind == "iso":
        return Token("iso", f"{surface[:5]}{rng.randint(1, 12):02}-{rng.randint(1, 28):02}")
    hour, _, minutes = surface.partition(":")
    return Token("clock", f"{rng.randint(10, 20) if len(hour) > 1 else rng.randint(1, 9)}:{minutes}")


def _another(token: Token, surface: str, reference: str, spelled: bool, rng: random.Random) -> Token:
    if token.kind == "code":
        return Token("code", "".join(str(rng.randint(i == 0, 9)) for i in range(len(surface))))
    return Token("number", _number(surface, reference, spelled, rng))


def _number(surface: str, reference: str, spelled: bool, rng: random.Random) -> str:
    """Another value that can be written in the same format and is of the same order and roundness."""
    whole, _, decimals = values(surface)[0].partition(".") if spelled else _split(surface)
    n = int(whole + decimals)
    if spelled:
        return str(rng.choice([each for each in _SPELLED if _order(each) == _order(n)]))
    if "," not in surface and surface == reference and not decimals and n in YEARS:
        return str(n + rng.choice((-1, 1)) * rng.randint(2, 15))
    cap = 100 * 10 ** len(decimals) if re.search("%|per ?cent", reference) else None
    digits = str(rng.choice(_near(n, cap))).zfill(len(decimals) + 1)
    point = len(digits) - len(decimals)
    return values(f"{digits[:point]}.{digits[point:]}")[0] if decimals else digits


def _split(surface: str) -> tuple[str, str, str]:
    return surface.replace(",", "").partition(".")


def _order(n: int) -> int:
    """Spelled numbers stand for each other among 2 to 9, 10 to 20, and the tens above; never for 0 or 1."""
    return 0 if n < 2 else 1 if n < 10 else 2 if n <= 20 else 3


def _near(n: int, cap: int | None) -> list[int]:
    if n < 10:
        return [each for each in range(2, 10) if each != n]
    step = 10 ** (len(str(n)) - len(str(n).rstrip("0")))
    low, high = max(n // 2, 10 ** (len(str(n)) - 1)), min(2 * n, 10 ** len(str(n)) - 1)
    high = min(high, cap) if cap and n <= cap else high
    round_ones = [each for each in range(-(-low // step) * step, high + 1, step) if each != n]
    if len(round_ones) > 2:
        return round_ones
    return [each for each in range(low, high + 1) if each != n] or list(range(n // 2, n))


def _written(token: Token, like: str) -> str:
    """A token in the format of another."""
    if token.kind == "month":
        full = next(month for month in MONTHS if month[:3].lower() == token.value)
        return _cased(full if len(like) > 3 or like.lower() == "may" else full[:3], like)
    if token.kind != "number":
        return token.value
    if not like[0].isdecimal():
        return _cased(_SPELLED[int(token.value)], like)
    whole, _, decimals = token.value.partition(".")
    places = len(like.partition(".")[2])
    width = len(like.partition(".")[0]) if like[0] == "0" else 0
    number = f"{int(whole):,}" if "," in like else whole.zfill(width)
    return f"{number}.{decimals.ljust(places, '0')}" if places else number


def _cased(word: str, like: str) -> str:
    return word.capitalize() if like[0].isupper() else word.lower()
