import pytest

from hybrid.generation.abstention import ABSTENTION, abstains

ABSTAINING = """\
I don’t know.
I do not know
I don't know how long the warranty is.
I don't know what the U.S. warranty is.
Not mentioned in the sources.
The warranty is not mentioned in the sources.
The sources do not say.
The sources do not say how long the warranty is, so I cannot tell.
The provided context doesn't contain information about the warranty.
The passage does not explicitly mention its length.
None of the sources mention a warranty.
There is no information about it.
There is not enough information in the sources to answer the question.
The documents contain no information about that.
It cannot be determined from the context.
Based on the provided passages, it is not possible to determine the length.
I cannot find the answer in the text.
The length is not specified.
I'm sorry, but I can't answer that.
I'm not sure.
I am unable to answer this question.
I don't know. Please consult the manual.
Unfortunately, I do not have enough information to answer.
No answer.
Unknown
N/A
我不知道。
不知道
我也不知道答案。
无法回答。
文中未说明。
资料中没有提到。
来源里未提及。
很抱歉，文档没有说明。""".splitlines()

ANSWERING = """\
Five years.
No.
I don't know, but it is 5 years.
I don't know. The warranty is 5 years.
The warranty is five years, but the sources do not say from when.
Although the sources do not say, it is five years.
Five years, I am not sure.
It raises TypeError when the encoding cannot be determined.
The default is used if the encoding is not specified.
No, there is no limit.
An unknown key raises KeyError.
The class does not provide a method.
二十一个
没有。
文中没有错误。
茶园没有提到的三号坡十月封园。
保修期为二十二个月。
资料齐全，说明书写的是二十二个月。
超时的鲜叶无法降级。
不知道，但是保修期为二十二个月。
我不知道。保修期为二十二个月。
资料中没有提到茶园。保修期为二十二个月。""".splitlines()


def test_the_phrase_of_the_prompt_abstains():
    assert abstains(ABSTENTION)


@pytest.mark.parametrize("text", ABSTAINING)
def test_abstaining(text):
    assert abstains(text)


@pytest.mark.parametrize("text", ["", " \n", *ANSWERING])
def test_answering(text):
    assert not abstains(text)


def test_an_answer_that_cites_does_not_abstain():
    assert not abstains("The sources do not say [1].", cited=True)
    assert abstains("The sources do not say [1].")


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("I don't know whether it is five years.", "Five years", False),
        ("I don't know whether it is five years.", "five year", True),
        ("There is no information.", "No", True),
        ("Unknown.", "unknown", False),
        ("I don't know.", "", True),
        ("I don't know 東京都.", "東京", False),
    ],
)
def test_an_answer_that_contains_a_reference_does_not_abstain(text, reference, expected):
    assert abstains(text, references=[reference]) is expected
