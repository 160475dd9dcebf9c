"""A headless Chromium, driven through the pipe of its DevTools protocol; no driver has to be installed."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager

CHROMIUM = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


class Tab:
    """One page. Commands are answered in order; what the page complains of is kept in ``complaints``."""

    def __init__(self, sending, receiving):
        self._sending, self._receiving, self._count, self._session = sending, receiving, 0, None
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        self._sending.write(json.dumps(message).encode() + b"\0")
        self._sending.flush()
        return self._wait(lambda answer: answer.get("id") == self._count)["result"]

    def open(self, url):
        self.call("Page.navigate", url=url)
        self._wait(lambda event: event.get("method") == "Page.loadEventFired")

    def run(self, script):
        """The value of an expression in the page, which is not held back by the page's own policy."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, selector):
        """A real click of the mouse on the middle of an element."""
        place = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const b = e.getClientRects()[0];"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0],
                y=place[1],
                button="left",
                clickCount=1,
            )
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def _wait(self, fits):
        while True:
            read = bytearray()
            while not read.endswith(b"\0"):
                byte = self._receiving.read(1)
                assert byte, "the browser went away"
                read += byte
            message = json.loads(read[:-1])
            if message.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(message["params"])
            if message.get("method") == "Network.requestWillBeSent":
                self.complaints += [
                    url
                    for url in [message["params"]["request"]["url"]]
                    if not url.startswith(("file:", "data:"))
                ]
            assert "error" not in message, message
            if fits(message):
                return message


@contextmanager
def browser(profile, *flags):
    """A fresh browser with one tab, gone afterwards."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def as_3_and_4():
        # Moved out of the way first, or one of them could overwrite the other.
        ours = os.dup2(to_read, 20), os.dup2(from_write, 21)
        os.dup2(ours[0], 3)
        os.dup2(ours[1], 4)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags],
        preexec_fn=as_3_and_4,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(from_write)
    with os.fdopen(to_write, "wb") as sending, os.fdopen(from_read, "rb") as receiving:
        try:
            yield Tab(sending, receiving)
        finally:
            process.kill()
            process.wait()
