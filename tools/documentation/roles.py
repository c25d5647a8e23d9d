"""The table of roles: which actions each role may perform, by entity."""

from journeys.registry.clients.model import PERMISSIONS
from journeys.registry.people.model import ROLES
from tools.documentation.generated import replaced
from tools.paths import ROOT

PAGE = ROOT / "docs" / "console.md"


def updated(page: str) -> str:
    """The page on the console with its table of roles."""
    return replaced(page, "roles", to_markdown())


def to_markdown() -> str:
    """A row for each entity of the permissions, with the actions of each role."""
    entities = sorted({permission.rpartition(":")[0] for permission in PERMISSIONS})
    lines = [_row("entity", *ROLES), _row(*["---"] * (len(ROLES) + 1))]
    for entity in entities:
        cells = [_actions(entity, permissions) for permissions in ROLES.values()]
        lines.append(_row(f"`{entity}`", *cells))
    return "\n".join(lines) + "\n"


def _actions(entity: str, permissions: frozenset[str]) -> str:
    order = ("view", "add", "edit", "delete", "activate")
    actions = {one.rpartition(":")[2] for one in permissions if one.rpartition(":")[0] == entity}
    return ", ".join(sorted(actions, key=order.index)) or "none"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
