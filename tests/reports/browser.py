"""A headless Chromium for tests, driven over its DevTools protocol by nothing but Python's standard library.

    with Browser() as browser:
        page = browser.open(path_of_html, width=1280)
        page.js("document.title")

The protocol goes over two pipes (--remote-debugging-pipe): messages are JSON, each ends in a zero byte. A page keeps what it must not do: `errors` (console
errors, exceptions, refused by its security policy) and `requests` (everything that it asked the network for).
"""
import base64
import collections
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
SKIPPED = 77


def find_chromium():
    """Path of the program, or None. $WEFT_CHROMIUM names another one."""
    named = os.environ.get("WEFT_CHROMIUM")
    return named or next((found for found in map(shutil.which, NAMES) if found), None)


class Browser:
    def __init__(self, program=None, limit_s=60):
        self.limit_s = limit_s
        self.profile = tempfile.TemporaryDirectory(prefix="weft-chromium-", ignore_cleanup_errors=True)
        to_browser, self.to = os.pipe()
        self.of, from_browser = os.pipe()
        command = [program or find_chromium(), "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
                   "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
                   "--hide-scrollbars", "--force-color-profile=srgb", "--font-render-hinting=none", "--user-data-dir=" + self.profile.name]
        if os.geteuid() == 0:
            command.append("--no-sandbox")   # Chromium's sandbox does not work for root
        # The pipes become file descriptors 3 and 4 of the browser, whatever they are here.
        launch = 'exec "$@" 3<&%d 4>&%d' % (to_browser, from_browser)
        self.process = subprocess.Popen(["sh", "-c", launch, "sh", *command], pass_fds=(to_browser, from_browser), start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.profile.name, "XDG_CACHE_HOME": self.profile.name})
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.buffer, self.answers, self.pages = 0, b"", {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.send("Browser.close")
            self.process.wait(5)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)   # its helpers, of its own session
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.of)
        self.profile.cleanup()

    def read(self, until):
        """Takes one message in; RuntimeError when none comes."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.of], [], [], max(0, until - time.monotonic()))
            data = os.read(self.of, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("Chromium says nothing" if not ready else f"Chromium ended with {self.process.poll()}")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
        elif message.get("sessionId") in self.pages:
            self.pages[message["sessionId"]].note(message["method"], message["params"])

    def send(self, method, params=None, session=None):
        """The answer of a command; RuntimeError with Chromium's words when it refuses."""
        self.number += 1
        number, message = self.number, {"id": self.number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        until = time.monotonic() + self.limit_s
        while number not in self.answers:
            self.read(until)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def open(self, path, width=1280, height=900, dark=False, touch=False, reduced_motion=False):
        """A file in a tab of its own, loaded and drawn."""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "Audits"):
            page.send(domain + ".enable")
        page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        page.send("Emulation.setTouchEmulationEnabled", enabled=touch, maxTouchPoints=5 if touch else 1)
        page.media(dark=dark, reduced_motion=reduced_motion)
        page.send("Page.bringToFront")
        page.send("Page.navigate", url=Path(path).resolve().as_uri())
        page.wait("location.protocol === 'file:' && document.readyState === 'complete'")
        page.settle()
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.errors, self.requests, self.events = [], [], collections.Counter()

    def send(self, method, **params):
        return self.browser.send(method, params, self.session)

    def note(self, method, params):
        self.events[method] += 1
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert", "warning"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Audits.issueAdded" and "contentSecurityPolicy" in params["issue"]["code"]:
            self.errors.append("the page's security policy refused something")
        elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("data:"):
            self.requests.append(params["request"]["url"])

    def js(self, expression):
        """The value of an expression, of a promise what it gives. RuntimeError when it throws."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, condition, limit_s=60):
        until = time.monotonic() + limit_s
        while not self.js(condition):
            if time.monotonic() > until:
                raise RuntimeError(f"never came true: {condition}")
            time.sleep(0.02)

    def settle(self):
        """Until what was asked for has been drawn. The tab comes to the front: others are not drawn."""
        self.send("Page.bringToFront")
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))")

    def media(self, dark=False, reduced_motion=False, kind=""):
        self.send("Emulation.setEmulatedMedia", media=kind, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}])
        self.settle_if_loaded()

    def settle_if_loaded(self):
        if self.events["Page.loadEventFired"]:
            self.settle()

    def key(self, key):
        text = {"text": key} if len(key) == 1 else {}
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35}.get(key, ord(key[0]))
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.settle()

    def mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
        self.settle()

    def drag(self, x, y, by):
        self.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
        for part in (0.5, 1):
            self.mouse("mouseMoved", x + by * part, y, button="left", buttons=1)
        self.mouse("mouseReleased", x + by, y, button="left", clickCount=1)

    def screenshot(self, path=None, scale=1, top=0, height=16000):
        """PNG bytes of the page from `top` on, made smaller by `scale`; written to `path` when there is one."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": min(height, size["height"] - top), "scale": scale}
        data = base64.b64decode(self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])
        if path:
            Path(path).write_bytes(data)
        return data

    def pdf(self, **options):
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True, **options)["data"])

    def accessibility(self):
        """What a screen reader is given: dicts of role, name, level, for nodes that are not ignored."""
        found = []
        for node in self.send("Accessibility.getFullAXTree")["nodes"]:
            if node.get("ignored"):
                continue
            level = next((p["value"]["value"] for p in node.get("properties", []) if p["name"] == "level"), None)
            found.append({"role": node.get("role", {}).get("value"), "name": node.get("name", {}).get("value", ""), "level": level})
        return found

    def close(self):
        self.send("Page.close")


def pages_of_pdf(data):
    return len(re.findall(rb"/Type\s*/Page\b", data))


def colours_of_png(data):
    """How often each colour is seen in a PNG of 8 bits a channel. Slow: for small ones."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    at, packed, width, height, channels = 8, b"", 0, 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8, "not of 8 bits a channel"
            channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, stride, before = zlib.decompress(packed), width * channels, bytearray(width * channels)
    counts = collections.Counter()
    for y in range(height):
        line = unfiltered(raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)]), before, channels)
        counts.update(bytes(line[x:x + 3]) for x in range(0, stride, channels))
        before = line
    return counts


def unfiltered(kind, line, before, channels):
    """A line of a PNG as it was before its filter."""
    if kind == 1:
        for i in range(channels, len(line)):
            line[i] = (line[i] + line[i - channels]) & 255
    elif kind == 2:
        return bytearray((a + b) & 255 for a, b in zip(line, before))
    elif kind == 3:
        for i in range(len(line)):
            line[i] = (line[i] + ((line[i - channels] if i >= channels else 0) + before[i]) // 2) & 255
    elif kind == 4:
        for i in range(len(line)):
            left, above, corner = (line[i - channels], before[i], before[i - channels]) if i >= channels else (0, before[i], 0)
            guess = left + above - corner
            far = (abs(guess - left), abs(guess - above), abs(guess - corner))
            line[i] = (line[i] + (left, above, corner)[far.index(min(far))]) & 255
    return line
