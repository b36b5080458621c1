from pathlib import Path

import pytest

from inboxagent.outreach.phrases import Phrases
from inboxagent.rules.phrases import parse_phrases

SHIPPED = Path(__file__).parents[2] / "rules"


@pytest.fixture(scope="session")
def phrasebook() -> dict[str, Phrases]:
    """The phrases that ship, by language."""
    book = {}
    for file in sorted((SHIPPED / "phrases").glob("*.yaml")):
        phrases, problems = parse_phrases(str(file), file.read_text("utf-8"))
        assert phrases is not None, problems
        book[file.stem] = phrases
    return book
