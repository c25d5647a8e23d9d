/** Why deliveries to an endpoint will fail, with a link to what has to be changed. */

import { address } from "../../../routing";
import type { EndpointDescription } from "../requests";

export function EndpointProblems({ endpoint }: { endpoint: EndpointDescription }) {
  if (endpoint.problems.length === 0) return null;
  return (
    <section class="notice bad" aria-label="Problems">
      <h2>Deliveries will fail</h2>
      <ul class="changes">
        {endpoint.problems.map((problem) => (
          <li key={`${problem.fieldName}|${problem.errorCode}`} class="wrap-anywhere">
            {problem.message}{" "}
            <a href={address(["sources", "endpoints", endpoint.id, placeOf(problem.fieldName)])}>Correct it</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function placeOf(fieldName: string): string {
  return fieldName.startsWith("mapping") ? "mapping" : "settings";
}
