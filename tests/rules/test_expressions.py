"""Expressions that are read without the template engine are read as it would."""

from hypothesis import given, settings
from hypothesis import strategies as st

from inboxagent.outreach.phrases import TONES, Phrases
from inboxagent.outreach.sequence import Field
from inboxagent.rules.expressions import check_expression, plain_names
from inboxagent.rules.problem import Report
from inboxagent.rules.source import Passage, Piece
from inboxagent.rules.syntax import check_parsed
from inboxagent.rules.vocabulary import Place, Vocabulary

KEYWORDS = "and as else false False if import in is none None not or recursive true True with without context self loop"
NAMES = "company first_name greeting phrase phrase.short phrase.shrt compny other thisorthat this that x-y _ x1 1x ä 2"
SIGNS = "( ) | ~ == , . [ ] ! upper defined 'a'"

words = st.sampled_from(f"{KEYWORDS} {NAMES} {SIGNS}".split())
joined = st.tuples(words, st.sampled_from([" and ", " or ", " ", "  and ", "."]), words).map("".join)
expressions = words | joined | st.tuples(joined, st.sampled_from([" and ", " or "]), words).map("".join)


def vocabulary() -> Vocabulary:
    fields = {name: Field(name=name) for name in ("company", "this", "that", "thisorthat", "phrase_short")}
    texts = {"short": dict.fromkeys(TONES, "Well,"), "greeting": {"polite": "Hello,"}}
    return Vocabulary(fields=fields, phrases=Phrases(texts=texts))


@given(expressions, st.booleans())
@settings(max_examples=400, deadline=None)
def test_the_same_problems_as_the_engine_finds(inside: str, shown: bool) -> None:
    passage = Passage([Piece(text=f"Hello {{{{ {inside} }}}}, you", line=3)])
    quick, parsed = (Report("a.md"), vocabulary()), (Report("a.md"), vocabulary())
    check_expression(passage, 9, inside, quick[1], quick[0], shown=shown)
    check_parsed(Place(passage, 9, inside), parsed[1], parsed[0], shown=shown)
    assert quick[0].problems == parsed[0].problems
    assert quick[1].undeclared == parsed[1].undeclared


def test_names_alone_need_no_engine() -> None:
    assert plain_names("company", vocabulary(), shown=True) == ["company"]
    assert plain_names("this or that or company", vocabulary(), shown=False) == ["this", "that", "company"]
    assert plain_names("this and that", vocabulary(), shown=True) == []
