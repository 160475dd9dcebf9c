"""Is an answer right? Token measures of SQuAD, and the 0/1 figure ``correct`` of this project."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from hybrid.cjk import CJK
from hybrid.generation.abstention import abstains
from hybrid.generation.citations import find_markers, strip_markers
from hybrid.records import Question

#: An answer whose token F1 with a reference reaches this is correct.
F1_CORRECT = 0.6

#: A reference of at most so many CJK characters has to occur as it is.
SHORT_CJK = 8

#: The words that decide a yes/no question.
POLAR = frozenset({"yes", "no", "maybe"})
_CHINESE_POLAR = re.compile("(?P<no>不|没(?!错)|无需|否)|没错|是|可以|(?<!可)能|需要|会|有|要|对(?!于|不起)")
_ARTICLES = frozenset({"a", "an", "the"})
_CJK_CHARACTER = re.compile(f"([{CJK}])")
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
)
NUMBER_WORDS = {
    word: value for value, word in enumerate(f"{_UNITS} seventeen eighteen nineteen twenty".split())
}
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS |= {word: 10 * tens for tens, word in enumerate(_TENS, start=2)}
_HAN_DIGITS = {sign: i for i, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_HAN_NUMBER = re.compile(f"[{''.join(_HAN_DIGITS)}{''.join(_HAN_UNITS)}]+")
_COMPOUND = re.compile(rf"\b({'|'.join(_TENS)})[- ](one|two|three|four|five|six|seven|eight|nine)\b")
_NUMBER = re.compile(
    r"(?<![\w.])(?:(?<![)\]])[-−])?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)(?![\w]|[.,][0-9])"
)
_JOINERS = re.compile(r"[-‐-―−/]")
_LIST = re.compile(r",?\s+and\s+|,\s+|[、，]")


class _Punctuation(dict[int, int | None]):
    """A table for ``str.translate`` that drops punctuation, filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        # ASCII signs such as "$" and "+" are symbols for Unicode, but punctuation for SQuAD.
        dropped = chr(code) in string.punctuation or unicodedata.category(chr(code))[0] == "P"
        self[code] = None if dropped else code
        return self[code]


_PUNCTUATION = _Punctuation()


def normalise(text: str) -> tuple[str, ...]:
    """Tokens after SQuAD's normalisation, extended to Unicode.

    NFKC, case folded, citation markers, punctuation and English articles removed; each CJK character is
    a token. A text of nothing else ("**", "A") is one token of its own, so that it can be compared.

    Source: Rajpurkar et al., SQuAD (1606.05250), section 6.1, and its official evaluation script.
    """
    return _tokens(_folded(text))


def values(text: str) -> tuple[str, ...]:
    """Tokens for ``correct``: as ``normalise``, with hyphens as spaces and numbers by value.

    "1,000" and "1000" are the token "1000", "2.50" is "2.5", "two" is "2", "twenty-one" is "21", and so is
    "二十一".
    """
    digits = _HAN_NUMBER.sub(lambda found: f" {_han_value(found[0])} ", text)
    folded = _COMPOUND.sub(
        lambda found: str(10 * _TENS.index(found[1]) + 20 + NUMBER_WORDS[found[2]]), _folded(digits)
    )
    tokens: list[str] = []
    end = 0
    for number in _NUMBER.finditer(folded):
        tokens += _words(folded[end : number.start()])
        tokens.append(_canonical(number[0]))
        end = number.end()
    tokens += _words(folded[end:])
    return tuple(tokens) or _tokens(folded)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 if the normalised answer equals a normalised reference, else 0 (SQuAD, section 6.1)."""
    return float(any(normalise(answer) == normalise(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Harmonic mean of token precision and recall, the best over the references (SQuAD, section 6.1)."""
    return max((_f1(normalise(answer), normalise(reference)) for reference in references), default=0.0)


def correct(answer: str, question: Question) -> bool:
    """Whether an answer is right.

    Some reference occurs in it as a contiguous run of ``values`` tokens, or their F1 reaches 0.6 and no
    number speaks against it: "9.4 nautical miles" is not "6.8 nautical miles", though F1 is 0.67.
    Yes/no questions are decided by the first polar word, a list needs every item, and an abstention is
    never correct.
    """
    references = question.answers or ()
    if abstains(answer, references=references, cited=bool(find_markers(answer))):
        return False
    return any(_matches(answer, reference, question.kind) for reference in references)


def _matches(answer: str, reference: str, kind: str) -> bool:
    wanted = _polar(reference) if kind == "yes_no" or len(normalise(reference)) == 1 else None
    if wanted:
        return _polar(answer) == wanted
    if kind == "list":
        return all(_holds(answer, item) for item in _LIST.split(reference) if item.strip())
    return _holds(answer, reference) or _overlaps(values(answer), values(reference))


def _overlaps(answer: tuple[str, ...], reference: tuple[str, ...]) -> bool:
    """Whether F1 reaches its bar, and nothing that weighs more than a word speaks against it.

    The answer has numbers if the reference has, only its ones and in its order; single letters are equal, as
    in "K3" and "K3-S"; and of a short CJK reference, in which every character counts, nothing may be missing.
    """
    said, wanted = _numbers(answer), iter(_numbers(reference))
    if bool(said) != bool(_numbers(reference)) or not all(number in wanted for number in said):
        return False
    if _letters(answer) != _letters(reference) or _is_short_cjk(reference):
        return False
    return _f1(answer, reference) >= F1_CORRECT


def _numbers(tokens: tuple[str, ...]) -> list[str]:
    return [token for token in tokens if token[-1].isdecimal()]


def _letters(tokens: tuple[str, ...]) -> list[str]:
    return [token for token in tokens if len(token) == 1 and token.isascii() and token.isalpha()]


def _is_short_cjk(tokens: tuple[str, ...]) -> bool:
    cjk = sum(bool(_CJK_CHARACTER.fullmatch(token)) for token in tokens)
    return 0 < cjk <= SHORT_CJK and cjk + len(_numbers(tokens)) == len(tokens)


def _han_value(number: str) -> int | str:
    """The value of a Chinese number; without units it is a row of digits, such as a year."""
    if not any(sign in _HAN_UNITS for sign in number):
        return "".join(str(_HAN_DIGITS[sign]) for sign in number)
    total = section = digit = 0
    for sign in number:
        if sign in _HAN_DIGITS:
            digit = _HAN_DIGITS[sign]
        elif sign == "万":
            total, section, digit = (total + section + digit) * _HAN_UNITS[sign], 0, 0
        else:
            # 十二 is 12: a unit without a digit before it counts once.
            section, digit = section + (digit or 1) * _HAN_UNITS[sign], 0
    return total + section + digit


def _holds(answer: str, reference: str) -> bool:
    """Whether the reference occurs as a run of tokens, or literally if it is nothing but signs."""
    if not any(character.isalnum() for character in reference):
        sign = re.escape(reference.strip())
        return bool(sign) and bool(
            re.search(rf"(?<![^\w\s\"'`(]){sign}(?![^\w\s\"'`).,;:!?])", strip_markers(answer))
        )
    run, tokens = values(reference), values(answer)
    return any(tokens[start : start + len(run)] == run for start in range(len(tokens) - len(run) + 1))


def _polar(text: str) -> str | None:
    said = next((token for token in normalise(text) if token in POLAR), None)
    # A clause that asks only says the question once more.
    chinese = _CHINESE_POLAR.search(re.sub("[^。！!；，]*[？?]", "", text))
    if said or not chinese:
        return said
    return "no" if chinese["no"] else "yes"


def _f1(answer: tuple[str, ...], reference: tuple[str, ...]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    # 2PR / (P + R) with P = shared / |answer| and R = shared / |reference|, without its rounding.
    return 2 * sum((Counter(answer) & Counter(reference)).values()) / (len(answer) + len(reference))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", strip_markers(text)).casefold()
    return _CJK_CHARACTER.sub(r" \1 ", unicodedata.normalize("NFKC", plain))


def _tokens(folded: str) -> tuple[str, ...]:
    tokens = tuple(token for token in folded.translate(_PUNCTUATION).split() if token not in _ARTICLES)
    return tokens or tuple(folded.split())


def _words(folded: str) -> list[str]:
    kept = _JOINERS.sub(" ", folded).translate(_PUNCTUATION)
    return [str(NUMBER_WORDS.get(token, token)) for token in kept.split() if token not in _ARTICLES]


def _canonical(number: str) -> str:
    sign = "-" if number[0] in "-−" else ""
    whole, _, decimals = number.lstrip("-−").replace(",", "").partition(".")
    value = ".".join(part for part in (whole.lstrip("0") or "0", decimals.rstrip("0")) if part)
    return value if value == "0" else sign + value
