"""Phrases that the tone dial picks: greeting, sign-off and more, per language."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TONES = ("formal", "polite", "warm", "relaxed", "brief")
GREETING = "greeting"
SIGN_OFF = "sign_off"
PHRASE = "phrase"
MY_NAME = "my_name"
BUILT_IN = (GREETING, SIGN_OFF, PHRASE, MY_NAME)
"""What a template may name though it is no field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The phrases of one language: name -> tone -> template source."""

    language: str = "en"
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def get(self, name: str, tone: str) -> str | None:
        """The template source of a phrase in a tone; None where it was never written."""
        return self.texts.get(name, {}).get(tone)

    def overlaid(self, upper: "Phrases") -> "Phrases":
        """These phrases with `upper` laid over them, name by name and tone by tone."""
        names = [*self.texts, *(name for name in upper.texts if name not in self.texts)]
        texts = {name: {**self.texts.get(name, {}), **upper.texts.get(name, {})} for name in names}
        return Phrases(language=self.language, texts=texts)


Phrasebook = Mapping[str, Phrases]
"""Phrases by language."""


def phrases_for(language: str, book: Phrasebook) -> Phrases:
    """The phrases of a language: of `de-AT`, else of `de`, else none at all."""
    base = language.partition("-")[0]
    return book.get(language) or book.get(base) or Phrases(language=language)
