"""@openai/agents-realtime in Chromium: a page imports the package's own bundle and speaks to us by websocket.

The page has our server's origin, as one that the server's owner serves would; its files come from the package's
environment. A browser cannot set headers, so the key goes into a subprotocol.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from playwright.async_api import ConsoleMessage, Error, Page, Route, async_playwright

PAGE = """<!doctype html><title>A stock client</title><script type="module">
import * as library from './node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.mjs';
import { z } from './node_modules/zod/index.js';
import { perform } from './clients/agents_realtime_scenarios.mjs';
const pcm = async (name) => new Uint8Array(await (await fetch(`./speech/${name}.pcm`)).arrayBuffer());
const address = `${location.origin.replace('http', 'ws')}/v1/realtime?model=visavis`;
const [question, interruption] = [await pcm('question'), await pcm('interruption')];
await perform({ library, z, address, apiKey: 'ek_unused', question, interruption });
document.title = 'done';
</script>"""
OPTIONS = [
    "--no-sandbox",
    "--no-proxy-server",
    # A page whose files come from us and not from the network counts as one of the wide world, which may not reach
    # this machine's own servers unasked.
    "--disable-features=LocalNetworkAccessChecks",
]
FOLDER = "/a-stock-client/"
SECONDS = 140


def folders(speech: Path) -> dict[str, Path]:
    return {"node_modules": Path.cwd() / "node_modules", "clients": Path(__file__).parent, "speech": speech}


async def give(page: Page, url: str, speech: Path) -> None:
    """Answer the page's requests for files ourselves; its websocket goes to the server."""
    known = folders(speech)

    async def fulfil(route: Route) -> None:
        path = route.request.url.partition(FOLDER)[2].partition("?")[0]
        top, _, rest = path.partition("/")
        if not path:
            await route.fulfill(body=PAGE, content_type="text/html")
        elif top in known:
            kind = "text/javascript" if path.endswith((".js", ".mjs")) else "application/octet-stream"
            await route.fulfill(path=known[top] / rest, content_type=kind)
        else:
            await route.abort()

    await page.route(f"{url}{FOLDER}**", fulfil)


def note(message: ConsoleMessage) -> None:
    print(message.text, file=sys.stdout if message.text.startswith("{") else sys.stderr, flush=True)


async def main(url: str, speech: Path) -> None:
    options = {"executable_path": os.environ["VISAVIS_BROWSER"]} if os.environ.get("VISAVIS_BROWSER") else {}
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(args=OPTIONS, **options)
        except Error as error:
            why = str(error).splitlines()[0]
            print(json.dumps({"unavailable": f"there is no browser here ({why}): apt-get install chromium"}))
            return
        page = await browser.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: print(error, file=sys.stderr))
        await give(page, url, speech)
        await page.goto(url + FOLDER)
        await page.wait_for_function("document.title === 'done'", timeout=SECONDS * 1000)
        await browser.close()


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
