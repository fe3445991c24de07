"""A headless Chromium spoken to through its debugging pipe: enough of the protocol for the tests of the report."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip
#: What a key is to the protocol: its code, and the text that it types.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "ArrowRight": (39, ""), "ArrowDown": (40, "")}


class Browser:
    """One page. `errors` collects what its console and its scripts complained about."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM
        to_it, self._write = os.pipe()
        self._read, from_it = os.pipe()
        # The protocol's pipes are the descriptors 3 and 4; a shell puts them there, whatever ours are called.
        script = f'exec "$0" "$@" 3<&{to_it} 4>&{from_it}'
        argv = ["bash", "-c", script, CHROMIUM, *FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(argv, pass_fds=(to_it, from_it), stderr=subprocess.DEVNULL)
        os.close(to_it)
        os.close(from_it)
        self._ids = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self.errors: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer.get("result", {})

    def open(self, page: Path, width: int, height: int = 900, dark: bool = False, hash: str = "") -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.go(page.as_uri() + hash)

    def go(self, url: str) -> None:
        """Loads `url` anew, also where it differs from the page that is open in nothing but its hash."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait("location.href !== 'about:blank' && document.readyState === 'complete'")

    def press(self, *keys: str) -> None:
        """Presses keys one after the other: a name of `KEYS`, or a letter."""
        for key in keys:
            code, text = KEYS.get(key, (ord(key.upper()[0]), key))
            its = {"key": key if key in KEYS and text != " " else text, "windowsVirtualKeyCode": code, "text": text}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **its)
            self.call("Input.dispatchKeyEvent", type="keyUp", **its)

    def ask(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def each(self, selector: str, expression: str = "e.textContent.trim()") -> list[Any]:
        """What `expression` says of every element `e` that the selector finds."""
        found: list[Any] = self.ask(
            f"Array.from(document.querySelectorAll({json.dumps(selector)}), (e) => {expression})"
        )
        return found

    def click(self, selector: str) -> None:
        self.ask(f"document.querySelector({json.dumps(selector)}).click()")

    def wait(self, expression: str, seconds: float = 120) -> None:
        """Until the page says that `expression` is true; a page that never does is an AssertionError."""
        self.until(lambda: self.ask(f"Boolean({expression})"), expression, seconds)

    def until(self, true: Callable[[], Any], what: str = "", seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"never true: {what}"
            time.sleep(0.05)

    def picture(self, path: Path) -> None:
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], 180)
            assert ready, "the browser says nothing any more"
            more = os.read(self._read, 1 << 20)
            assert more, "the browser ended"
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str(params["args"]))
        if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        return message
