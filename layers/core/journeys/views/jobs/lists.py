"""Writes the lists of the customers behind a result's figures. `customers` describes their form and reads them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from journeys import jsontext
from journeys.views.computation.lists import Listed, Lists
from journeys.views.jobs.customers import ElementState, group_name
from journeys.views.model import ViewDefinition


class ListObjects(NamedTuple):
    """The texts of the two objects of an attempt."""

    positions: bytes
    lists: bytes


def to_objects(view: ViewDefinition, lists: Lists, result: Mapping[str, Any]) -> ListObjects:
    """The lists of a view's result. Only the groups that the result shows have one."""
    writer = _Writer(lists)
    links = iter(lists.links)
    index = {
        "scope": "person" if view.counts_persons else "identifier",
        "maximum": lists.most,
        "elements": {
            element.id: dict(
                zip(ElementState, map(writer.write, (lists.participants(number), *lists.elements[number])), strict=True)
            )
            for number, element in enumerate(view.elements)
        },
        "links": {
            element.id: {link.id: writer.write(next(links)) for link in element.followedBy} for element in view.elements
        },
        "charts": {
            chart["id"]: {
                "maximum": lists.most_per_group,
                "metrics": {metric.id: metric.elementId for metric in view.charts[number].metrics},
                "groups": _groups(view, number, chart, lists, writer),
            }
            for number, chart in enumerate(result["charts"])
        },
    }
    return ListObjects(jsontext.dumps(index).encode(), b"\n".join(writer.texts))


def _groups(
    view: ViewDefinition, number: int, chart: Mapping[str, Any], lists: Lists, writer: "_Writer"
) -> dict[str, dict[str, list[int]]]:
    """The entries of the groups that a chart's result shows, by the id of the element that they group."""
    indexes = {element.id: index for index, element in enumerate(view.elements)}
    entries: dict[str, dict[str, list[int]]] = {}
    for metric, shown in zip(view.charts[number].metrics, chart["metrics"], strict=True):
        own = entries.setdefault(metric.elementId, {})
        for value in shown["values"]:
            group = tuple(entry["value"] for entry in value["groupByAttributes"])
            name = group_name(group)
            if name not in own:
                own[name] = writer.write(lists.charts[number][indexes[metric.elementId]][group])
    return entries


class _Writer:
    """Writes lists, one after the other."""

    def __init__(self, lists: Lists) -> None:
        self._names, self._end = lists.names, 0
        self.texts: list[bytes] = []

    def write(self, listed: Listed) -> list[int]:
        """Write a list. Returns its entry in the index."""
        text = jsontext.dumps([self._names[hash_] for hash_ in listed.hashes.tolist()]).encode()
        start = self._end
        self.texts.append(text)
        self._end += len(text) + 1
        return [listed.total, len(listed.hashes), start, len(text)]
