"""Phone numbers as keys: `+49 30 1234567` and, in Germany, `030/1234567` are the same."""

from functools import lru_cache

import phonenumbers

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
"""ISO codes of the countries whose national numbers can be read."""

LONGEST = 24
"""How many characters a key has at most: E.164, and an extension."""


def calling_code(region: str) -> int:
    """The number that calls into a country: 49 for DE."""
    return phonenumbers.country_code_for_region(region)


@lru_cache(maxsize=16_384)
def phone_key(text: str, region: str) -> str:
    """The number in E.164, with `x` and an extension if it has one; empty where the text is no possible number.

    A number without a country code is one of `region` (an ISO code); without a region it cannot be read.
    """
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    # Not the numbers that can be called only from next door.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    key = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    key = f"{key}x{number.extension}" if number.extension else key
    return key if len(key) <= LONGEST else ""
