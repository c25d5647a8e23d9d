"""What integrators have to know about each sender before they create an endpoint."""

from typing import Any

from journeys.jsontext import omit_none
from journeys.webhooks.mapping import effective_mapping
from journeys.webhooks.senders.base import Sender
from journeys.webhooks.senders.registry import SENDERS


def catalog() -> list[dict[str, Any]]:
    """Return all senders as the API returns them, in the order of the registry."""
    return [_to_wire(sender) for sender in SENDERS.values()]


def _to_wire(sender: Sender) -> dict[str, Any]:
    mapping = effective_mapping(sender.presets[sender.latest_preset], {})
    return omit_none(
        {
            "name": sender.name,
            "title": sender.title,
            "sends": sender.sends,
            "documentationUrl": sender.documentation,
            "steps": list(sender.steps),
            "secret": {
                "needed": sender.needs_secret,
                "generatedBySender": sender.owns_secret and sender.needs_secret,
                "source": sender.secret_guide.source,
            }
            | ({"form": sender.secret_guide.form} if sender.needs_secret else {}),
            "options": [
                omit_none(
                    {
                        "name": name,
                        "required": name in sender.required_options,
                        "values": list(values) if values is not None else None,
                    }
                )
                for name, values in sender.options.items()
            ],
            "presetVersion": sender.latest_preset,
            "mapping": mapping,
            "attributes": sorted(mapping["attributes"]),
        }
    )
