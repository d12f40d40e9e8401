"""Answers from any server on OpenAI's chat API: Ollama, llama.cpp, vLLM, LM Studio, or one in a cloud."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.config import ChatServer
from agent.knowledge.documents import MAX_FILE_BYTES, MAX_FILES
from agent.knowledge.library import Shelf, read_library
from agent.llm import Delta, DialogueError, Message, Prompt, TextDelta
from agent.llm.chat_format import to_chat, to_tools
from agent.llm.chat_stream import ChatReader, ChatStreamError
from agent.llm.sources import Sources, find_sources
from agent.openai_api import Api, ApiError, Retries, TooSlow

if TYPE_CHECKING:
    import httpx2

_PATH = "/chat/completions"
_LARGEST_EVENT = 2**20
_SETTLE_SECONDS = 0.25
"""A whole answer's connection may end by itself for so long; then it can be used again."""


class OpenAIChat:
    """A chat server behind `DialogueEngine`. `folder`, `files`, `file_bytes`: the documents, as for `load`."""

    name = "openai"

    def __init__(
        self,
        server: ChatServer,
        folder: Path | None = None,
        *,
        files: int = MAX_FILES,
        file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self.input_tokens = server.input_tokens
        self._server = server
        self._api = Api(server, self.name)
        self._model = server.model
        self._read = partial(read_library, folder, max_files=files, max_bytes=file_bytes)
        self._shelves: dict[str, Shelf] = {}

    async def start(self) -> None:
        """Connect, choose the model where there is but one, and have it loaded. Raises DialogueError, or KnowledgeError
        where the documents cannot be read."""
        if self._server.knowledge:
            self._shelves = await asyncio.to_thread(self._read)
        try:
            self._api.open()
            await self._choose_model()
            if self._server.warm_up:
                await self._warm_up()
        except ApiError as error:
            raise DialogueError(str(error)) from None

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """Closing the iterator, or cancelling the task that reads it, closes the connection; the server then stops."""
        sources = find_sources(self._shelves, prompt)
        answer = ""
        async with aclosing(self._attempts(prompt, sources)) as deltas:
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    answer += delta.text
                yield delta
        citation = sources.cited(answer) if sources is not None else None
        if citation is not None:
            yield citation

    async def stop(self) -> None:
        await self._api.close()

    async def _choose_model(self) -> None:
        if self._model:
            return
        models = await self._api.models()
        if len(models) != 1:
            there = f"it has {', '.join(models[:12])}" if models else "it names none"
            raise ApiError(f"{self._server.base_url}: set engines.options.{self.name}.model; {there}")
        self._model = models[0]

    async def _warm_up(self) -> None:
        """Ask something, and hang up at the first piece of the answer."""
        deadline = asyncio.get_running_loop().time() + self._server.load_seconds
        body = self._body(Prompt((Message("user", "Hello"),)), None)
        try:
            async with (
                self._api.call("POST", _PATH, body, deadline, private=False) as response,
                aclosing(self._events(response, deadline)) as events,
            ):
                async for data in events:
                    ChatReader().read(data)
                    return
        except TooSlow:
            raise self._api.too_slow("has not loaded its model in time", "load_seconds") from None
        except ChatStreamError as error:
            raise self._broken(error) from None

    async def _attempts(self, prompt: Prompt, sources: Sources | None) -> AsyncGenerator[Delta, None]:
        """The answer. What fails before any of it has come is tried again, where that may help."""
        deadline = asyncio.get_running_loop().time() + self._server.first_seconds
        retries = Retries(self._server, deadline)
        while True:
            began = False
            try:
                await self._choose_model()
                async with aclosing(self._stream(self._body(prompt, sources), deadline)) as deltas:
                    async for delta in deltas:
                        began = True
                        yield delta
                return
            except ApiError as error:
                if began or not await retries.wait(error):
                    raise DialogueError(str(error)) from None

    async def _stream(self, body: dict[str, Any], deadline: float) -> AsyncGenerator[Delta, None]:
        reader = ChatReader()
        try:
            async with self._api.call("POST", _PATH, body, deadline) as response:
                async with aclosing(self._events(response, deadline, reader)) as events:
                    async for data in events:
                        for delta in reader.read(data):
                            yield delta
                        if reader.over:
                            return
                reader.end()
        except ChatStreamError as error:
            raise self._broken(error) from None
        except ApiError:
            if not reader.finished:
                raise

    async def _events(
        self, response: "httpx2.Response", deadline: float, reader: ChatReader | None = None
    ) -> AsyncGenerator[str, None]:
        """Each event's data. Until something can be said `deadline` counts, then the time since the last event."""
        import httpx2  # noqa: PLC0415 -- an extra

        source = aiter(httpx2.EventSource(response, max_event_size=_LARGEST_EVENT))
        loop = asyncio.get_running_loop()
        while True:
            if reader is not None and reader.spoke:
                deadline = loop.time() + self._server.idle_seconds
            if reader is not None and reader.finished:
                deadline = loop.time() + _SETTLE_SECONDS
            try:
                async with asyncio.timeout_at(deadline):
                    event = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise self._too_slow(reader) from None
            yield event.data

    def _too_slow(self, reader: ChatReader | None) -> TooSlow:
        if reader is not None and reader.spoke:
            return self._api.too_slow("stopped in the middle of its answer", "idle_seconds")
        if reader is not None and reader.reasoned:
            return self._api.too_slow("thinks too long before it speaks: let its model think less (docs/engines.md)")
        return self._api.too_slow()

    def _broken(self, error: ChatStreamError) -> ApiError:
        return ApiError(f"{self._server.base_url} {error}: see that server's log", passing=error.passing)

    def _body(self, prompt: Prompt, sources: Sources | None) -> dict[str, Any]:
        body = {
            "model": self._model,
            "messages": to_chat(prompt, sources.as_data() if sources is not None else ""),
            "stream": True,
            **to_tools(prompt),
            **self._server.body,
        }
        if prompt.max_output_tokens is not None:
            # OpenAI's newer models refuse the name that every other server knows.
            theirs = urlsplit(self._server.base_url).hostname == "api.openai.com"
            body["max_completion_tokens" if theirs else "max_tokens"] = prompt.max_output_tokens
        return body
