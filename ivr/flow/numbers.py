"""Whole numbers as recorded words: 42 is not said digit by digit.

Lives here: which prompts, in order, say a number in a language. Not here: whether they are recorded (`speech`), where
the number comes from. The words: d0-d9, n10-n20, n30 ... n90, n100 (百, hundred), n_and (零, and). What is said often
is one recording, for syllables put together are harder to understand. Another language says its digits one by one.
"""

from __future__ import annotations

MOST = 999
"""The largest number that is said as a number."""

DIGITS = tuple(f"d{digit}" for digit in range(10))
WHOLE = 20
"""Up to here a number is one recording, above it its tens and ones are two."""
WORDS = (*(f"n{number}" for number in (*range(10, WHOLE), *range(WHOLE, 101, 10))), "n_and")
SPOKEN = ("zh", "en")


def words(number: int, language: str) -> tuple[str, ...]:
    """Prompt ids that say 0 <= number; digit by digit above MOST."""
    chinese = language.partition("-")[0] == "zh"
    if language.partition("-")[0] not in SPOKEN or number > MOST:
        return tuple(f"d{digit}" for digit in str(number))
    hundreds, rest = divmod(number, 100)
    said: list[str] = [f"d{hundreds}", "n100"] if hundreds else []
    if hundreds and 0 < rest and (not chinese or rest < 10):
        said.append("n_and")  # a hundred and five; 一百零五, but 一百五十
    tens, ones = divmod(rest, 10)
    if rest > WHOLE and ones:
        return (*said, f"n{10 * tens}", f"d{ones}")
    if rest >= 10:
        return (*said, "d1", f"n{rest}") if hundreds and chinese and rest < 20 else (*said, f"n{rest}")  # 一百一十五
    return (*said, f"d{rest}") if rest or not said else tuple(said)


def vocabulary(language: str) -> tuple[str, ...]:
    """Every prompt that a number may need in this language."""
    return (*DIGITS, *WORDS) if language.partition("-")[0] in SPOKEN else DIGITS
