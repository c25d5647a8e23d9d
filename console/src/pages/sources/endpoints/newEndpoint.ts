/** The form of a new endpoint: what is entered, and what is missing. */

import type { NewEndpoint, Sender } from "../requests";
import { targetProblem, type TargetValues, toTarget } from "./targets";

export const SHORTEST_SECRET = 8;

export interface EndpointValues {
  readonly name: string;
  readonly target: TargetValues;
  readonly options: Readonly<Record<string, string>>;
  /** Whether the reader enters the secret. Otherwise it is generated here, or the tool shows it later. */
  readonly ownSecret: boolean;
  readonly secret: string;
  readonly timeZone: string;
}

/** Whether the dates of a sender have no time zone, so that the endpoint must name it. */
export function needsTimeZone(sender: Sender): boolean {
  const { dateFormat, timeZone } = sender.mapping as { dateFormat?: string; timeZone?: string };
  return timeZone === undefined && dateFormat !== undefined && dateFormat.includes("%") && !/%z/i.test(dateFormat);
}

/** The required options that are not entered. */
export function missingOptions(sender: Sender, options: EndpointValues["options"]): readonly string[] {
  return sender.options.filter((option) => option.required && !options[option.name]).map((option) => option.name);
}

/** What has to be entered next; empty if the endpoint can be created. */
export function missingPart(sender: Sender, values: EndpointValues): string {
  const target = targetProblem(values.target);
  const options = missingOptions(sender, values.options);
  if (target) return target;
  if (!values.name.trim()) return "Enter a name.";
  if (options.length > 0) return `Enter ${options.join(" and ")}.`;
  if (needsTimeZone(sender) && !values.timeZone.trim()) return "Enter the time zone.";
  if (values.ownSecret && values.secret.length < SHORTEST_SECRET) {
    return `Enter the secret. It has at least ${SHORTEST_SECRET} characters.`;
  }
  return "";
}

export function toNewEndpoint(sender: Sender, values: EndpointValues): NewEndpoint {
  return {
    name: values.name.trim(),
    sender: sender.name,
    ...toTarget(values.target),
    options: values.options,
    mapping: needsTimeZone(sender) ? { timeZone: values.timeZone.trim() } : {},
    ...(values.ownSecret ? { secret: values.secret } : {}),
  };
}

export interface SecretChoice {
  readonly own: boolean;
  readonly label: string;
}

/** Who the secret can come from. */
export function secretChoices({ title, secret }: Sender): readonly SecretChoice[] {
  if (!secret.needed) return [];
  if (secret.generatedBySender) {
    return [
      { own: false, label: `${title} shows it after it knows the address: enter it in the next step` },
      { own: true, label: "It is known already: enter it now" },
    ];
  }
  return [
    { own: false, label: "Generate it here: it is shown once, and you enter it in the tool" },
    { own: true, label: "Enter your own, or the one that the tool shows" },
  ];
}
