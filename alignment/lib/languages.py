"""Languages by their ISO 639-1 codes and English names."""

from collections.abc import Iterable
from functools import cache

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError


@cache
def language_names() -> dict[str, str]:
    """Code → English name, by name."""
    names = {code: info["name"] for code, info in LANG_INFO.items() if len(code) == 2 and "name" in info}
    names |= {"zh": "Chinese", "no": "Norwegian"}
    return dict(sorted(names.items(), key=lambda each: each[1]))


def language_list(codes: Iterable[str]) -> str:
    """“German, English” for ["de", "en"]."""
    return ", ".join(language_names().get(code, code) for code in codes)


def read_languages(text: str) -> list[str]:
    """The codes of names or codes that are parted by commas, each once. Raises ValidationError for an unknown one."""
    codes = {name.casefold(): code for code, name in language_names().items()}
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        code = codes.get(word.casefold(), word.casefold())
        validate_language(code)
        found.append(code)
    return list(dict.fromkeys(found))


def validate_language(code: str) -> None:
    """Raises ValidationError unless `code` is one of `language_names`."""
    if code not in language_names():
        raise ValidationError("“%(code)s” is not a language such as German or de.", params={"code": code})
