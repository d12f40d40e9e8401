"""What all parts of one conversation share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.conversation.bounds import INPUT_TOKENS
from agent.conversation.effects import Effect, Send
from agent.conversation.history import History, Item
from agent.conversation.turns import TurnSettings
from agent.realtime import events as wire
from agent.realtime.events import Json, ServerEvent, new_id
from agent.realtime.session_config import SemanticVad, ServerVad, SessionConfig
from avatar.behaviour import Style
from avatar.behaviour.repertoire import Repertoire, with_changes


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """What does not change in a conversation. Texts and voices are by language ("en", "zh")."""

    config: SessionConfig
    turns: TurnSettings = field(default_factory=TurnSettings)
    language: str = "en"
    voices: Mapping[str, str] = field(default_factory=dict)
    """The default voice of each language."""
    known_voices: frozenset[str] = frozenset()
    greeting: Mapping[str, str] = field(default_factory=dict)
    not_caught: Mapping[str, str] = field(default_factory=dict)
    min_confidence: float = 0.0
    """Words recognised with less are not acted on."""
    hears: tuple[str, ...] | None = None
    """Languages that the recogniser understands; None: any."""
    input_tokens: int = INPUT_TOKENS
    """Tokens that a prompt may have, by our own estimate."""
    style: Style = field(default_factory=Style)
    """How lively the person is, unless the client says otherwise."""
    behaviour: str = ""
    """What the owner's table changes in what the face can do, as TOML: see avatar.behaviour.repertoire.read_changes."""
    idle_prompt_seconds: float = 0.0
    """Silence after a reply in which a client of ours is spoken to; 0: never."""
    speculate: bool = True
    new_id: Callable[[str], str] = new_id
    """Makes an id from its prefix. Ids are inputs too: a replay gives the recorded ones."""

    @property
    def repertoire(self) -> Repertoire:
        """All that the face can do."""
        return with_changes(self.behaviour)


class Context:
    """The session as it is set now, its history, and the effects asked for so far."""

    def __init__(self, settings: ConversationSettings) -> None:
        self.settings = settings
        self.config = settings.config
        self.patience = settings.turns.patience
        """How long unfinished turns are waited for: the owner's setting until the client sets its own."""
        self.style = settings.style
        """How lively the person is: likewise."""
        self.ours = False
        """Whether the player is one of ours: it asked for the face."""
        self.pace = 1.0
        """Multiplies the voice's speed: what the visitor has asked for."""
        self.id = settings.new_id("sess")
        self.conversation_id = settings.new_id("conv")
        self.history = History()
        self.effects: list[Effect] = []

    def do(self, effect: Effect) -> None:
        """Ask for an effect."""
        self.effects.append(effect)

    def emit(self, event: ServerEvent) -> None:
        """Send an event."""
        self.effects.append(Send(event))

    def take_effects(self) -> list[Effect]:
        """All that was asked for since the last call."""
        taken, self.effects = self.effects, []
        return taken

    def add(self, item: Item, previous: str | None = None) -> str | None:
        """Give `item` its place in the history, and tell of the oldest that go for it. Returns the id of the item
        before it. Raises WireError."""
        self.history.add(item, previous)
        if self.config.truncation != "disabled":
            for gone in self.history.make_room(item):
                self.emit(wire.ItemDeleted(item_id=gone))
        return self.history.before(item.id)

    def check_room(self) -> None:
        """Raises WireError where another item would make the oldest go and none may."""
        if self.history.full and self.config.truncation == "disabled":
            raise wire.WireError(
                "context_length_exceeded",
                f"The conversation has {len(self.history)} items, no more fit: delete some, or let truncation be auto.",
                param="session.truncation",
            )

    def announce(self, item: Item, before: str | None, now: float) -> None:
        """Tell of an item that is whole as it is added."""
        self.emit(wire.ItemAdded(previous_item_id=before, item=item.to_wire(now)))
        self.emit(wire.ItemDone(previous_item_id=before, item=item.to_wire(now)))

    def session_to_wire(self) -> Json:
        """The session as clients see it."""
        body = self.config.model_dump()
        if not body["audio"]["output"]["voice"]:
            body["audio"]["output"]["voice"] = self.voice
        _drop_nulls(body["audio"]["input"], "transcription", "noise_reduction")
        _drop_nulls(body, "tracing", "prompt", "reasoning", "truncation")
        return body | {"id": self.id, "object": "realtime.session"}

    @property
    def detection(self) -> ServerVad | SemanticVad | None:
        """How turns are told; None: the client says when one is over."""
        return self.config.audio.input.turn_detection

    @property
    def language(self) -> str:
        """The language of the conversation now: "en", "zh" …"""
        transcription = self.config.audio.input.transcription
        wanted = transcription.language if transcription is not None else None
        return (wanted or self.settings.language).split("-")[0].lower()

    @property
    def understands(self) -> bool:
        """Whether speech in the conversation's language can be recognised; if not, it is for typing only."""
        return self.settings.hears is None or self.language in self.settings.hears

    @property
    def voice(self) -> str:
        """The session's voice."""
        return self.voice_named(self.config.audio.output.voice)

    def voice_named(self, wanted: str) -> str:
        """The voice of that name. One that we do not have stands for the language's default: stock clients ask for
        voices of their own service."""
        if wanted in self.settings.known_voices:
            return wanted
        voices = self.settings.voices
        return voices.get(self.language) or next(iter(voices.values()), "")


def _drop_nulls(body: Json, *names: str) -> None:
    """Leave out what was not set in these parts."""
    for name in names:
        if isinstance(body[name], dict):
            body[name] = {key: value for key, value in body[name].items() if value is not None}
