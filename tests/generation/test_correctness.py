import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.generation.correctness import correct, exact_match, normalise, token_f1, values
from hybrid.records import Question


def ask(*answers, kind="fact"):
    return Question(id="q", text="Q?", answers=answers, kind=kind)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The U.S. `__globals__`, a [1]", ("us", "globals")),
        ("Ｆｉｖｅ  Straße", ("five", "strasse")),
        ("日本の首都", ("日", "本", "の", "首", "都")),
        ("5年", ("5", "年")),
        ("**", ("**",)),
        ("the", ("the",)),
        ("", ()),
    ],
)
def test_normalise(text, tokens):
    assert normalise(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("1,000 and 1000.50", ("1000", "and", "1000.5")),
        ("two twenty-one 007", ("2", "21", "7")),
        ("−5, 2019-2020, five-year", ("-5", "2019", "2020", "5", "year")),
        ("0x20 1.2.3 .5 -0", ("0x20", "123", "0.5", "0")),
    ],
)
def test_values(text, tokens):
    assert values(text) == tokens


@given(st.text(max_size=30))
def test_a_text_matches_itself(text):
    assert exact_match(text, [text]) == token_f1(text, [text]) == 1.0


def test_token_f1_is_the_best_over_the_references():
    # shared: five; precision 1/3, recall 1/2: 2·(1/3)·(1/2) / (1/3 + 1/2) = (1/3) / (5/6) = 0.4
    assert token_f1("it is five", ["five years", "ten"]) == pytest.approx(0.4)
    assert token_f1("it is five", []) == 0.0
    assert exact_match("The Five.", ["ten", "five"]) == 1.0
    assert exact_match("five years", ["five"]) == 0.0


@pytest.mark.parametrize(
    ("text", "references", "expected"),
    [
        ("It lasts five years [1].", ["5 years"], True),
        ("It lasts fifty years.", ["5 years"], False),
        ("It lasts years five.", ["five years to run from"], False),
        ("It costs 1,000 dollars.", ["1000"], True),
        ("It costs 3.5.", ["35"], False),
        ("It is 21.", ["twenty-one"], True),
        ("The operator is `**`.", ["**"], True),
        ("The operator is `*`.", ["**"], False),
        ("首都は東京です", ["東京"], True),
        ("", ["five"], False),
        ("I don't know.", ["know"], False),
        ("ten", ["five", "ten"], True),
    ],
)
def test_correct(text, references, expected):
    assert correct(text, ask(*references)) is expected


def test_token_f1_of_point_six_is_correct():
    # shared: ash elm oak; 2·3 / (5 + 5) = 0.6, and with one word more 2·3 / (6 + 5) = 0.545
    assert correct("elm fig ash oak yew", ask("ash elm oak pine teak"))
    assert not correct("elm fig ash oak yew rye", ask("ash elm oak pine teak"))


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("Yes, there is no limit.", "yes", True),
        ("Yes, there is no limit.", "no", False),
        ("There is no limit.", "No, it has none", True),
        ("It is callable.", "yes", False),
        ("maybe", "maybe", True),
    ],
)
def test_yes_no_is_decided_by_the_first_polar_word(text, reference, expected):
    assert correct(text, ask(reference, kind="yes_no")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("tuples, range objects and lists", True), ("lists, tuples", False), ("lists tuples range", False)],
)
def test_a_list_needs_every_item(text, expected):
    assert correct(text, ask("lists, tuples, and range objects", kind="list")) is expected


def test_an_abstention_is_never_correct():
    # 2·3 / (4 + 4) = 0.75 would do, were it an answer
    assert not correct("There is no information.", ask("there is some information"))


def test_without_references_nothing_is_correct():
    assert not correct("five", Question(id="q", text="Q?"))


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        # shared: nautical, miles; 2·2 / (3 + 3) = 0.67
        ("9.4 nautical miles", "6.8 nautical miles", False),
        ("some nautical miles", "6.8 nautical miles", False),
        ("ninety nautical miles", "two nautical miles", False),
        # shared: 6.8, miles; 2·2 / (2 + 3) = 0.8
        ("6.8 miles", "6.8 nautical miles", True),
        ("6.80 miles", "6.8 nautical miles", True),
        # shared: on, pier, light; 2·3 / (4 + 4) = 0.75
        ("green light on pier", "red light on pier", True),
        ("2 light on pier", "red light on pier", False),
        # a number more: 2·3 / (4 + 3) = 0.86
        ("light pier on 7", "light on pier", False),
        # the reference itself, whatever else is said
        ("6.8 nautical miles, not 9.4", "6.8 nautical miles", True),
        # one of two numbers: shared 3, 2·3 / (3 + 5) = 0.75
        ("3 green lights", "3 green lights, 4 red", True),
    ],
)
def test_a_number_that_speaks_against_it_outweighs_the_overlap(text, reference, expected):
    assert correct(text, ask(reference)) is expected


def test_a_number_speaks_against_one_reference_only():
    assert correct("9.4 nautical miles", ask("6.8 nautical miles", "9.4 miles, nautical"))


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("是的，可以。", "是", True),
        ("不是。", "是", False),
        ("可以", "不可以", False),
        ("没有", "否", True),
        ("无需登记", "不需要", True),
        ("能", "yes", True),
        ("No, it must not.", "不能", True),
        ("春天", "是", False),
    ],
)
def test_yes_no_in_chinese(text, reference, expected):
    assert correct(text, ask(reference, kind="yes_no")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("要清理接叶斗、揉盘和出叶口。", True),
        ("揉盘，出叶口，接叶斗", True),
        ("揉盘和出叶口", False),
    ],
)
@pytest.mark.parametrize("reference", ["揉盘、出叶口、接叶斗", "揉盘，出叶口，接叶斗"])
def test_a_chinese_list_needs_every_item(text, reference, expected):
    assert correct(text, ask(reference, kind="list")) is expected


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("22个月", "二十二个月", True),
        ("10月16日", "十月十六日", True),
        ("一九九八年", "1998年", True),
        ("三万五千元", "35000元", True),
        ("两天", "2天", True),
        # Of four or five characters all but one are shared, but it is the one that matters.
        ("二十四个月", "二十二个月", False),
        ("十月十七日", "十月十六日", False),
        ("10月17日", "10月16日", False),
        ("闻人墨", "闻人砚", False),
        ("由站长闻人砚签字", "闻人砚", True),
    ],
)
def test_chinese_numbers_and_names(text, reference, expected):
    assert correct(text, ask(reference)) is expected


def test_a_letter_of_a_name_speaks_against_it_too():
    assert not correct("Kestrel K3-S lamp", ask("Kestrel K3 lamp"))


def test_numbers_in_another_order_are_another_answer():
    assert not correct("from 5 to 3 degrees cold", ask("degrees from 3 to 5 cold"))
