"""Model of llama.cpp in memory, for one thread at a time."""

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
from synapse_engines.llama.generation import Generation
from synapse_engines.llama.stop_words import StopWordFilter
from synapse_engines.llama.task import GenerationTask
from synapse_engines.settings import Settings
from synapse_engines.web.work_queue import CancelEvent

MAX_EMBEDDING_TOKENS = 512
"""Length of a text to embed: the context that the model was trained with."""


class LlamaModel:
    """Model of a GGUF file. Raises FailedError for a file that llama.cpp cannot load."""

    def __init__(self, path: Path, settings: Settings, *, is_embedding: bool = False) -> None:
        context = MAX_EMBEDDING_TOKENS if is_embedding else settings.context
        try:
            self.llama = Llama(
                str(path),
                n_ctx=context,
                n_batch=MAX_EMBEDDING_TOKENS,
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

    def metadata(self) -> dict[str, Any]:
        """Return the `meta` field of `/v1/models`."""
        return {
            "n_vocab": self.llama.n_vocab(),
            "n_ctx": self.context,
            "n_ctx_train": self.llama._model.n_ctx_train(),  # noqa: SLF001 - there is no public method
            "n_embd": self.llama.n_embd(),
            "n_params": llama_model_n_params(self.llama.model),
            "size": llama_model_size(self.llama.model),
            "name": self.llama.metadata.get("general.name", self.path.stem),
        }

    # Text

    def tokens(self, text: str, *, is_bare: bool = False) -> list[int]:
        """Return the tokens of *text*; *is_bare*: without the start token, which a chat template has already."""
        return self.llama.tokenize(text.encode(errors="replace"), add_bos=not is_bare, special=True)

    def check_prompt(self, prompt: list[int]) -> list[int]:
        """Return *prompt*. Raises BadInputError for unknown tokens, ContextSizeError for too many."""
        if not prompt:
            raise BadInputError("the prompt is empty")
        if any(not 0 <= token < self.llama.n_vocab() for token in prompt):
            raise BadInputError(f"the prompt has unknown tokens; accepted: 0 to {self.llama.n_vocab() - 1}")
        if len(prompt) >= self.context:
            message = f"request ({len(prompt)} tokens) exceeds the available context size ({self.context} tokens)"
            raise ContextSizeError(message, n_prompt_tokens=len(prompt), n_ctx=self.context)
        return prompt

    def generate(self, task: GenerationTask, generation: Generation, cancel: CancelEvent) -> Iterator[str]:
        """Yield the generated text in parts; *generation* is kept up to date."""
        available, limit = self.context - len(task.prompt), task.body.token_limit
        generation.max_tokens = available if limit is None else min(available, limit)
        output = StopWordFilter(task.body.stop_words)
        if generation.max_tokens:
            yield from _collect(generation, self._pieces(task, generation, output, cancel))
        yield from _collect(generation, iter((output.end(),)))

    def _pieces(
        self, task: GenerationTask, generation: Generation, output: StopWordFilter, cancel: CancelEvent
    ) -> Iterator[str]:
        for token in self._sample(task):
            generation.count_token()
            if llama_vocab_is_eog(self.llama._model.vocab, token):  # noqa: SLF001
                generation.finish_reason = "stop"
                return
            yield output.feed(self.llama.detokenize([token], prev_tokens=task.prompt))
            if output.is_stopped:
                generation.finish_reason = "stop"
            if output.is_stopped or generation.is_at_limit or cancel.is_set():
                return

    def _sample(self, task: GenerationTask) -> Iterator[int]:
        body = task.body
        self.llama.set_seed(SystemRandom().getrandbits(31) if body.seed is None else body.seed & 0xFFFFFFFF)
        return self.llama.generate(
            task.prompt,
            temp=_default(body.temperature, 0.8),
            top_k=_default(body.top_k, 40),
            top_p=_default(body.top_p, 0.95),
            min_p=_default(body.min_p, 0.05),
            repeat_penalty=_default(body.repeat_penalty, 1.0),
            frequency_penalty=_default(body.frequency_penalty, 0.0),
            presence_penalty=_default(body.presence_penalty, 0.0),
            grammar=task.grammar,
        )

    # Vectors

    def embed(self, tokens: list[int]) -> NDArray[np.float32]:
        """Return the embedding of a text, normalized to length 1."""
        batch: Any = self.llama._batch  # noqa: SLF001 - the public method takes no tokens
        batch.reset()
        batch.add_sequence(tokens, 0, logits_all=True)
        context: Any = self.llama._ctx  # noqa: SLF001
        context.kv_cache_clear()
        context.decode(batch)
        vector = np.array(llama_get_embeddings_seq(self.llama.ctx, 0)[: self.llama.n_embd()], np.float32)
        length = np.linalg.norm(vector)
        return vector / length if length else vector


def _collect(generation: Generation, parts: Iterator[str]) -> Iterator[str]:
    """Append *parts* to the text of *generation*, and yield those that are not empty."""
    for part in parts:
        generation.text += part
        if part:
            yield part


def _default(value: float | None, default: Any) -> Any:  # noqa: ANN401 - an int or a float, as the default is
    return default if value is None else value
