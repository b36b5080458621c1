"""Who is meant where an address or a name stands in a text, and who is not."""

import pytest

from inboxagent.outreach.erasure import ERASED, Person, erase_from_fact, is_named

ANN = Person(addresses=frozenset({"ann@x.test"}), names=frozenset({"Ann Lee"}))


@pytest.mark.parametrize(
    "text",
    [
        "ann@x.test",
        "Ann Lee <ANN@X.test>",
        "<7.ann@x.test>",
        "write to ann@x.test.",
        "ann lee, and others",
        "(ann@x.test)",
    ],
)
def test_a_text_that_names_her_is_left_without_her(text: str) -> None:
    assert is_named(text, ANN)
    left = ANN.erased_from(text)
    assert ERASED in left
    assert not is_named(left, ANN)


@pytest.mark.parametrize(
    "text",
    ["joann@x.test", "jo.ann@x.test", "jo-ann@x.test", "ann@x.test.example", "ann@x.testing", "Joann Lee", "Ann Leeds"],
)
def test_whoever_has_a_longer_address_or_name_is_somebody_else(text: str) -> None:
    assert not is_named(text, ANN)
    assert ANN.erased_from(text) == text
    assert erase_from_fact({text: "due"}, ANN) == {text: "due"}
