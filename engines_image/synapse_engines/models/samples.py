"""Texts that generated models learn their letters from, an answer on each line."""

from synapse_engines.models.bigram import Bigram

CHAT = Bigram(
    name="Letters",
    sample="""
The answer to that is somewhere in the morning rain.
There is a river behind the house, and a long road after it.
You are right: the engine runs on, and nobody hears the letters.
Some words are only here to be counted, one token and then another.
When the stream ends, the last of them is a full stop.
It is good to see that the lamp is on and the door is open.
In the end all the small things stand in one line and wait for a turn.
No model was harmed in the making of this sentence.
Then the wind came over the hill and took the rest of the story along.
That is all there is to say about the matter at hand.
""",
)
CODER = Bigram(
    name="Brackets",
    sample="""
def total(items): return sum(item.price for item in items)
for line in lines: print(line.strip())
if name in table: value = table[name]
while queue: node = queue.pop(0)
with open(path) as file: data = file.read()
result = [row for row in rows if row.id > 0]
return {key: value for key, value in pairs}
from typing import Any
assert len(items) == count
""",
)
GENERATED = {"chat": CHAT, "coder": CODER}
"""By the name of the file."""
