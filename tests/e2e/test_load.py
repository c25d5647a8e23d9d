"""A small load run on the stack that all tests share. Nothing is killed, since other tests use the functions."""

import uuid

from tools.load.report import checks
from tools.load.run import Load, set_up
from tools.load.traffic import FRESH, REPEATS, Kind
from tools.operator.report import Scope
from tools.stack import Stack

SECONDS, RATE = 6, 40


def test_every_event_of_a_load_run_is_accounted_for_and_verify_finds_no_difference(stack: Stack) -> None:
    organizations = [set_up(stack, f"load-{uuid.uuid4().hex[:12]}", "load") for _ in range(2)]
    load = Load(stack, organizations, rate=RATE, scopes=[Scope(one.organization_id) for one in organizations])
    passed: list[float] = []
    load.run(SECONDS, passed.append)
    report = load.settle()

    tally, meanwhile = load.tally, load.meanwhile
    assert [kind for kind in Kind if not tally.adds_up(kind)] == [], (tally.sent, tally.outcomes, tally.unanswered)
    assert tally.sent.total() == sum(tally.outcomes.values()) > SECONDS * RATE / 4
    assert tally.number(FRESH, "created") > 0 < tally.number(REPEATS, "duplicate")
    found = checks(tally, meanwhile, report, load.failures())
    assert [one for one in found if not one.holds] == []
    assert report.events > report.journeys > 0
    assert meanwhile.rebuilds > 0
    assert passed[-1] > SECONDS / 2
    assert not meanwhile.killed
