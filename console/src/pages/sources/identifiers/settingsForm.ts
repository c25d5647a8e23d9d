/** Which sources of identifiers link, as a form: one rule for sources that come later, and a choice for each known one. */

import type { Model } from "../../../api/client";
import { byName } from "../../../formats";
import { mayLink } from "../../customers/identifiers";

export type Settings = Pick<Model<"IdentitySettings">, "linking" | "sources">;
export type Linking = Settings["linking"];

export interface SourceChoice {
  readonly source: string;
  readonly links: boolean;
}

export interface Form {
  readonly linking: Linking;
  /** Every source that events or the settings name, sorted. */
  readonly choices: readonly SourceChoice[];
}

export function toForm(settings: Settings, known: readonly string[]): Form {
  const all = new Map([...known, ...settings.sources].map((source) => [source.toLowerCase(), source]));
  // While nothing links, the choices are those of the settings with which it was switched off.
  const rule = settings.linking === "None" ? { ...settings, linking: "AllExcept" as const } : settings;
  return {
    linking: settings.linking,
    choices: [...all.values()].sort(byName).map((source) => ({ source, links: mayLink(rule, source) })),
  };
}

/** The settings that a form means. */
export function toSettings({ linking, choices }: Form): Settings {
  const named = choices.filter(({ links }) => links === (linking === "Only"));
  return { linking, sources: named.map(({ source }) => source) };
}

/** The form with another choice for a source. One that is new is added. */
export function withChoice(form: Form, source: string, links: boolean): Form {
  const others = form.choices.filter((one) => one.source.toLowerCase() !== source.toLowerCase());
  const name = form.choices.find((one) => one.source.toLowerCase() === source.toLowerCase())?.source ?? source;
  return {
    ...form,
    choices: [...others, { source: name, links }].sort((one, other) => byName(one.source, other.source)),
  };
}

/** Whether two settings mean the same. */
export function sameSettings(one: Settings, other: Settings): boolean {
  const text = ({ linking, sources }: Settings) => JSON.stringify([linking, [...sources].sort()]);
  return text(one) === text(other);
}
