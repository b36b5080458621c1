"""`list` shows addresses that came up, until somebody is enrolled there; `enroll --instead-of` takes one up."""

from inboxagent.outreach.events import By, Word
from tests.cli.desk import Desk, event

BEN = "ben@prospect.test"
PROPOSED = event(Word.PROPOSED, "he is named in her place", by=By.HIM, address=BEN)


def test_a_proposal_stands_in_the_list_until_it_is_taken_up(desk: Desk) -> None:
    desk.enrol("k1", event(Word.BOUNCE, "she has left", permanent=True), PROPOSED)
    result = desk.run("list")
    assert f"Proposed in k1: {BEN} (he is named in her place)" in result.stderr
    assert f"inboxagent enroll quick {BEN} --instead-of k1" in result.stderr
    assert desk.ask("list")[0]["proposed"] == [BEN]
    desk.enrol("k2", address=BEN)
    assert "Proposed" not in desk.run("list").stderr


def test_a_place_is_for_one_person_and_must_be_there(desk: Desk) -> None:
    assert "for one person" in desk.run("enroll", "quick", "--csv", "x.csv", "--instead-of", "k1", code=2).stderr
    assert 'nobody is enrolled as "k1"' in desk.run("enroll", "quick", BEN, "--instead-of", "k1", code=1).stderr
