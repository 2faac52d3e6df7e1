#!/usr/bin/env python3
"""The page of a server in a headless Chromium: it asks for the key, sends messages as a person does,
and looks at the replies and at the strip. Python's standard library alone.

    Tools/page-test/page_test.py [--tern PATH] [--model FOLDER] [--pictures FOLDER]
"""

import argparse
import os
import re
import subprocess
import sys
import threading

from devtools import Browser

KEY = "sesame"
LAST = "document.querySelector('article.assistant:last-of-type')"
DONE = f"{LAST}?.getAttribute('aria-busy') === 'false'"
# The colours on the strip, as `sequence` and `tensor`, beside their names in the style.
BARS = """(() => {
    const strip = document.getElementById('strip');
    const { data } = strip.getContext('2d').getImageData(0, 0, strip.width, strip.height);
    const count = (name) => {
        const hex = getComputedStyle(strip).getPropertyValue('--' + name).trim();
        const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
        let pixels = 0;
        for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] === 255 && wanted.every((byte, i) => byte === data[at + i])) pixels++;
        }
        return pixels;
    };
    return { sequence: count('sequence'), tensor: count('tensor') };
})()"""


class Server:
    """A running `tern serve` on two ranks that shift above eight tokens."""

    def __init__(self, tern, model):
        self.process = subprocess.Popen(
            [tern, "serve", model, "--port", "0", "-sp", "2", "--shift-parallel-threshold", "8",
             "--enable-shift-parallel", "--api-key", KEY],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "serving at" in line:
                self.address = line.split()[-1]
                break
        else:
            raise RuntimeError("the server did not start")
        # What it says from now on must not fill the pipe.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


def expect(condition, what):
    if not condition:
        raise AssertionError(what)
    print(f"  {what}")


def ask(browser, text):
    browser.evaluate("document.getElementById('message').focus()")
    browser.type(text)
    browser.press("Enter", "\r")
    browser.wait(f"{LAST}?.previousSibling.querySelector('.text').textContent === {text!r}")
    browser.wait(DONE)
    return browser.evaluate(f"{LAST}.querySelector('.text').textContent")


def enter_key(browser):
    browser.wait("document.getElementById('door').open")
    for key, note in (("wrong", "not accepted"), (KEY, "")):
        browser.evaluate("document.getElementById('key').focus()")
        browser.type(key)
        browser.press("Enter", "\r")
        if note:
            browser.wait(f"document.getElementById('door-note').textContent.includes('{note}')")
            browser.wait("document.getElementById('door').open")
    browser.wait("document.getElementById('model').textContent.includes('context')")
    expect(True, "a wrong key is refused, the right one lets in")


def converse(browser):
    browser.evaluate("document.getElementById('temperature').value = 0")
    expect(ask(browser, "What is 12 + 30?") == "42", "the reply is the model's: 42")
    ask(browser, "Tell me about Circe.")
    footer = browser.evaluate(f"{LAST}.querySelector('footer').textContent")
    expect(re.search(r"\d+ tokens · [\d.]+ tokens/s · first after \d+ ms", footer), footer)
    evil = "<img src=x onerror=alert(1)><b>hail</b>"
    ask(browser, evil)
    expect(browser.evaluate("document.querySelectorAll('#log img, #log b').length") == 0,
           "markup in a message stays text")
    browser.type("one")
    browser.press("Enter", "\r", modifiers=8)
    browser.type("two")
    expect(browser.evaluate("document.getElementById('message').value") == "one\ntwo",
           "Shift+Enter begins a line")
    browser.evaluate("document.getElementById('message').value = ''")


def stop(browser):
    # Hot enough that the answer has no end of its own for a while.
    browser.evaluate("document.getElementById('temperature').value = 2")
    browser.evaluate("document.getElementById('message').focus()")
    browser.type("Tell me about Circe, at length, and about Helen.")
    browser.press("Enter", "\r")
    browser.wait(f"{LAST}.querySelector('.text').textContent.length > 20")
    expect(browser.evaluate("!document.getElementById('stop').hidden"), "there is a stop button")
    browser.press("Escape")
    browser.wait(DONE)
    footer = browser.evaluate(f"{LAST}.querySelector('footer').textContent")
    expect("stopped" in footer and "tokens" in footer, f"Escape ends an answer: {footer}")
    expect(browser.evaluate("document.getElementById('stop').hidden"), "the stop button goes")


def refuse(browser):
    browser.evaluate("document.getElementById('max_tokens').value = 1000000")
    ask(browser, "Too much?")
    alert = browser.evaluate(f"{LAST}.querySelector('[role=alert]').textContent")
    expect("maximum context length" in alert, f"a refusal is shown: {alert[:60]}…")
    browser.evaluate("document.getElementById('max_tokens').value = ''")


def watch(browser):
    browser.wait("(() => { const bars = " + BARS + "; return bars.sequence && bars.tensor })()")
    bars = browser.evaluate(BARS)
    expect(bars["sequence"] > 20 and bars["tensor"] > 20, f"the strip shows both modes: {bars}")
    label = browser.evaluate("document.getElementById('strip').getAttribute('aria-label')")
    expect(label.startswith("Steps of the last 30 seconds"), label)
    legend = browser.evaluate("document.querySelector('.threshold').textContent")
    expect(legend == "shift above 8 tokens", legend)


def look(browser, pictures):
    sizes = {"wide": (1280, 800, False), "phone": (375, 667, True), "narrow": (320, 568, True)}
    for name, (width, height, is_phone) in sizes.items():
        for scheme in ("light", "dark"):
            browser.screen(width, height, scheme, is_phone)
            browser.wait(f"innerWidth === {width}")
            beyond = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
            expect(beyond <= 0, f"{name}, {scheme}: nothing beyond the edge")
            if pictures:
                browser.wait(BARS + ".tensor")
                browser.picture(os.path.join(pictures, f"{name}-{scheme}.png"))


def complaints(browser):
    """What the browser found wrong; the 401s that ask for the key are not."""
    found = []
    for event in browser.events:
        if event["method"] == "Runtime.exceptionThrown":
            found.append(event["params"]["exceptionDetails"])
        elif event["method"] == "Log.entryAdded":
            entry = event["params"]["entry"]
            status = re.search(r"status of (\d+)", entry["text"])
            if entry["level"] == "error" and not (status and status[1] in ("400", "401")):
                found.append(entry["text"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tern", default=".build/release/tern")
    parser.add_argument("--model", default="Models/telemachus")
    parser.add_argument("--pictures", help="a folder for pictures of what is seen")
    options = parser.parse_args()
    with Server(options.tern, options.model) as server, Browser() as browser:
        browser.screen(1280, 800, "light")
        browser.load(server.address + "/")
        enter_key(browser)
        converse(browser)
        watch(browser)
        stop(browser)
        refuse(browser)
        look(browser, options.pictures)
        found = complaints(browser)
        expect(not found, f"the browser has nothing to complain about {found or ''}")
    print("page-test: passed")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"page-test: {error}")
