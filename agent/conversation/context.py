"""What all parts of one conversation share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.conversation.effects import Effect, Send
from agent.conversation.history import History
from agent.conversation.turns import TurnSettings
from agent.realtime.events import ServerEvent, new_id
from agent.realtime.session_config import SessionConfig


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
    speculate: bool = True
    new_id: Callable[[str], str] = new_id
    """Makes an id from its prefix. Ids are inputs too: a replay gives the recorded ones."""


class Context:
    """The session as it is set now, its history, and the effects asked for so far."""

    def __init__(self, settings: ConversationSettings) -> None:
        self.settings = settings
        self.config = settings.config
        self.patience = settings.turns.patience
        """How long unfinished turns are waited for: the owner's setting until the client sets its own."""
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
        """The voice of the next reply. One that we do not have stands for the language's default: stock clients ask
        for voices of their own service."""
        wanted = self.config.audio.output.voice
        if isinstance(wanted, str) and wanted in self.settings.known_voices:
            return wanted
        voices = self.settings.voices
        return voices.get(self.language) or next(iter(voices.values()), "")
