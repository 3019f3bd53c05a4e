"""Telephone numbers as keys: however a number is written or signalled, its key is the same. Pure.

Numbers that the numbering plan knows become E.164 (+8613900000001); short service numbers (95500, 110) and inner
extensions stay digits, because a national prefix would make other numbers of them. The plan is Google's
libphonenumber data as shipped in the `phonenumbers` package.
"""

from __future__ import annotations

import re

import phonenumbers

HOME_REGION = "CN"

_EXTENSION = re.compile(r"(?:转|轉|ext\.?|x|#|,|;).*$", re.IGNORECASE)
_FULL_WIDTH = {ord("０") + i: str(i) for i in range(10)} | {ord("＋"): "+"}
_SHORTEST = 7
"""digits; anything shorter is a service number or an extension"""


def phone_key(written: str, region: str = HOME_REGION) -> str:
    """The key of a number; '' if it holds no digit. An extension ("转 801") is cut off first. At most 32 characters."""
    text = _EXTENSION.sub("", written[:64].translate(_FULL_WIDTH)).strip()
    digits = re.sub(r"[^0-9]", "", text)
    if not digits:
        return ""
    if len(digits) < _SHORTEST:
        return digits
    international = text.startswith("+") or digits.startswith("00")
    number = f"+{digits.removeprefix('00')}" if international else digits
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return digits[:32]
    if not phonenumbers.is_possible_number(parsed):
        return digits[:32]
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
