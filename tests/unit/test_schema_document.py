"""Parsing schema documents, and the compatibility of their versions."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys import jsontext
from journeys.errors import BadRequest
from journeys.registry import limits
from journeys.registry.schemas.document import DRAFT_04, Field, differences, parse
from journeys.registry.schemas.kinds import CORE_TYPES, AttributeKind
from journeys.registry.schemas.model import check_evolution


def document(properties: Mapping[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    return {"title": "Order placed", "properties": properties or {}} | other


def core(name: str, **keywords: Any) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/definitions/{name}"}]} | keywords


def field(definition: Any) -> Field:
    return parse(document({"field": definition})).fields["field"]


def refusal(raw: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(raw)
    return caught.value


def refused(definition: Any) -> BadRequest:
    return refusal(document({"field": definition}))


# -- valid documents ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ({"type": "string"}, AttributeKind.STRING),
        ({"type": "integer"}, AttributeKind.INTEGER),
        ({"type": "number"}, AttributeKind.NUMBER),
        ({"type": "boolean"}, AttributeKind.BOOLEAN),
        ({"type": "array", "items": {"type": "string"}}, AttributeKind.TAG),
        ({"type": "string", "enum": ["a"]}, AttributeKind.ENUM),
        ({"enum": ["a"]}, AttributeKind.ENUM),
        (core("text"), AttributeKind.TEXT),
        (core("longtext"), AttributeKind.LONGTEXT),
        (core("url"), AttributeKind.URL),
        (core("identifier"), AttributeKind.IDENTIFIER),
        (core("enum", enum=["a"]), AttributeKind.ENUM),
        (core("integer"), AttributeKind.INTEGER),
        (core("number"), AttributeKind.NUMBER),
        (core("date"), AttributeKind.DATE),
        (core("datetime"), AttributeKind.DATETIME),
        (core("boolean"), AttributeKind.BOOLEAN),
        (core("checkbox"), AttributeKind.BOOLEAN),
        (core("tag"), AttributeKind.TAG),
    ],
    ids=str,
)
def test_a_field_has_a_plain_type_or_a_core_type(definition: Any, kind: AttributeKind) -> None:
    assert field(definition).kind is kind


def test_every_core_type_of_the_platform_is_supported() -> None:
    named = [
        "text",
        "longtext",
        "url",
        "identifier",
        "enum",
        "integer",
        "number",
        "date",
        "datetime",
        "boolean",
        "checkbox",
        "tag",
    ]
    assert sorted(CORE_TYPES) == sorted(named)


@pytest.mark.parametrize("make", [lambda **keywords: {"type": "string"} | keywords, lambda **k: core("text", **k)])
def test_lengths_are_parsed_in_both_forms(make: Any) -> None:
    read = field(make(minLength=2, maxLength=5, title="A title", description="What it says"))
    assert (read.min_length, read.max_length) == (2, 5)


@pytest.mark.parametrize("make", [lambda **keywords: {"type": "number"} | keywords, lambda **k: core("number", **k)])
def test_bounds_are_parsed_in_both_forms_with_all_digits(make: Any) -> None:
    read = field(make(minimum=Decimal("-0.1"), maximum=10**38 - 1))
    assert (read.minimum, read.maximum) == (Decimal("-0.1"), 10**38 - 1)


@pytest.mark.parametrize(
    "make", [lambda **keywords: {"type": "array", "items": {"type": "string", "maxLength": 7}} | keywords,
             lambda **keywords: core("tag", items={"type": "string", "maxLength": 7}, **keywords)]
)  # fmt: skip
def test_a_list_has_bounds_for_the_number_and_the_length_of_its_items(make: Any) -> None:
    read = field(make(minItems=1, maxItems=3))
    assert (read.min_items, read.max_items, read.max_length) == (1, 3, 7)


@pytest.mark.parametrize(("name", "most"), [("text", 100), ("longtext", 1000), ("url", 2000), ("identifier", 100)])
def test_a_core_type_limits_the_length_even_if_the_field_does_not(name: str, most: int) -> None:
    assert field(core(name)).max_length == most
    assert CORE_TYPES[name].to_wire()["validationLimits"]["maxLength"]["max"] == most
    assert "maxLength" in refused(core(name, maxLength=most + 1)).message


def test_a_document_is_returned_as_it_was_sent_in_its_order() -> None:
    written = document({"b": {"type": "string"}, "a": core("number")}, description="Orders", required=["b"])
    raw = parse(written).raw
    assert list(raw["properties"]) == ["b", "a"]
    assert raw == {"$schema": DRAFT_04} | written


def test_parsing_a_returned_document_gives_the_same_document() -> None:
    once = parse(document({"a": core("enum", enum=["x", "y"]), "b": {"type": "integer"}}, required=["a"]))
    again = parse(jsontext.loads(jsontext.dumps(once.raw).encode()))
    assert again == once
    assert again.raw == once.raw


def test_white_space_around_a_title_is_removed() -> None:
    assert parse(document(title="  Order placed ")).title == "Order placed"


def test_keywords_with_only_one_allowed_value_can_be_given() -> None:
    parse(document({}, **{"$schema": DRAFT_04, "type": "object", "additionalProperties": False}))


# -- invalid documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["pattern", "format", "default", "exclusiveMinimum", "oneOf", "$ref", "nullable"])
@pytest.mark.parametrize("definition", [{"type": "string"}, core("text")], ids=["plain", "core"])
def test_an_unknown_keyword_is_named_with_the_supported_ones(keyword: str, definition: dict[str, Any]) -> None:
    error = refused(definition | {keyword: 1})
    assert error.code == "unknown.keyword"
    assert error.message.startswith(
        f'The keyword "properties.field.{keyword}" is not supported. The keywords of a field'
    )
    assert "description, enum, maxLength, minLength, title, type" in error.message or "allOf" in error.message
    assert [(found.error_code, found.field_name) for found in error.details] == [
        ("unknown.keyword", f"properties.field.{keyword}")
    ]


def test_an_unknown_keyword_of_the_document_is_named() -> None:
    error = refusal(document(patternProperties={}))
    assert (error.code, error.details[0].field_name) == ("unknown.keyword", "patternProperties")
    assert "patternProperties" in error.message


@pytest.mark.parametrize(
    ("definition", "keyword"),
    [
        ({"type": "integer", "maxLength": 3}, "maxLength"),
        ({"type": "string", "minimum": 3}, "minimum"),
        ({"type": "boolean", "enum": ["true"]}, "enum"),
        (core("number", enum=["1"]), "enum"),
        (core("date", minimum=1), "minimum"),
        (core("text", items={"type": "string"}), "items"),
        (core("tag", maxLength=3), "maxLength"),
        (core("enum", enum=["a"], maxLength=3), "maxLength"),
        ({"type": "array", "items": {"type": "string", "pattern": "x"}}, "items.pattern"),
        (core("text", _enumProperties={}), "_enumProperties"),
    ],
    ids=str,
)
def test_a_keyword_of_another_kind_is_named(definition: Any, keyword: str) -> None:
    error = refused(definition)
    assert error.code == "unknown.keyword"
    assert f"properties.field.{keyword}" in error.message


@pytest.mark.parametrize("name", ["object", "null", "text", "String", "any"])
def test_an_unknown_plain_type_is_named(name: str) -> None:
    error = refused({"type": name})
    assert error.code == "unknown.type"
    assert f'"{name}"' in error.message


@pytest.mark.parametrize("name", ["money", "Text", "", "text/"])
def test_an_unknown_core_type_is_named(name: str) -> None:
    error = refused(core(name))
    assert error.code == "unknown.type"
    assert f'"#/definitions/{name}"' in error.message


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"title": "A field"},
        {"type": ["string", "null"]},
        {"type": None},
        {"type": "string"} | core("text"),
        {"allOf": []},
        {"allOf": "text"},
        {"allOf": [{"$ref": "#/definitions/text"}, {"$ref": "#/definitions/url"}]},
        {"allOf": [{"$ref": "#/definitions/text", "maxLength": 3}]},
        {"allOf": [{"$ref": "https://example.org/text"}]},
        {"type": "array"},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "array", "items": [{"type": "string"}]},
        None,
        "string",
        ["string"],
        True,
    ],
    ids=str,
)
def test_a_field_without_exactly_one_type_is_refused(definition: Any) -> None:
    assert refused(definition).details[0].field_name.startswith("properties.field")


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "string", "minLength": 5, "maxLength": 4},
        {"type": "number", "minimum": 2, "maximum": 1},
        {"type": "number", "minimum": Decimal("1.0000001"), "maximum": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 2},
        {"type": "array", "items": {"type": "string", "minLength": 3, "maxLength": 2}},
        core("text", minLength=101),
        core("text", maxLength=0),
        core("text", minLength=-1),
        core("tag", maxItems=11),
        core("number", minimum=-(10**38)),
        core("number", maximum=10**38),
        core("integer", maximum="10"),
        core("integer", maximum=True),
        core("integer", maximum=None),
        {"type": "string", "maxLength": Decimal("2.5")},
        {"type": "string", "maxLength": True},
    ],
    ids=str,
)
def test_invalid_or_contradicting_bounds_are_refused(definition: Any) -> None:
    assert refused(definition).code == "invalid.schema"


def test_equal_bounds_are_accepted() -> None:
    field({"type": "string", "minLength": 4, "maxLength": 4})
    field(core("number", minimum=1, maximum=Decimal("1.0")))


@pytest.mark.parametrize(
    "values", [None, [], "a", [1], [""], ["a", "a"], [None], ["x" * 101], {"a": 1}, [["a"]]], ids=str
)
@pytest.mark.parametrize("make", [lambda values: {"type": "string", "enum": values}, lambda v: core("enum", enum=v)])
def test_an_enum_must_list_distinct_strings(make: Any, values: Any) -> None:
    assert refused(make(values)).details[0].field_name == "properties.field.enum"


def test_the_core_type_enum_requires_values() -> None:
    assert refused(core("enum")).details[0].field_name == "properties.field.enum"


def test_enum_properties_describe_values_of_the_enum_only() -> None:
    field(core("enum", enum=["a", "b"], _enumProperties={"a": {"title": "A"}}))
    assert "_enumProperties" in refused(core("enum", enum=["a"], _enumProperties={"b": {}})).message


@pytest.mark.parametrize("title", [None, "", "   ", 5, ["a"], "x" * 101])
def test_a_schema_has_a_title_of_1_to_100_characters(title: Any) -> None:
    assert refusal(document(title=title)).details[0].field_name == "title"


def test_a_schema_without_a_title_is_refused() -> None:
    assert refusal({"properties": {}}).details[0].field_name == "title"


@pytest.mark.parametrize("raw", [None, [], "text", 5, True], ids=str)
def test_a_schema_is_an_object(raw: Any) -> None:
    assert refusal(raw).code == "invalid.schema"


def test_a_schema_has_50_fields_at_most() -> None:
    parse(document({f"f{number}": {"type": "string"} for number in range(50)}))
    error = refusal(document({f"f{number}": {"type": "string"} for number in range(51)}))
    assert error.code == "too.many.fields"
    assert "50" in error.message
    assert "51" in error.message


def test_a_schema_has_64_thousand_characters_at_most() -> None:
    properties = {f"f{field}": {"enum": [f"{'x' * 90}{value}" for value in range(20)]} for field in range(50)}
    assert refusal(document(properties)).code == "schema.too.large"
    assert limits.SCHEMA_CHARACTERS == 65_536


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_fields_name_has_1_to_100_characters(name: str) -> None:
    assert "1 to 100 characters" in refusal(document({name: {"type": "string"}})).message


@pytest.mark.parametrize("required", ["field", [1], {"field": True}, ["field", "missing"], [["field"]]], ids=str)
def test_required_can_only_list_existing_fields(required: Any) -> None:
    assert refusal(document({"field": {"type": "string"}}, required=required)).details[0].field_name == "required"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("$schema", "http://json-schema.org/draft-07/schema#"),
        ("type", "array"),
        ("additionalProperties", True),
        ("additionalProperties", {}),
        ("properties", []),
        ("description", 5),
        ("description", "x" * 501),
    ],
)
def test_keywords_with_another_than_the_allowed_value_are_refused(keyword: str, value: Any) -> None:
    assert refusal(document() | {keyword: value}).details[0].field_name == keyword


def test_ten_problems_are_described_and_the_others_are_counted() -> None:
    error = refusal(document({f"f{number}": {"type": "money"} for number in range(13)}))
    assert len(error.details) == 13
    assert error.message.count("Use one of") == 10
    assert error.message.endswith(" (and 3 more)")


def test_all_unknown_keywords_of_a_field_are_reported() -> None:
    error = refused({"type": "string", "pattern": "x", "format": "y"})
    assert [found.field_name for found in error.details] == ["properties.field.format", "properties.field.pattern"]


def test_a_long_name_is_shortened_in_messages() -> None:
    assert "x" * 101 not in refused({"type": "string", "x" * 5000: 1}).message
    assert "x" * 101 not in refusal(document({"x" * 5000: {"type": "string"}}, required=["x" * 4999])).message


def test_all_problems_of_a_schema_are_reported_together() -> None:
    error = refusal({"properties": {"a": {"type": "money"}, "b": {"type": "string", "pattern": "x"}, "c": core("url")}})
    assert {(found.error_code, found.field_name) for found in error.details} == {
        ("invalid.schema", "title"),
        ("unknown.type", "properties.a.type"),
        ("unknown.keyword", "properties.b.pattern"),
    }


KEYWORDS = (
    "type allOf $ref title description enum _enumProperties items minLength maxLength minimum maximum minItems maxItems"
)
NUMBERS = st.integers(-(10**40), 10**40) | st.decimals(allow_nan=False, allow_infinity=False)
ATOMS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.sampled_from(["string", "integer", "number", "boolean", "array", "a", "#/definitions/text", DRAFT_04])
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYWORDS.split()) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
CORE_FORMS = st.builds(core, st.sampled_from(sorted(CORE_TYPES)))
FIELDS = (
    ANYTHING | CORE_FORMS | st.builds(lambda form, more: {**form, **more}, CORE_FORMS, st.dictionaries(
        st.sampled_from(KEYWORDS.split()), ANYTHING, max_size=3
    ))
)  # fmt: skip
DOCUMENTS = ANYTHING | st.dictionaries(
    st.sampled_from(["$schema", "title", "description", "type", "required", "additionalProperties"]), ANYTHING
).flatmap(
    lambda frame: st.dictionaries(st.text(max_size=3), FIELDS, max_size=3).map(
        lambda properties: {"title": "A title"} | frame | {"properties": properties}
    )
)


@given(DOCUMENTS)
def test_a_document_is_parsed_or_refused_without_any_other_error(raw: Any) -> None:
    try:
        read = parse(raw)
    except BadRequest:
        return
    assert parse(read.raw) == read
    for one in read.fields.values():
        assert one.min_length is None or one.max_length is None or one.min_length <= one.max_length
        assert one.minimum is None or one.maximum is None or one.minimum <= one.maximum
        assert (one.kind is AttributeKind.ENUM) == bool(one.enum)


# -- new versions ------------------------------------------------------------------------------------------------------


def changes(old: Mapping[str, Any], new: Mapping[str, Any], **required: list[str]) -> list[tuple[str, str]]:
    was = parse(document(old, required=required.get("was", [])))
    now = parse(document(new, required=required.get("now", [])))
    found = [(code, where) for code, where, _ in differences(was, now)]
    if found:
        with pytest.raises(BadRequest) as caught:
            check_evolution(was, now)
        assert caught.value.code == found[0][0]
        assert [(detail.error_code, detail.field_name) for detail in caught.value.details] == found
    else:
        check_evolution(was, now)
    return found


STRING = {"type": "string"}


def test_a_field_cannot_be_removed() -> None:
    assert changes({"a": STRING, "b": STRING}, {"a": STRING}) == [("field.removed", "properties.b")]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (STRING, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "enum": ["a"]}, STRING),
        (STRING, core("text")),
        (core("text"), core("longtext")),
        ({"type": "integer"}, {"type": "number"}),
        ({"type": "number"}, {"type": "integer"}),
        (STRING, {"type": "array", "items": STRING}),
        (core("date"), core("datetime")),
        ({"type": "boolean"}, STRING),
    ],
    ids=str,
)
def test_the_kind_of_a_field_cannot_change(was: Any, now: Any) -> None:
    assert changes({"a": was}, {"a": now}) == [("field.kind.changed", "properties.a")]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ({"type": "integer"}, core("integer")),
        ({"type": "boolean"}, core("checkbox")),
        ({"type": "string", "enum": ["a"]}, core("enum", enum=["a"])),
    ],
    ids=str,
)
def test_a_kind_can_be_written_in_the_other_form(was: Any, now: Any) -> None:
    assert changes({"a": was}, {"a": now}) == []


def test_enum_values_cannot_be_removed() -> None:
    assert changes({"a": {"enum": ["x", "y"]}}, {"a": {"enum": ["x", "z"]}}) == [("enum.value.removed", "properties.a")]


def test_enum_values_can_be_added_and_reordered() -> None:
    assert changes({"a": {"enum": ["x", "y"]}}, {"a": {"enum": ["z", "y", "x"]}}) == []


def test_an_optional_field_cannot_become_required() -> None:
    assert changes({"a": STRING}, {"a": STRING}, now=["a"]) == [("field.became.required", "properties.a")]


def test_a_new_field_cannot_be_required() -> None:
    assert changes({}, {"a": STRING}, now=["a"]) == [("field.became.required", "properties.a")]


def test_a_required_field_can_become_optional_and_fields_can_be_added() -> None:
    assert changes({"a": STRING}, {"a": STRING, "b": core("url")}, was=["a"]) == []


def test_bounds_titles_and_descriptions_can_change() -> None:
    was, now = STRING | {"maxLength": 5}, STRING | {"maxLength": 9, "title": "T", "description": "D"}
    assert changes({"a": was}, {"a": now}) == []


def test_all_incompatible_changes_are_reported_together() -> None:
    found = changes({"a": STRING, "b": STRING, "c": {"enum": ["x"]}}, {"a": core("url"), "c": {"enum": ["y"]}})
    assert sorted(found) == [
        ("enum.value.removed", "properties.c"),
        ("field.kind.changed", "properties.a"),
        ("field.removed", "properties.b"),
    ]
