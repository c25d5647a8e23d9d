/** What a sender delivered, as text to read. */

import type { Model } from "../../api/client";
import { indented } from "../../components/values";

export interface DeliveredBody {
  /** Undefined if the bytes are no text. */
  readonly text: string | undefined;
  readonly form: "JSON" | "text" | "binary";
  readonly bytes: number;
}

export function deliveredBody(delivery: Pick<Model<"FailedDelivery">, "body" | "isBase64Encoded">): DeliveredBody {
  const bytes = bytesOf(delivery);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { text: undefined, form: "binary", bytes: bytes.length };
  }
  const json = indented(text);
  return { text: json ?? text, form: json === undefined ? "text" : "JSON", bytes: bytes.length };
}

/** The body as it was delivered. */
export function bytesOf({
  body,
  isBase64Encoded,
}: Pick<Model<"FailedDelivery">, "body" | "isBase64Encoded">): Uint8Array<ArrayBuffer> {
  if (!isBase64Encoded) return new TextEncoder().encode(body);
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}
