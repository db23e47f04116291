"""What a line of the feed may say: one line of bounded length, without anything that opens a door."""

import re
from collections.abc import Iterable

CUT = "...[truncated]"
HIDDEN = "[redacted]"
LONGEST = 65536
"""Characters of a message that are looked at; no line of the feed is as long."""
MARGIN = 1024
"""Characters before that end which are never shown: a secret may have been cut there, past recognition."""
_NAMES = r"(?:api[ _-]?key|token(?!s|iz)|secret|password|passwd)[\w-]{0,64}"  # tokens are counted, not kept
_HEADERS = r"(?:authorization|cookie)[\w-]{0,64}"
_IS = r"""["'\\]*\s{0,8}(?:[:=]|,(?=\s*b?["']))\s*(?:b(?=["']))?"""
_QUOTED = r"""\\*"[^"]*"?|\\*'[^']*'?"""
SECRETS = re.compile(
    rf"""
    (?P<name>(?:{_HEADERS}){_IS})(?:{_QUOTED}|[^\r\n]+)   # a header's value goes on to the end of its line
    |(?P<key>(?:{_NAMES}){_IS})(?:{_QUOTED}|\[[^\]]*|bearer\s+\S+|[^\s,;&"')\]}}]+)
    |(?P<scheme>\bbearer[\s:=]+)[^\s,;"')\]}}]+
    |(?P<userinfo>://)[^\s/@:]*:[^\s/@]+(?=@)
    """,
    re.IGNORECASE | re.VERBOSE,
)
BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Redactor:
    """Cleans lines. *patterns* are the operator's own; *line_chars* is the longest line."""

    def __init__(self, patterns: Iterable[re.Pattern[str]] = (), line_chars: int = 1200) -> None:
        self._patterns = tuple(patterns)
        self._line_chars = line_chars

    def clean(self, text: str) -> str:
        """*text* without secrets, on one line, cut to the limit."""
        text, is_long = text[:LONGEST], len(text) > LONGEST
        text = SECRETS.sub(_hidden, text)
        for pattern in self._patterns:
            text = pattern.sub(HIDDEN, text)
        text = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", BREAKS.sub(r" \\n ", text))
        return self._cut(text[:-MARGIN] + CUT if is_long else text)

    def _cut(self, text: str) -> str:
        return text if len(text) <= self._line_chars else text[: self._line_chars - len(CUT)] + CUT


def _hidden(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{HIDDEN}"
