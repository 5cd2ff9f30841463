"""Audits to be shown, and a real Chromium, headless, spoken to over its DevTools pipe: no library, no port."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest
import torch

from derive import Loss, Mean, Symbol, catalogue, exp, half_sq, log, views
from verify.assurance.mutants import mutants
from verify.audits import definition as auditing
from verify.audits.definition import Audit, audit
from verify.evidence.evidence import Evidence

TRAINED = Evidence("trained", "Tr[W Σ Wᵀ] near the transition", 0.08, 0.0795, 0.001, "standard error", True, 0)


def spectral(z1, z2):
    """The spectral loss, in torch."""
    gram, N = z1 @ z2.T, len(z1)
    others = 1 - torch.eye(N, dtype=gram.dtype)
    return -2 * gram.diagonal().mean() + (gram**2 * others).sum() / (N * (N - 1))


@cache
def _audited(name):
    loss = catalogue("spectral")
    if name == "clean":
        return audit(loss, draws=500, train=False)
    if name == "refuted":
        with pytest.MonkeyPatch.context() as patch:
            wrong = dict(mutants(loss.expand(4)))["sign of term 0 of order 2 flipped"]
            patch.setattr(Loss, "expand", lambda *_, **__: wrong)
            return audit(loss, draws=500, train=False)
    if name == "not analytic":
        with pytest.MonkeyPatch.context() as patch:
            # The curvature takes seconds: it is measured in test_browser.py, and drawn in test_pictures.py.
            patch.setattr(auditing, "find_spec", lambda _: None)
            return audit(catalogue("infonce+normalised"))
    if name == "black box":
        return audit(spectral, order=2)
    # A real one takes a while; see test_browser.py.
    assert name == "trained"
    clean = _audited("clean")
    return replace(clean, evidence=(*(one for one in clean.evidence if one.ran), TRAINED))


@pytest.fixture(scope="session")
def audited():
    """An audit by what it is: clean, refuted, not analytic, black box or trained."""
    return _audited


def named(name, symbol):
    """An audit whose texts are all one name, and whose expansion holds a symbol."""
    x, x_pos, chi = views("x, x_pos, chi")
    # No loss takes a symbol with markup in its name; an expansion may come with one all the same.
    beta, markup = Symbol("beta"), Symbol(symbol)
    loss = Loss(
        half_sq(x, x_pos) + beta * log(Mean(exp(-half_sq(x, chi)), over=chi)), name=name, title=name, notes=(name,)
    )
    evidence = (Evidence("exact", name, name, name, agrees=False, note=name),)
    expansion = loss.expand(4)
    terms = [(term.invariants, term.coefficient.subs(beta, markup)) for term in expansion.terms]
    return Audit(loss, {name: markup}, expansion.with_terms(terms), None, "analytic", None, "", None, evidence)


@pytest.fixture(scope="session")
def hostile():
    """An audit whose names are markup: of a text, and of a symbol."""
    return named


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser; without one the tests that need it are skipped, and say so."""
    if program() is None:
        pytest.skip(
            "no Chromium is installed (Debian: apt-get install chromium): the pages were not opened in a browser"
        )
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def program():
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def browser(profile):
    """A browser with an empty profile."""
    # The browser reads its file 3 and writes its file 4; both ends here have higher numbers.
    to_it, mine_out = map(_high, os.pipe())
    mine_in, from_it = map(_high, os.pipe())
    command = 'exec "${@:3}" 3<&"$1" 4>&"$2"'
    started = subprocess.Popen(
        ["/bin/bash", "-c", command, "-", str(to_it), str(from_it), program(), *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(to_it, from_it),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_it)
    os.close(from_it)
    with started, os.fdopen(mine_out, "wb") as out, os.fdopen(mine_in, "rb") as into:
        try:
            tab = Browser(out, into)
            yield tab
            tab.close()
            started.wait(timeout=20)
        finally:
            started.kill()


def _high(descriptor):
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Browser:
    """One page after the other in one tab; what happens in it is written down."""

    def __init__(self, out, into):
        self.out, self.into, self.number, self.events = out, into, 0, []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """The answer to a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        self.out.flush()
        while (answer := self._read()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def close(self):
        """End the browser, which tidies up after itself."""
        self.session = None
        self.call("Browser.close")

    def _read(self):
        message = bytearray()
        while (byte := self.into.read(1)) != b"\0":
            assert byte, "the browser has gone"
            message += byte
        return json.loads(message)

    def open(self, file, *, width=1200, dark=False):
        """Load a file, and wait until it stands."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            self.events.append(self._read())
        # What the page does once it stands: two frames.
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def evaluate(self, expression):
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def complaints(self):
        """What the console and the log have got."""
        wrong = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [one["params"] for one in self.events if one.get("method") in wrong]

    def requests(self):
        """The addresses that were asked for; what stands in the page itself is none."""
        asked = (one["params"] for one in self.events if one.get("method") == "Network.requestWillBeSent")
        return [one["request"]["url"] for one in asked if not one["request"]["url"].startswith("data:")]

    def screenshot(self, file):
        """The whole page as PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))
        return file
