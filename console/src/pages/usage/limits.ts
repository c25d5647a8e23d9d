/** The limits' names for readers, by the API's keys. */

const NAMES: Readonly<Record<string, string>> = {
  "event.types.per.org": "Event types",
  "configurations.per.org": "Configurations",
  "configurations.ever.per.org": "Configurations, deleted ones included",
  "webhook.endpoints.per.org": "Webhook endpoints",
  "views.per.org": "Views",
  "versions.per.view": "Versions of a view",
  "jobs.waiting.per.org": "Jobs that wait or run",
  "people.per.org": "People",
  "clients.per.org": "API clients",
};

/** The name of a limit. A limit that this release does not know is shown by its key. */
export function limitName(key: string): string {
  return NAMES[key] ?? key;
}
