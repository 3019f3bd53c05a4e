"""What a flow says: parts, and their resolution to media of the switch at decision time (DESIGN 5.7).

Lives here: the part types and `resolve`. Must not live here: audio, files, sessions. Media URIs come from the
site's prompt table (prompt id -> language -> URI).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from ctiserver.model.ivr import Value
from ivr.flow.expression import fill
from ivr.flow.numbers import vocabulary, words

EVERY = "all"
"""As a part's language: say it in each language of the flow, the caller's own first."""

MAX_DIGITS = 40  # a longer "number" is a mistake in the flow: 40 spoken digits last about 20 s

PromptId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,64}$")]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing to say: a recorded prompt, digits one by one, a whole number, or a group said once in each language.

    `language`: '' = the caller's, with the flow's fall-back order; 'all' = every language; or one language.

    {"prompt": "welcome"}
    {"prompt": "menu_main", "language": "all"}
    {"digits": "${order_no}"}
    {"number": "${open_orders}"}
    {"each_language": [{"prompt": "welcome"}, {"prompt": "recorded_notice"}]}
    """

    prompt: PromptId | None = None
    digits: str | None = None
    number: str | None = None
    each_language: tuple[Part, ...] = ()
    language: str = ""

    def __post_init__(self) -> None:
        texts = (self.prompt, self.digits, self.number)
        if sum(text is not None for text in texts) + bool(self.each_language) != 1:
            raise ValueError("a part has exactly one of prompt, digits, number, each_language")
        if any(part.each_language for part in self.each_language):
            raise ValueError("each_language cannot hold another each_language")
        if self.each_language and self.language:
            raise ValueError("each_language says it in every language; give no language")


Speech = tuple[Part, ...]


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """`media` for one playback, `prompts` as 'language/id', `missing` what could not be said."""

    media: tuple[str, ...]
    prompts: tuple[str, ...]
    missing: tuple[str, ...]


def order(languages: tuple[str, ...], own: str) -> tuple[str, ...]:
    """The flow's languages with the caller's own first."""
    return tuple(dict.fromkeys((own, *languages))) if own in languages else languages


def resolve(
    speech: Speech,
    *,
    languages: tuple[str, ...],
    own: str,
    prompts: Mapping[str, Mapping[str, str]],
    variables: Mapping[str, Value],
) -> Resolved:
    """The media of `speech` for a caller whose language is `own`; `languages` is the flow's fall-back order."""
    said: list[tuple[str, str]] = []
    missing: list[str] = []
    first = order(languages, own)

    def say(prompt: str, wanted: str) -> None:
        files = prompts.get(prompt, {})
        for language in (wanted, *first, *sorted(files)):
            if files.get(language):
                said.append((files[language], f"{language}/{prompt}"))
                return
        missing.append(prompt)

    def say_part(part: Part, wanted: str) -> None:
        if part.prompt is not None:
            say(part.prompt, wanted)
        for digit in fill(part.digits or "", variables)[:MAX_DIGITS]:
            if digit in "0123456789":
                say(f"d{digit}", wanted)
        if part.number is not None:
            say_number(fill(part.number, variables), wanted)

    def say_number(text: str, wanted: str) -> None:
        """In the first language that has all its words: half a number would be another one."""
        number = "".join(digit for digit in text if digit in "0123456789")[:MAX_DIGITS]
        if not number:
            return
        for language in (wanted, *first):
            parts = words(int(number), language)
            if all(prompts.get(part, {}).get(language) for part in parts):
                for part in parts:
                    say(part, language)
                return
        missing.append(f"number in {wanted}")

    for part in speech:
        if part.each_language or part.language == EVERY:
            inner = part.each_language or (part,)
            for language in _spoken(inner, first, prompts):
                for one in inner:
                    say_part(one, language if one.language in ("", EVERY) else one.language)
        else:
            say_part(part, part.language or first[0])
    return Resolved(
        media=tuple(media for media, _ in said), prompts=tuple(name for _, name in said), missing=tuple(missing)
    )


def _spoken(parts: Speech, languages: tuple[str, ...], prompts: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The languages in which a group can be said at all; the first one if none, so that fall-back applies once."""
    have = tuple(
        language
        for language in languages
        if any(part.prompt is None or prompts.get(part.prompt, {}).get(language) for part in parts)
    )
    return have or languages[:1]


def prompt_ids(speech: Speech, languages: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Every (prompt id, language) that the speech can ask for; language '' = each of the flow's `languages`."""
    found: list[tuple[str, str]] = []
    for part in speech:
        language = "" if part.language == EVERY else part.language
        if part.prompt is not None:
            found.append((part.prompt, language))
        if part.digits is not None:
            found.extend((f"d{digit}", language) for digit in "0123456789")
        if part.number is not None:
            for each in (language,) if language else languages:
                found.extend((word, each) for word in vocabulary(each))
        found.extend(prompt_ids(part.each_language, languages))
    return tuple(found)


def templates(speech: Speech) -> tuple[str, ...]:
    """Every `${...}` template in the speech."""
    found: list[str] = []
    for part in speech:
        found += [text for text in (part.digits, part.number) if text is not None]
        found += templates(part.each_language)
    return tuple(found)
