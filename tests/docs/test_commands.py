"""Runs every shell block of the README and of docs/ against the local stack, one page in one shell session.

A word after `sh` in the first line of a block marks blocks that are not run; NOT_RUN says why.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from journeys.registry.clients.model import PERMISSIONS
from tests.conftest import Caller
from tests.docs.pages import PAGES, Block, blocks
from tests.docs.shell import BlockFailed, Shell
from tests.support.template import ROOT
from tools.api import ApiClient
from tools.local_stack.run import configurations
from tools.local_stack.sample_view import sample_view
from tools.stack import Stack

NOT_RUN = {
    "aws": ("needs an AWS account", re.compile(r"AWS")),
    "docker": ("needs Docker", re.compile(r"Docker")),
    "slow": ("takes minutes, or starts and stops the reader's own local stack", re.compile(r"minutes|starts")),
}
"""The marks of blocks that are not run: the reason, and what tells a reader of the prose before the block so.

GitHub does not show the marks.
"""

COMMENT = re.compile(r"(^|\s)#")
"""An interactive zsh treats # as an argument."""

SHELL_BLOCKS = [block for page in PAGES for block in blocks(page) if block.language == "sh"]
LANGUAGES = {"sh", "sql", "json", "python", "mermaid", "yaml", "text"}


@pytest.fixture
def home(stack: Stack, caller: Callable[..., Caller], tmp_path: Path) -> Path:
    """A folder that `journeys` takes for that of a local stack: the tests' stack, with an organization of its own.

    The organization has the sample view, as after `make run`, but no events.
    """
    owner = caller()
    owner.api.call("POST", "views", sample_view(event_types(owner.api)))
    folder = tmp_path / "home"
    folder.mkdir()
    client = {"clientId": owner.client_id, "clientSecret": owner.client_secret, "permissions": sorted(PERMISSIONS)}
    described = stack.describe() | {"organizations": [{"id": owner.organization_id, "clients": [client]}]}
    (folder / "stack.json").write_text(json.dumps(described))
    shutil.copy(ROOT / ".local" / "test" / "ministack.json", folder)
    return folder


def event_types(api: ApiClient) -> dict[str, str]:
    """Creates the sample event types. Returns the ids of their event definitions, by name."""
    configurations(api)
    return {one["name"]: one["id"] for one in api.call("GET", "views/eventdefinitions")["entities"]}


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.page == page and not b.mark for b in SHELL_BLOCKS)])
def test_the_commands_of_a_page_run(page: str, home: Path, tmp_path: Path) -> None:
    with Shell(home, tmp_path) as shell:
        for block in SHELL_BLOCKS:
            if block.page == page and not block.mark:
                shell.run(block.text)


@pytest.mark.parametrize("block", [block for block in SHELL_BLOCKS if block.mark], ids=lambda block: block.name)
def test_a_block_that_is_not_run_is_marked_and_its_page_says_why(block: Block) -> None:
    reason, told = NOT_RUN[block.mark]
    assert told.search(block.section)
    pytest.skip(reason)


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=lambda block: block.name)
def test_a_block_has_no_comment_that_an_interactive_zsh_would_run(block: Block) -> None:
    commands = re.sub(r"<<'(\w+)'.*?^\1$", "", block.text, flags=re.DOTALL | re.MULTILINE)
    assert not COMMENT.search(commands)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_names_a_known_language_and_json_is_valid(page: str) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, block.name
        if block.language == "json":
            json.loads(block.text)


def test_a_failing_command_fails_the_block_and_shows_its_output(tmp_path: Path) -> None:
    with Shell(tmp_path, tmp_path) as shell:
        assert shell.run('A=1\nname() { echo "value $A"; }\n') == "\n"
        assert "value 1" in shell.run("name\n")
        with pytest.raises(BlockFailed, match=r"(?s)B=\$\(false \| cat\).*visible output"):
            shell.run("echo visible output\nB=$(false | cat)\necho not reached\n")
