/** A sample delivery of each sender: those of the command `journeys deliver`, with the headers that presets read. */

import { parseExactly } from "../types/exactJson";

const files = import.meta.glob<string>("../../../../../tools/samples/deliveries/*", {
  query: "?raw",
  import: "default",
  eager: true,
});

export interface SampleDelivery {
  readonly text: string;
  /** Whether the text is the exact body of a delivery, and not the JSON in it. */
  readonly exact: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  github: { "X-GitHub-Event": "issues", "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
  shopify: {
    "X-Shopify-Topic": "orders/paid",
    "X-Shopify-Event-Id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
    "X-Shopify-Shop-Domain": "example.myshopify.com",
  },
  standard: { "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek" },
  zendesk: { "X-Zendesk-Webhook-Invocation-Id": "01F1KRFQ6BG29CNWFR60NK5FNY" },
  salesforce: { "Content-Type": "text/xml; charset=UTF-8" },
  cloudevents: { "Content-Type": "application/cloudevents+json" },
};

export function sampleOf(sender: string): SampleDelivery | undefined {
  const found = Object.entries(files).find(([path]) => path.split("/").at(-1)?.split(".")[0] === sender);
  if (!found) return undefined;
  const [path, text] = found;
  const exact = !path.endsWith(".json");
  return { text: exact ? text : JSON.stringify(parseExactly(text), null, 2), exact, headers: HEADERS[sender] ?? {} };
}
