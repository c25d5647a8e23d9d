"""Responses of the operations on schemas."""

from typing_extensions import TypedDict


class SchemaLimits(TypedDict):
    """The contract's `SchemaQuantityLimits`, and `numberOfSchemas`, the number of schemas in use."""

    id: str
    name: str
    minFieldNameCharacters: int
    maxFieldNameCharacters: int
    minFieldTitleCharacters: int
    maxFieldTitleCharacters: int
    minFieldDescriptionCharacters: int
    maxFieldDescriptionCharacters: int
    minSchemaNameCharacters: int
    maxSchemaNameCharacters: int
    minSchemaDescriptionCharacters: int
    maxSchemaDescriptionCharacters: int
    maxNumberOfSchemasPerOrg: int
    maxNumberOfFieldsPerSchema: int
    maxNumberOfFieldsPerOrg: int
    numberOfSchemas: int
    selfUri: str
