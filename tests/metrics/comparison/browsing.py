"""A real browser, looked at from outside or driven key by key."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from tornado.websocket import websocket_connect

# Nothing of a browser's own may reach for the network.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_KEYS = {"Tab": 9, "Enter": 13, "ArrowRight": 39}
_ANSWER_LIMIT = 100 * 2**20


def browse(browser: str, page: Path, folder: Path, *options: str) -> Any:
    """Open a page, and give what the browser prints about it."""
    return subprocess.run(
        [browser, *OPTIONS, f"--user-data-dir={folder / 'profile'}", *options, f"file://{page}"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


class Tab:
    """A page in a browser that takes keys and answers questions (Chrome's DevTools protocol).

    Parameters
    ----------
    browser : str
        The program.
    page : Path
        The page.
    folder : Path
        For the browser's own files.
    width, height : int
        Of the window's inside, in pixels.
    """

    def __init__(self, browser: str, page: Path, folder: Path, width: int, height: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._errors = (folder / "browser.log").open("w+")
        self._browser = subprocess.Popen(
            [
                browser,
                *OPTIONS,
                f"--user-data-dir={folder / 'profile'}",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"file://{page}",
            ],
            stderr=self._errors,
        )
        self._asked = 0
        try:
            url = self._address(folder / "browser.log", page)
            self._socket = self._loop.run_until_complete(self._connected(url))
            self.call(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=height,
                deviceScaleFactor=1,
                mobile=False,
            )
            self._loop.run_until_complete(self._complete())
        except BaseException:
            self.close()
            raise

    def _address(self, log: Path, page: Path) -> str:
        for _ in range(600):
            port = re.search(r"ws://127\.0\.0\.1:(\d+)", log.read_text())
            if port:
                with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/json") as answer:
                    tabs = [tab for tab in json.load(answer) if tab["url"] == f"file://{page}"]
                if tabs:
                    return str(tabs[0]["webSocketDebuggerUrl"])
            assert self._browser.poll() is None, log.read_text()[-2000:]
            time.sleep(0.1)
        raise TimeoutError("the browser did not open the page")

    async def _connected(self, url: str) -> Any:
        return await websocket_connect(url, max_message_size=_ANSWER_LIMIT)

    async def _complete(self) -> None:
        loaded = "location.protocol === 'file:' && document.readyState === 'complete'"
        for _ in range(600):
            if await self._ask(loaded):  # at first there is an empty page, complete as it is
                return
            await asyncio.sleep(0.1)
        raise TimeoutError("the page was not loaded")

    async def _call(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        await self._socket.write_message(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            text = await asyncio.wait_for(self._socket.read_message(), timeout=240)
            answer = json.loads(text)
            if answer.get("id") == self._asked:
                assert "error" not in answer, answer
                return answer["result"]

    async def _ask(self, expression: str) -> Any:
        answer = await self._call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol."""
        return self._loop.run_until_complete(self._call(method, params))

    def ask(self, expression: str) -> Any:
        """Evaluate JavaScript beside the page's own policy, which lets nothing run."""
        return self._loop.run_until_complete(self._ask(expression))

    def press(self, key: str, times: int = 1) -> None:
        """Press a key as a user does."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def close(self) -> None:
        """End the browser."""
        self._browser.kill()
        self._browser.wait()
        self._errors.close()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
