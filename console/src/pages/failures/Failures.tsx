/** Failures: what was refused, why, and how to fix it. The list, or one failure. */

import type { PageProps } from "../pages";
import { FailurePage } from "./FailurePage";
import "./failures.css";
import { FailureList } from "./FailureList";

export default function Failures({ rest: [id] }: PageProps) {
  return id === undefined ? <FailureList /> : <FailurePage key={id} id={id} />;
}
