"""OpenAI Realtime GA events, typed, with ours among them: what a client may send and what we send."""

from agent.realtime.client_events import *  # noqa: F403
from agent.realtime.server_events import *  # noqa: F403
