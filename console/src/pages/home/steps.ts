/** The way from nothing to the first figures: which steps are done, and who can do the next one. */

import { address } from "../../routing";

/** What the API answered. Undefined where the reader may not ask. */
export interface Facts {
  readonly types: readonly { readonly id: string }[] | undefined;
  readonly activeTypes: number | undefined;
  readonly configurations: readonly { readonly id?: string }[] | undefined;
  readonly events: number | undefined;
  readonly views: readonly { readonly id?: string }[] | undefined;
  readonly completeJobs: number | undefined;
}

export interface Step {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly done: boolean;
  /** What the step needs, without its prefix. */
  readonly permission: string;
  /** Who has this permission by role. */
  readonly role: string;
  readonly verb: string;
  readonly href: string;
}

export function stepsOf(facts: Facts): readonly Step[] {
  const type = facts.types?.[0]?.id;
  const configuration = facts.configurations?.[0]?.id;
  const view = facts.views?.[0]?.id;
  return [
    {
      name: "type",
      title: "Define an event type",
      about: "It names what happens, for example an order, and its attributes.",
      done: (facts.types?.length ?? 0) > 0,
      permission: "externalEventsSchema:add",
      role: "an integrator",
      verb: "Define event type",
      href: address(["sources", "types", "new"]),
    },
    {
      name: "activate",
      title: "Activate it for views",
      about: "Views can use an event type once it is activated.",
      done: (facts.activeTypes ?? 0) > 0,
      permission: "externalEvents:activate",
      role: "an integrator",
      verb: "Activate event type",
      href: type ? address(["sources", "types", type]) : address(["sources", "types"]),
    },
    {
      name: "source",
      title: "Connect a source",
      about: "Bind the event type to the system that sends it: a tool with webhooks, or your own over the API.",
      done: (facts.configurations?.length ?? 0) > 0,
      permission: "externalEventsConfiguration:add",
      role: "an integrator",
      verb: "Connect source",
      href: address(["sources", "configurations", "new"], { type }),
    },
    {
      name: "event",
      title: "Receive the first event",
      about: "Let the tool deliver, or send an event over the API. This page notices it by itself.",
      done: (facts.events ?? 0) > 0,
      permission: "externalEventsConfiguration:edit",
      role: "an integrator",
      verb: "Show how to send",
      href: configuration ? address(["sources", "configurations", configuration]) : address(["sources", "endpoints"]),
    },
    {
      name: "view",
      title: "Build the first view",
      about: "Put the events in order to count how many customers go from one to the next.",
      done: (facts.views?.length ?? 0) > 0,
      permission: "views:add",
      role: "an analyst",
      verb: "Build view",
      href: address(["builder"]),
    },
    {
      name: "compute",
      title: "Compute it",
      about: "The figures appear in the picture of the journey.",
      done: (facts.completeJobs ?? 0) > 0,
      permission: "viewsJobs:add",
      role: "an analyst",
      verb: "Compute view",
      href: view ? address(["views", view]) : address(["views"]),
    },
  ];
}

/** The first step that is not done. */
export function nextStep(steps: readonly Step[]): Step | undefined {
  return steps.find((step) => !step.done);
}
