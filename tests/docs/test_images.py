"""The picture of a journey view, and the pictures of the console."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.template import ROOT
from tools.documentation import screenshots
from tools.documentation.images import OUTCOMES, draw
from tools.errors import SetupError, ToolError
from tools.local_stack.sample_view import sample_view

SVG = "{http://www.w3.org/2000/svg}"


def element(id_: str, name: str, *followers: str) -> dict[str, Any]:
    within = {"unit": "Days", "value": 7}
    return {"id": id_, "name": name, "followedBy": [{"id": one, "constraintWithin": within} for one in followers]}


def figures(id_: str, participants: int, links: dict[str, int]) -> dict[str, Any]:
    metrics = {"participantCount": participants, "completedCount": participants}
    metrics |= {"flowCount": 0, "activeCount": 0, "dropoutCount": 0}
    followed_by = [{"id": one, "connectionCount": count} for one, count in links.items()]
    return {"id": id_, "metrics": metrics, "followedBy": followed_by}


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def test_the_picture_shows_every_element_and_link_with_its_figures() -> None:
    elements = [element("a", "First", "b", "c"), element("b", "Second & last"), element("c", "Third")]
    result = {"elements": [figures("a", 1200, {"b": 900, "c": 300}), figures("b", 900, {}), figures("c", 300, {})]}
    shown = set(texts(draw({"name": "A < B", "elements": elements}, result)))
    assert {"A < B", "First", "Second & last", "Third", "1,200customers"} <= shown
    assert {"900 (75%)", "300 (25%)", "in 7 days"} <= shown


def test_a_view_without_customers_can_be_drawn() -> None:
    view = {"name": "Empty", "elements": [element("a", "First", "b"), element("b", "Second")]}
    assert "0 (0%)" in texts(draw(view, {"elements": [figures("a", 0, {"b": 0}), figures("b", 0, {})]}))


def test_the_readme_shows_a_picture_that_the_command_drew() -> None:
    """The picture's texts are those of the sample view, and its legend is today's."""
    titles: Mapping[str, str] = defaultdict(str)  # the event types' ids are not shown
    view = sample_view(titles)
    shown = texts((ROOT / "docs" / "images" / "journey-view.svg").read_text())
    assert shown[:2] == [view["name"], view["description"]]
    assert {element["name"] for element in view["elements"]} | {label for _, label, _ in OUTCOMES} <= set(shown)


# -- pictures of the console -------------------------------------------------------------------------------------------


def test_the_pictures_are_taken_as_an_administrator_of_the_local_stack(tmp_path: Path) -> None:
    analyst, administrator = ({"email": f"{role}@acme.example", "role": role} for role in ("analyst", "administrator"))
    file = tmp_path / "stack.json"
    file.write_text(json.dumps({"organizations": [{"id": "acme", "people": [analyst, administrator]}]}))
    assert screenshots.person_of(file) == administrator
    file.write_text(json.dumps({"organizations": [{"id": "acme"}]}))
    with pytest.raises(ToolError, match="no administrator"):
        screenshots.person_of(file)


def test_without_chromium_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="Install it"):
        list(screenshots.take("http://console.example/", {}, {}, tmp_path))
