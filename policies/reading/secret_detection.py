"""Detection of secrets: by their name, or by the format of their value."""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import zip_longest

NAME = re.compile(
    r"(TOKEN|PASSWORD|PASSWD|PASSPHRASE|REQUIREPASS|SECRET|CREDENTIALS?|API_?KEYS?|(ACCESS|MASTER|SALT|PRIVATE|SECRET)_KEY|_KEYS)$"
)
SHAPES = (
    re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{10,}"),
    re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{10,}"),
    re.compile(r"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}"),
    re.compile(r"(?<![A-Za-z0-9])(gh[opsu]_|github_pat_|glpat-|xox[abp]-)[A-Za-z0-9_-]{10,}"),
    re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]+\."),
    re.compile(r"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----"),
    re.compile(r"[a-z][a-z0-9+.-]*://[^\s:/@]*:(?!\$)[^\s/@]+@"),
)
HARMLESS = frozenset({"", "none", "null", "empty", "unused", "not-needed", "true", "false"})
REFERENCE = re.compile(r"\$|os\.environ/|/|\{\{")
"""Start of a value that refers to a secret: a variable, a variable in LiteLLM's notation, a file, a template."""
SETTING = re.compile(r"""^[\s-]*["']?(?P<name>[A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?(?P<value>[^"'\s#,]+)""")


def is_shaped(text: str) -> bool:
    """Return True if *text* contains a value with the format of a secret."""
    return any(shape.search(text) for shape in SHAPES)


def is_secret(name: str, value: str) -> bool:
    """Return True if *value* has the format of a secret, or *name* is one of a secret and *value* is a literal."""
    return is_shaped(value) or (_is_named(name) and _is_literal(value))


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each setting in a configuration file."""
    for line in text.splitlines():
        if match := SETTING.match(line):
            yield match["name"], match["value"]


def arguments(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each flag or assignment of a command line; a shell script is split into words."""
    flat = [part for word in words for part in _parts(word)]
    for word, following in zip_longest(flat, flat[1:], fillvalue=""):
        name, is_assigned, value = word.partition("=")
        if is_assigned:
            yield name, value
        elif word.startswith("-") and not following.startswith("-"):
            yield word, following


def _parts(word: str) -> list[str]:
    if not any(character.isspace() for character in word):
        return [word]
    try:
        return shlex.split(word)
    except ValueError:
        return word.split()


def _is_named(name: str) -> bool:
    return NAME.search(name.lstrip("-").replace("-", "_").replace(".", "_").upper()) is not None


def _is_literal(value: str) -> bool:
    return value.strip().lower() not in HARMLESS and not REFERENCE.match(value.strip()) and not value.strip().isdigit()
