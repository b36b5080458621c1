"""What is kept in memory of a journal."""

from inboxagent.edge.store.index import Words


def test_a_word_that_many_have_had_is_found_at_the_cost_of_those_who_have_it() -> None:
    words = Words()
    for number in range(1000):
        words.add(["owed"], number)
    assert words.find("owed", {999}) == [999]
    assert words.find("owed", range(1000)) == [999]
    words.add(["owed"], 1000)
    assert words.find("owed", range(1001)) == [999, 1000]
