"""Redaction of feed messages: one line of limited length, without secrets and control characters."""

import re
from collections.abc import Iterable

CUT = "...[truncated]"
HIDDEN = "[redacted]"
MAX_CHARS = 65536
"""Characters of a message that are processed; the rest is cut off."""
MARGIN = 1024
"""Characters before that cut that are removed too, since a secret cut in two is not recognized."""
_NAMES = r"(?:api[ _-]?key|token(?!s|iz)|secret|password|passwd)[\w-]{0,64}"  # "tokens" and "tokenizer" are no secrets
_HEADERS = r"(?:authorization|cookie)[\w-]{0,64}"
_IS = r"""["'\\]*\s{0,8}(?:[:=]|,(?=\s*b?["']))\s*(?:b(?=["']))?"""
_QUOTED = r"""\\*"[^"]*"?|\\*'[^']*'?"""
SECRETS = re.compile(
    rf"""
    (?P<name>(?:{_HEADERS}){_IS})(?:{_QUOTED}|[^\r\n]+)   # the value of a header ends with its line
    |(?P<key>(?:{_NAMES}){_IS})(?:{_QUOTED}|\[[^\]]*|bearer\s+\S+|[^\s,;&"')\]}}]+)
    |(?P<scheme>\bbearer[\s:=]+)[^\s,;"')\]}}]+
    |(?P<userinfo>://)[^\s/@:]*:[^\s/@]+(?=@)
    """,
    re.IGNORECASE | re.VERBOSE,
)
BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Redactor:
    """Removes secrets. *patterns*: additional secrets of the operator; *line_chars*: maximum length of a message."""

    def __init__(self, patterns: Iterable[re.Pattern[str]] = (), line_chars: int = 1200) -> None:
        self._patterns = tuple(patterns)
        self._line_chars = line_chars

    def clean(self, text: str) -> str:
        """Return *text* without secrets, on one line, cut to the limit."""
        text, is_long = text[:MAX_CHARS], len(text) > MAX_CHARS
        text = SECRETS.sub(_hidden, text)
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        text = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", BREAKS.sub(r" \\n ", text))
        return self._cut(text[:-MARGIN] + CUT if is_long else text)

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._line_chars else text[: self._line_chars - len(CUT)] + CUT


def _hidden(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{HIDDEN}"
