"""A model of llama.cpp in memory. One thread at a time may have it work."""

from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Any

import numpy as np
from llama_cpp import (
    Llama,
    llama_get_embeddings_seq,
    llama_model_n_params,
    llama_model_size,
    llama_vocab_is_eog,
)
from numpy.typing import NDArray

from synapse_engines.errors import BadInputError, ContextSizeError, FailedError
from synapse_engines.llama.answer import Answer
from synapse_engines.llama.tail import Tail
from synapse_engines.llama.task import Task
from synapse_engines.settings import Settings
from synapse_engines.web.turns import Stop

MOST_EMBEDDED = 512
"""Tokens of a text that is embedded: what the model was trained for."""


class Engine:
    """The model of a GGUF file. Raises FailedError for a file that llama.cpp cannot load."""

    def __init__(self, path: Path, settings: Settings, *, is_embedding: bool = False) -> None:
        context = MOST_EMBEDDED if is_embedding else settings.context
        try:
            self.llama = Llama(
                str(path),
                n_ctx=context,
                n_batch=MOST_EMBEDDED,
                n_threads=settings.threads,
                n_threads_batch=settings.threads,
                embedding=is_embedding,
                verbose=False,
            )
        except (ValueError, RuntimeError) as error:
            raise FailedError(f"{path.name} cannot be loaded: {error}") from error
        self.path = path
        self.context = self.llama.n_ctx()

    def close(self) -> None:
        self.llama.close()

    def about(self) -> dict[str, Any]:
        """What `/v1/models` tells of it."""
        return {
            "n_vocab": self.llama.n_vocab(),
            "n_ctx": self.context,
            "n_ctx_train": self.llama._model.n_ctx_train(),  # noqa: SLF001 - there is no other way to it
            "n_embd": self.llama.n_embd(),
            "n_params": llama_model_n_params(self.llama.model),
            "size": llama_model_size(self.llama.model),
            "name": self.llama.metadata.get("general.name", self.path.stem),
        }

    # Text

    def tokens(self, text: str, *, is_bare: bool = False) -> list[int]:
        """*is_bare*: nothing is put before it or after it, for a template did that."""
        return self.llama.tokenize(text.encode(errors="replace"), add_bos=not is_bare, special=True)

    def checked(self, prompt: list[int]) -> list[int]:
        """*prompt* where it fits. Raises BadInputError and ContextSizeError."""
        if not prompt:
            raise BadInputError("the prompt is empty")
        if any(not 0 <= token < self.llama.n_vocab() for token in prompt):
            raise BadInputError(f"the prompt has tokens that the model has not; it has {self.llama.n_vocab()}")
        if len(prompt) >= self.context:
            message = f"request ({len(prompt)} tokens) exceeds the available context size ({self.context} tokens)"
            raise ContextSizeError(message, n_prompt_tokens=len(prompt), n_ctx=self.context)
        return prompt

    def generate(self, task: Task, answer: Answer, stop: Stop) -> Iterator[str]:
        """How the prompt goes on, part by part; *answer* is kept up to date."""
        room, most = self.context - len(task.prompt), task.asked.most_tokens
        answer.most_tokens = room if most is None else min(room, most)
        tail = Tail(task.asked.stops)
        if answer.most_tokens:
            yield from _told(answer, self._pieces(task, answer, tail, stop))
        yield from _told(answer, iter((tail.end(),)))

    def _pieces(self, task: Task, answer: Answer, tail: Tail, stop: Stop) -> Iterator[str]:
        for token in self._sampled(task):
            answer.count()
            if llama_vocab_is_eog(self.llama._model.vocab, token):  # noqa: SLF001
                answer.finish_reason = "stop"
                return
            yield tail.feed(self.llama.detokenize([token], prev_tokens=task.prompt))
            if tail.is_stopped:
                answer.finish_reason = "stop"
            if tail.is_stopped or answer.is_full or stop.is_set():
                return

    def _sampled(self, task: Task) -> Iterator[int]:
        asked = task.asked
        self.llama.set_seed(SystemRandom().getrandbits(31) if asked.seed is None else asked.seed & 0xFFFFFFFF)
        return self.llama.generate(
            task.prompt,
            temp=_or(asked.temperature, 0.8),
            top_k=_or(asked.top_k, 40),
            top_p=_or(asked.top_p, 0.95),
            min_p=_or(asked.min_p, 0.05),
            repeat_penalty=_or(asked.repeat_penalty, 1.0),
            frequency_penalty=_or(asked.frequency_penalty, 0.0),
            presence_penalty=_or(asked.presence_penalty, 0.0),
            grammar=task.grammar,
        )

    # Vectors

    def embed(self, tokens: list[int]) -> NDArray[np.float32]:
        """The vector of a text, of length 1."""
        batch: Any = self.llama._batch  # noqa: SLF001 - the public method takes no tokens
        batch.reset()
        batch.add_sequence(tokens, 0, logits_all=True)
        context: Any = self.llama._ctx  # noqa: SLF001
        context.kv_cache_clear()
        context.decode(batch)
        found = np.array(llama_get_embeddings_seq(self.llama.ctx, 0)[: self.llama.n_embd()], np.float32)
        length = np.linalg.norm(found)
        return found / length if length else found


def _told(answer: Answer, parts: Iterator[str]) -> Iterator[str]:
    """Those of *parts* that say something; *answer* has them all."""
    for part in parts:
        answer.text += part
        if part:
            yield part


def _or(value: float | None, default: Any) -> Any:  # noqa: ANN401 - an int or a float, as the default is
    return default if value is None else value
