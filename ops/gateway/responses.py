"""What the gateway's answers must hold for a check to read them; more may be in them."""

from pydantic import BaseModel


class BackendHealth(BaseModel):
    status: str
    code: int | None = None
    error: str | None = None


class Health(BaseModel):
    status: str
    backends: dict[str, BackendHealth]


class ModelStatus(BaseModel):
    value: str = "unloaded"
    failed: bool = False


class Model(BaseModel):
    id: str
    status: ModelStatus = ModelStatus()


class Models(BaseModel):
    data: list[Model]


class Done(BaseModel):
    success: bool


class Vector(BaseModel):
    embedding: list[float]


class Embeddings(BaseModel):
    data: list[Vector]


class Usage(BaseModel):
    completion_tokens: int


class Message(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None

    @property
    def text(self) -> str:
        return self.content or self.reasoning_content or ""


class Choice(BaseModel):
    message: Message


class Chat(BaseModel):
    choices: list[Choice]
    usage: Usage


class Delta(BaseModel):
    delta: Message


class Chunk(BaseModel):
    choices: list[Delta]
    usage: Usage | None = None


class Transcript(BaseModel):
    text: str


class Turn(BaseModel):
    speaker: str
    start: float
    end: float


class Diarized(BaseModel):
    segments: list[Turn]


class Verified(BaseModel):
    is_same_speaker: bool
    similarity_score: float
    threshold: float


class Voice(BaseModel):
    voice_id: str
