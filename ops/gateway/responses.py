"""Fields of the gateway's responses that the commands read; other fields are ignored."""

from pydantic import BaseModel


class BackendHealth(BaseModel):
    status: str
    code: int | None = None
    error: str | None = None


class GatewayHealth(BaseModel):
    status: str
    backends: dict[str, BackendHealth]


class ModelStatus(BaseModel):
    value: str = "unloaded"
    failed: bool = False


class ListedModel(BaseModel):
    id: str
    status: ModelStatus = ModelStatus()


class ModelList(BaseModel):
    data: list[ListedModel]


class SuccessResponse(BaseModel):
    success: bool


class Vector(BaseModel):
    embedding: list[float]


class EmbeddingsResponse(BaseModel):
    data: list[Vector]


class Relevance(BaseModel):
    index: int
    relevance_score: float


class RerankResponse(BaseModel):
    results: list[Relevance]


class Usage(BaseModel):
    completion_tokens: int


class FunctionCall(BaseModel):
    name: str
    arguments: str


class ToolCall(BaseModel):
    function: FunctionCall


class Message(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None

    @property
    def text(self) -> str:
        return self.content or self.reasoning_content or ""

    @property
    def answer(self) -> str:
        """The text without reasoning, which an engine without a parser of it leaves in the content."""
        return (self.content or "").rpartition("</think>")[2].strip()


class Choice(BaseModel):
    message: Message


class ChatResponse(BaseModel):
    choices: list[Choice]
    usage: Usage

    @property
    def message(self) -> Message:
        """The first message, or an empty one."""
        return self.choices[0].message if self.choices else Message()


class Delta(BaseModel):
    delta: Message


class ChatChunk(BaseModel):
    choices: list[Delta]
    usage: Usage | None = None


class TranscriptResponse(BaseModel):
    text: str


class SpeakerTurn(BaseModel):
    speaker: str
    start: float
    end: float


class DiarizationResponse(BaseModel):
    segments: list[SpeakerTurn]


class VerificationResponse(BaseModel):
    is_same_speaker: bool
    similarity_score: float
    threshold: float


class VoiceResponse(BaseModel):
    voice_id: str
