"""A small load run on the stack that all tests share. No function is killed, because other tests use the functions."""

import uuid

from tools.load.organizations import set_up
from tools.load.report import checks
from tools.load.run import LoadRun
from tools.load.traffic import FRESH, ON_BUS, TrafficKind
from tools.operator.report import RepairScope
from tools.stack import Stack

SECONDS, RATE = 6, 40


def test_every_event_of_a_load_run_is_accounted_for_and_verify_finds_no_difference(stack: Stack) -> None:
    organizations = [set_up(stack, f"load-{uuid.uuid4().hex[:12]}", "load") for _ in range(2)]
    scopes = [RepairScope(organization.organization_id) for organization in organizations]
    load = LoadRun(stack, organizations, rate=RATE, scopes=scopes)
    passed: list[float] = []
    load.run(SECONDS, passed.append)
    report = load.settle()

    tally, side_effects = load.tally, load.side_effects
    unaccounted = [kind for kind in TrafficKind if not tally.adds_up(kind)]
    assert unaccounted == [], (tally.sent, tally.outcomes, tally.unanswered)
    assert tally.sent.total() == sum(tally.outcomes.values()) > SECONDS * RATE / 4
    state = load.stored()
    # On a busy machine no sender has an answer early enough to repeat an event. Calls do not wait for answers.
    assert tally.number(FRESH, "created") > 0 < state.native["duplicate"]
    results = checks(load, report, state)
    assert [check for check in results if not check.passed] == []
    assert report.events > report.journeys > 0
    assert all(tally.sent[kind] for kind in ON_BUS), tally.sent
    assert {(a.source_id, b.source_id) for _, (a, b) in load.links} >= {("crm", "email"), ("genesys", "phone")}
    assert side_effects.rebuilds > 0
    assert passed[-1] > SECONDS / 2
    assert not side_effects.killed
