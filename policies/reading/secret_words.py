"""What a secret looks like: by the name it is given, or by itself."""

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
"""How a value begins that only says where the secret is: a variable, LiteLLM's way of naming one, a file."""
SETTING = re.compile(r"""^[\s-]*["']?(?P<name>[A-Za-z][\w.-]*)["']?\s*[:=]\s*["']?(?P<value>[^"'\s#,]+)""")


def is_shaped(text: str) -> bool:
    """Whether *text* has something in it that looks like a secret, whatever it is called."""
    return any(shape.search(text) for shape in SHAPES)


def is_secret(name: str, value: str) -> bool:
    """Whether *value* is a secret: by its own look, or because *name* says so and it is no reference to one."""
    return is_shaped(value) or (_is_named(name) and _is_literal(value))


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line of a configuration file that sets one."""
    for line in text.splitlines():
        if found := SETTING.match(line):
            yield found["name"], found["value"]


def arguments(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each flag or assignment of a command line; a shell's one-string script is taken apart."""
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
