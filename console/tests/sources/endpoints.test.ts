import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiProblem } from "../../src/api/problem";
import { curlCommand, sampleEvent } from "../../src/pages/sources/configurations/sampleEvent";
import { readEvents } from "../../src/pages/sources/configurations/readEvents";
import { delayBefore } from "../../src/pages/sources/endpoints/backoff";
import { readHeaders } from "../../src/pages/sources/endpoints/headers";
import { toMapping, toMappingForm } from "../../src/pages/sources/endpoints/mappingForm";
import { missingPart, needsTimeZone, toNewEndpoint } from "../../src/pages/sources/endpoints/newEndpoint";
import { sampleOf } from "../../src/pages/sources/endpoints/samples";
import { targetProblem, toTarget, toTargetValues } from "../../src/pages/sources/endpoints/targets";
import type { Sender } from "../../src/pages/sources/requests";
import { fieldProblems } from "../../src/pages/sources/problems";

const SENDERS = ["standard", "stripe", "shopify", "github", "adobe", "qualtrics", "servicenow", "hubspot", "zendesk"];
const OTHERS = ["segment", "slack", "salesforce", "cloudevents", "hmac"];

const mappings = fc.record(
  {
    id: fc.string(),
    dateCreated: fc.string(),
    customer: fc.string(),
    timeZone: fc.string(),
    externalIds: fc.array(fc.record({ externalSourceId: fc.string(), value: fc.string() })),
    attributes: fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), fc.constant(null))),
  },
  { requiredKeys: [] },
);

describe("the form of a mapping", () => {
  it("returns any mapping unchanged", () => {
    fc.assert(
      fc.property(mappings, (mapping) => {
        expect(toMapping(toMappingForm(mapping))).toEqual(mapping);
      }),
    );
  });

  it("leaves a part to the preset again", () => {
    const form = toMappingForm({ id: "number", attributes: { city: "address.city", old: null } });
    const changed = { ...form, parts: {}, attributes: form.attributes.filter(({ name }) => name === "old") };
    expect(toMapping(changed)).toEqual({ attributes: { old: null } });
  });
});

describe("the form of a new endpoint", () => {
  const qualtrics = {
    name: "qualtrics",
    title: "Qualtrics",
    mapping: { dateFormat: "%Y-%m-%d %H:%M:%S" },
    options: [
      { name: "clientId", required: true },
      { name: "prefix", required: false },
    ],
    secret: { needed: true, generatedBySender: false, source: "" },
  } as unknown as Sender;
  const complete = {
    name: " Survey ",
    target: toTargetValues({ configurationId: "id" }),
    options: { clientId: "x" },
    ownSecret: false,
    secret: "",
    timeZone: "UTC",
  };

  it("is the request", () => {
    const request = { name: "Survey", sender: "qualtrics", configurationId: "id", options: { clientId: "x" } };
    expect(missingPart(qualtrics, complete)).toBe("");
    expect(toNewEndpoint(qualtrics, complete)).toEqual({ ...request, mapping: { timeZone: "UTC" } });
    const own = { ...complete, ownSecret: true, secret: "a secret" };
    expect(toNewEndpoint({ ...qualtrics, mapping: {} }, own)).toEqual({ ...request, mapping: {}, secret: "a secret" });
  });

  it.each([
    [{ target: toTargetValues({}) }, "Choose a configuration."],
    [{ name: " " }, "Enter a name."],
    [{ options: {} }, "Enter clientId."],
    [{ timeZone: "" }, "Enter the time zone."],
    [{ ownSecret: true, secret: "short" }, "Enter the secret. It has at least 8 characters."],
  ])("says what is missing: %o", (changed, missing) => {
    expect(missingPart(qualtrics, { ...complete, ...changed })).toBe(missing);
  });

  it("asks for a time zone only where dates have none", () => {
    const zoned = (mapping: object) => needsTimeZone({ ...qualtrics, mapping } as unknown as Sender);
    expect([zoned({}), zoned({ dateFormat: "unix" }), zoned({ dateFormat: "%H%z" })]).toEqual([false, false, false]);
    expect(zoned({ dateFormat: "%H", timeZone: "UTC" })).toBe(false);
  });
});

describe("the target of an endpoint", () => {
  const targets = fc.oneof(
    fc.record({ configurationId: fc.uuid() }),
    fc.record({
      routing: fc.record({
        expression: fc.string({ minLength: 1 }),
        configurations: fc.dictionary(fc.string({ minLength: 1 }), fc.uuid(), { minKeys: 1 }),
      }),
    }),
  );

  it("survives its form", () => {
    fc.assert(
      fc.property(targets, (target) => {
        expect(toTarget(toTargetValues(target))).toEqual(target);
      }),
    );
  });

  it("says what is missing", () => {
    expect(targetProblem(toTargetValues({}))).toBe("Choose a configuration.");
    const routing = { expression: "type", configurations: { "": "id" } };
    expect(targetProblem(toTargetValues({ routing }))).toContain("Complete every result");
    expect(targetProblem(toTargetValues({ configurationId: "id" }))).toBe("");
  });
});

describe("samples", () => {
  it.each([...SENDERS, ...OTHERS])("exist for %s", (sender) => {
    const sample = sampleOf(sender);
    expect(sample?.exact).toBe(sender === "salesforce");
    if (!sample?.exact) expect(() => JSON.parse(sample?.text ?? "") as unknown).not.toThrow();
  });

  it("do not exist for an unknown sender", () => {
    expect(sampleOf("fax")).toBeUndefined();
  });
});

describe("headers", () => {
  it("are read line by line", () => {
    expect(readHeaders("X-A: 1\n\nX-B:a:b")).toEqual({ headers: { "X-A": "1", "X-B": "a:b" } });
    expect(readHeaders("no header").problem).toContain("“no header”");
  });
});

describe("the pause between two requests", () => {
  it("grows to ten seconds", () => {
    fc.assert(
      fc.property(fc.nat(100), (attempt) => {
        expect(delayBefore(attempt)).toBeGreaterThanOrEqual(1000);
        expect(delayBefore(attempt)).toBeLessThanOrEqual(delayBefore(attempt + 1));
        expect(delayBefore(attempt)).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

describe("events to check", () => {
  it("are read from an event, a list, or a request", () => {
    expect(readEvents('{"id": "1"}').events).toEqual([{ id: "1" }]);
    expect(readEvents('[{"id": "1"}]').events).toEqual([{ id: "1" }]);
    expect(readEvents('{"entities": [{"id": "1"}]}').events).toEqual([{ id: "1" }]);
  });

  it("say what is wrong", () => {
    expect(readEvents("{").problem).toContain("This is not JSON");
    expect(readEvents("[]").problem).toBe("Enter at least one event.");
    expect(readEvents(JSON.stringify(Array(101).fill({}))).problem).toContain("at most 100");
  });
});

describe("the example of an event", () => {
  const now = new Date("2026-01-31T09:30:00.123Z");

  it("fits its fields", () => {
    const { attributes } = sampleEvent(
      {
        title: "T",
        properties: {
          state: { enum: ["new"] },
          short: { type: "string", minLength: 9, maxLength: 9 },
          count: { type: "integer", minimum: 2.5 },
          less: { type: "number", maximum: -3 },
          day: { allOf: [{ $ref: "#/definitions/date" }] },
          tags: { type: "array", items: { type: "string", maxLength: 3 }, minItems: 2 },
          yes: { type: "boolean" },
        },
      },
      now,
    );
    expect(attributes).toEqual({
      state: "new",
      short: "examplexx",
      count: 3,
      less: -3,
      day: "2026-01-31",
      tags: ["exa", "exa"],
      yes: true,
    });
  });

  it("is quoted for a shell", () => {
    expect(curlCommand("https://example.com/a", { name: "it's" })).toContain(`it'\\''s`);
  });
});

describe("problems at fields", () => {
  const problem = (details: unknown[]) => new ApiProblem(400, { message: "Wrong.", details });

  it("have the error's message if there is one detail, and a sentence each otherwise", () => {
    const one = { fieldName: "options.header", errorCode: "missing.option" };
    const other = { fieldName: "name", errorCode: "odd" };
    expect(fieldProblems(problem([one]))).toEqual(new Map([["options.header", "Wrong."]]));
    expect(fieldProblems(problem([one, other])).get("options.header")).toBe("Enter this option.");
    expect(fieldProblems(problem([one, other])).get("name")).toContain("odd");
    expect(fieldProblems(new Error("other"))).toEqual(new Map());
  });
});
