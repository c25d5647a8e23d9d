"""The limits of event types and their schemas. Lengths are (minimum, maximum) characters."""

MAX_EVENT_TYPES = 20
MAX_FIELDS = 50

LIMIT_NAMESPACE = "external.events.data.ingestion"
EVENT_TYPES_LIMIT = "event.types.per.org"

FIELD_NAME = (1, 100)
FIELD_TITLE = (1, 100)
FIELD_DESCRIPTION = (0, 500)
SCHEMA_NAME = (1, 100)
SCHEMA_DESCRIPTION = (0, 500)
SCHEMA_CHARACTERS = 64 * 1024


def to_wire(event_types_in_use: int) -> dict[str, object]:
    """The contract's `SchemaQuantityLimits`, with the additional field `numberOfSchemas`."""
    return {
        "id": "externalevents",
        "name": "External events",
        "minFieldNameCharacters": FIELD_NAME[0],
        "maxFieldNameCharacters": FIELD_NAME[1],
        "minFieldTitleCharacters": FIELD_TITLE[0],
        "maxFieldTitleCharacters": FIELD_TITLE[1],
        "minFieldDescriptionCharacters": FIELD_DESCRIPTION[0],
        "maxFieldDescriptionCharacters": FIELD_DESCRIPTION[1],
        "minSchemaNameCharacters": SCHEMA_NAME[0],
        "maxSchemaNameCharacters": SCHEMA_NAME[1],
        "minSchemaDescriptionCharacters": SCHEMA_DESCRIPTION[0],
        "maxSchemaDescriptionCharacters": SCHEMA_DESCRIPTION[1],
        "maxNumberOfSchemasPerOrg": MAX_EVENT_TYPES,
        "maxNumberOfFieldsPerSchema": MAX_FIELDS,
        "maxNumberOfFieldsPerOrg": MAX_EVENT_TYPES * MAX_FIELDS,
        "numberOfSchemas": event_types_in_use,
        "selfUri": "/api/v2/journey/externalevents/schemas/limits",
    }
