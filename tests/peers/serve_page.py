#!/usr/bin/env python3
"""Opens the page of `assay serve` in headless Chromium, asks two models one question, and checks what the page shows.

  serve_page.py ASSAY SOURCE_DIR [MODEL MODEL] [--pictures FOLDER]

Without models, a tiny random one and its 2-bit variant answer. Light, dark and phone. With --pictures, a picture of each is written. Needs chromium and the package websocket-client.
"""
import argparse
import base64
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

try:
    import websocket
except ImportError:
    print("skipped: no package websocket-client")
    sys.exit(77)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab, over Chromium's DevTools protocol."""

    def __init__(self, port):
        for _ in range(200):
            try:
                tabs = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
                break
            except OSError:
                time.sleep(0.1)
        tab = next(t for t in tabs if t["type"] == "page")
        self.socket = websocket.create_connection(tab["webSocketDebuggerUrl"], timeout=120, suppress_origin=True)
        self.numbers = itertools.count(1)

    def send(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def run(self, script):
        out = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in out, out
        return out["result"].get("value")

    def until(self, script, seconds=120):
        end = time.time() + seconds
        while time.time() < end:
            if self.run(script):
                return
            time.sleep(0.1)
        raise AssertionError("never true: " + script)


LOOKS = {"light": (1200, 700, "light"), "dark": (1200, 700, "dark"), "phone": (390, 844, "light")}


def look(page, url, name, pictures):
    width, height, scheme = LOOKS[name]
    page.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=name == "phone")
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.send("Page.navigate", url=url)
    page.until("document.readyState === 'complete' && typeof columns !== 'undefined' && columns.length === 2")
    page.run("document.getElementById('most').value = 40;"
             "document.getElementById('text').value = 'Name three colours.'; document.getElementById('ask').requestSubmit(); 1")
    page.until("columns.every(c => c.answer && c.answer.done)")
    shown = page.run("columns.map(c => [c.log.innerText, c.speed.innerText, c.log.querySelectorAll('mark').length,"
                     "c.answer.tokens, c.answer.pieces.join('')])")
    tokens = [one[3] for one in shown]
    first = next((i for i, (a, b) in enumerate(zip(*tokens)) if a != b), None)
    if first is None and len(tokens[0]) != len(tokens[1]):
        first = min(map(len, tokens))
    for text, speed, marks, own, answer in shown:
        assert "Name three colours." in text, text
        assert "tokens/s" in speed and f"{len(own)} tokens" in speed, speed
        if first is None:
            assert marks == 0 and "equal answers" in speed, speed
        else:
            assert f"differ from token {first + 1} on" in speed, speed
    assert first is None or any(one[2] == 1 for one in shown)
    assert page.run("document.documentElement.scrollWidth <= window.innerWidth"), f"{name}: wider than the window"
    colours = page.run("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    one_column = page.run("columns[0].section.getBoundingClientRect().bottom <= columns[1].section.getBoundingClientRect().top")
    assert one_column == (name == "phone")
    if pictures:
        data = page.send("Page.captureScreenshot", format="png")["data"]
        (Path(pictures) / f"page-{name}.png").write_bytes(base64.b64decode(data))
    print(f"{name}: first difference at token {None if first is None else first + 1}; {shown[0][1]}")
    return colours


def tiny_models(given, work):
    subprocess.run([given.assay, "run", Path(given.source) / "tests/lua/make_tiny.lua", work + "/tiny", "--quiet"], check=True)
    subprocess.run([given.assay, "quantize", "--method", "rtn", "--model", work + "/tiny", "--out", work + "/w2", "--bits", "2",
                    "--group-size", "16", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return work + "/tiny", work + "/w2"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assay"), parser.add_argument("source"), parser.add_argument("models", nargs="*")
    parser.add_argument("--pictures")
    given = parser.parse_args()
    if not BROWSER:
        print("skipped: no chromium")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        first, second = given.models or tiny_models(given, work)
        profile = work + "/profile"
        server = subprocess.Popen([given.assay, "serve", "first=" + first, "second=" + second, "--port", "0"],
                                  stdout=subprocess.PIPE, text=True)
        url = server.stdout.readline().strip()
        browser = subprocess.Popen([BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
                                    f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL)
        try:
            port_file = Path(profile) / "DevToolsActivePort"
            for _ in range(600):
                if port_file.exists() and port_file.read_text():
                    break
                time.sleep(0.1)
            page = Page(port_file.read_text().split()[0])
            colours = {name: look(page, url, name, given.pictures) for name in LOOKS}
            assert colours["light"] != colours["dark"] and colours["light"] == colours["phone"], colours
        finally:
            browser.terminate()
            browser.wait(30)
            server.terminate()
    assert server.wait(60) == 0


if __name__ == "__main__":
    main()
