/** What went wrong with a request, in words for the reader. */

/** A field that the API refuses, for example `elements[0].name`, and the kind of problem, for example `unknown.attribute`. */
export interface Detail {
  readonly field: string;
  readonly code: string;
}

interface ErrorBody {
  message?: string;
  code?: string;
  contextId?: string;
  details?: readonly { fieldName?: string; errorCode?: string }[];
}

/** The API refused a request. `message` says what is wrong and what is allowed. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly Detail[];
  /** The request's id, by which an operator finds its log line. */
  readonly contextId: string | undefined;

  constructor(status: number, body: unknown) {
    const error = (body ?? {}) as ErrorBody;
    super(error.message ?? `The API answered with status ${status}.`);
    this.status = status;
    this.code = error.code ?? "";
    this.contextId = error.contextId;
    this.details = (error.details ?? []).map((one) => ({ field: one.fieldName ?? "", code: one.errorCode ?? "" }));
  }
}

/** The API was not reached: the network failed or the time was up. */
export class NetworkProblem extends Error {
  constructor() {
    super("The API cannot be reached. Check the network connection, and try again.");
  }
}

/** Whether the same request may succeed later. */
export function isRetryable(error: unknown): boolean {
  return (
    error instanceof NetworkProblem || (error instanceof ApiProblem && (error.status >= 500 || error.status === 429))
  );
}
