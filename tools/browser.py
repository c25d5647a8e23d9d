"""Chromium, as it is installed on this machine. The browser tests and the documentation's pictures use it."""

import shutil

ARGUMENTS = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments of Chromium. It calls no other host than the local stack's."""
NO_CHROMIUM = "There is no Chromium on this machine. Install it (Debian: apt install chromium)."


def chromium() -> str | None:
    """The path of Chromium, or None if it is not installed."""
    return shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
