"""Words of a text, in the languages that the lexicon knows.

Languages with spaces are split at them. Chinese and Japanese are cut by the longest word that is known, from left to
right. Korean words carry their endings behind them: the longest known beginning counts. English words of which only the
plain form is known are found without their ending.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["LANGUAGES", "known_words", "languages_of", "split_words"]

LANGUAGES: Final = ("en", "de", "es", "fr", "ja", "ko", "zh")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN: Final = ("en", "de", "es", "fr")
_LONGEST_CUT: Final = 8
"""Characters of the longest word that is looked for where nothing separates words."""
_SHORTEST_STEM: Final = 2
# As they are tried: what a word ends with, what stands there instead. "lovin'" is sung as often as "loving".
_ENDINGS: Final = (
    ("ies", "y"),
    ("ied", "y"),
    ("ing", ""),
    ("ing", "e"),
    ("'s", ""),
    ("es", ""),
    ("s", ""),
    ("ed", ""),
    ("ed", "e"),
    ("ly", ""),
    ("er", ""),
    ("est", ""),
    ("in", "ing"),
    ("in", ""),
    ("in", "e"),
)
_SCRIPTS: Final = {"HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh"}


def split_words(text: str) -> list[str]:
    """Returns the words between spaces and punctuation, in lower case, with plain apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return [found.group() for found in _WORD.finditer(folded)]


def languages_of(text: str) -> tuple[str, ...]:
    """Returns the languages that a text may be in by its letters, most certain first.

    Lyrics mix English in: what has a script of its own counts where a tenth of the letters is written in it.
    """
    counts = dict.fromkeys(("ko", "ja", "zh"), 0)
    letters = 0
    for character in text:
        if character.isalpha():
            letters += 1
            script = unicodedata.name(character, " ").split(" ")[0] if ord(character) > 0x2FF else ""
            if language := _SCRIPTS.get(script):
                counts[language] += 1
    # Kana among Han is Japanese, whatever there is more of.
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    own = [language for language, count in counts.items() if count * 10 >= max(letters, 1)]
    return tuple(sorted(own, key=lambda language: -counts[language])) or _LATIN


def known_words(text: str, language: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    """Yields the words of a text that are known, each as often as it occurs, in the form in which it is known."""
    find = {"zh": _cut, "ja": _cut, "ko": _beginning, "en": _plain_form}.get(language, _exact)
    for word in split_words(text):
        yield from find(word, is_known)


def _exact(word: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    if is_known(word):
        yield word


def _plain_form(word: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    if is_known(word):
        yield word
        return
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > _SHORTEST_STEM:
            stem = word[: len(word) - len(ending)]
            doubled = stem[:-1] if not instead and stem[-1] == stem[-2] else stem
            for candidate in (stem + instead, doubled):
                if is_known(candidate):
                    yield candidate
                    return


def _beginning(word: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    for end in range(len(word), _SHORTEST_STEM - 1, -1):
        if is_known(word[:end]):
            yield word[:end]
            return


def _cut(word: str, is_known: Callable[[str], bool]) -> Iterator[str]:
    place = 0
    while place < len(word):
        for end in range(min(len(word), place + _LONGEST_CUT), place, -1):
            if is_known(word[place:end]):
                yield word[place:end]
                break
        else:
            end = place + 1
        place = end
