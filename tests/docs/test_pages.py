"""The README's bounds, the links of all pages, and lists that must agree with the product."""

import re
from pathlib import PurePosixPath

import pytest

from journeys.events.refusals import REASONS
from journeys.registry.clients.model import PERMISSIONS
from journeys.webhooks.senders.registry import SENDERS
from tests.docs.pages import OTHER_PAGES, PAGES, anchors, folder, links, prose, read, slug
from tests.support.template import ROOT, monitoring, resources, template
from tests.unit.test_architecture import MAY_IMPORT
from tools.documentation import bounds, costs, identity, roles, screenshots, senders
from tools.documentation.generated import replaced

ALARM = "AWS::CloudWatch::Alarm"
MAX_README_LINES = 160
MAX_CHARACTERS = 160


def test_the_readme_is_short() -> None:
    lines = read("README.md").splitlines()
    assert len(lines) <= MAX_README_LINES
    assert max(map(len, lines)) <= MAX_CHARACTERS


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES])
def test_lines_of_prose_are_short(page: str) -> None:
    lines = [line for line in prose(page) if not line.lstrip().startswith("|")]
    assert [line for line in lines if len(line) > MAX_CHARACTERS] == []


def test_the_readme_links_to_every_page() -> None:
    linked = {target.partition("#")[0] for target in links("README.md")}
    assert {page for page in PAGES if page.startswith("docs/")} - linked == set()


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES])
def test_every_relative_link_leads_to_a_file_and_a_heading(page: str) -> None:
    broken = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (folder(page) / path).resolve() if path else ROOT / page
        if not file.exists() or (anchor and anchor not in anchors(str(PurePosixPath(file.relative_to(ROOT))))):
            broken.append(target)
    assert broken == []


def test_an_anchor_is_made_as_github_makes_it() -> None:
    assert slug("Cost and `permissions` of these commands?") == "cost-and-permissions-of-these-commands"


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("README.md", "docs/monitoring.md")])
def test_every_page_says_what_to_do_first(page: str) -> None:
    assert "**What do I do first?**" in read(page)


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_the_deploying_page_names_every_parameter_and_output(section: str) -> None:
    page = read("docs/deploying.md")
    assert [name for name in template()[section] if f"`{name}`" not in page] == []


def test_the_costs_are_current() -> None:
    page = read("docs/deploying.md")
    assert page == replaced(page, "costs", costs.to_markdown(costs.read())), "run `journeys docs tables`"


def test_the_bounds_of_webhooks_are_current() -> None:
    page = read("docs/webhooks.md")
    assert page == bounds.updated(page), "run `journeys docs tables`"


def test_the_bounds_of_identity_and_the_refused_values_are_current() -> None:
    page = identity.PAGE.read_text()
    assert page == identity.updated(page), "run `journeys docs tables`"


def test_the_steps_to_set_up_a_sender_are_current() -> None:
    page = bounds.PAGE.read_text()
    assert page == senders.updated(page), "run `journeys docs tables`"


def test_the_roles_are_current() -> None:
    page = roles.PAGE.read_text()
    assert page == roles.updated(page), "run `journeys docs tables`"


def test_every_picture_of_the_console_exists_and_is_small() -> None:
    sizes = [(screenshots.FOLDER / f"{picture.name}.png").stat().st_size for picture in screenshots.PICTURES]
    assert sum(sizes) <= screenshots.MAX_BYTES
    shown = "".join(read(page) for page in PAGES)
    assert [picture.name for picture in screenshots.PICTURES if f"images/{picture.name}.png" not in shown] == []


def test_the_console_page_lists_every_page_of_the_console() -> None:
    titles = re.findall(r'title: "(.+?)"', (ROOT / "console/src/pages/pages.ts").read_text())
    assert titles
    assert [title for title in titles if f"| {title} |" not in read("docs/console.md")] == []


def test_the_costs_count_the_alarms_and_rules_of_the_templates() -> None:
    alarms = [one["Properties"] for one in monitoring()["Resources"].values() if one["Type"] == ALARM]
    metrics = [sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1 for alarm in alarms]
    (firewall,) = resources("AWS::WAFv2::WebACL").values()
    idle = costs.read()["idle"]
    assert (idle["alarm_metrics"], idle["firewall_rules"]) == (sum(metrics), len(firewall["Properties"]["Rules"]))


def test_the_security_page_lists_every_permission() -> None:
    table = re.findall(r"^\| `journey:(\w+)` \| (.*?) \|", read("docs/security.md"), re.MULTILINE)
    listed = {f"journey:{entity}:{action}" for entity, actions in table for action in re.findall(r"`(\w+)`", actions)}
    assert listed == PERMISSIONS


def test_the_api_page_lists_every_reason_for_which_an_event_is_refused() -> None:
    page = read("docs/api.md")
    assert [reason for reason in REASONS if f"`{reason}`" not in page] == []


def test_the_webhooks_page_lists_every_sender_and_every_option() -> None:
    page = read("docs/webhooks.md")
    names = [*SENDERS, *(option for sender in SENDERS.values() for option in sender.options)]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_architecture_page_lists_every_area_and_what_it_may_import() -> None:
    rows = re.findall(r"^\| (`.+`) \| (no other area|`.+`) \|$", read("docs/architecture.md"), re.MULTILINE)
    listed = {
        area: frozenset(re.findall(r"`(\w+)`", imports))
        for areas, imports in rows
        for area in re.findall(r"`(\w+)`", areas)
    }
    assert listed == MAY_IMPORT


def test_the_local_page_lists_every_case_of_sam_local() -> None:
    page = read("docs/local.md")
    assert [path.stem for path in sorted((ROOT / "events").glob("*.json")) if f"`{path.stem}`" not in page] == []


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES])
def test_every_make_target_exists(page: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.MULTILINE)) - set(targets) == set()


def test_the_guarantees_name_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", read("docs/guarantees.md"))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
