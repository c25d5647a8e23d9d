/** What to do first, from the event type to the first figures. It disappears when all steps are done. */

import { useEffect } from "preact/hooks";
import { useMe } from "../../me";
import { CardProblem } from "./EventsCard";
import { activeTypes, type Figures } from "./requests";
import { type Facts, nextStep, type Step, stepsOf } from "./steps";

/** Milliseconds between two looks for the first event. */
const PAUSE = 5_000;

export function Checklist({ figures }: { figures: Figures }) {
  const { types, definitions, configurations, usage, views, jobs } = figures;
  const parts = [types, definitions, configurations, usage, views, jobs];
  const steps = stepsOf(factsOf(figures));
  const next = nextStep(steps);
  const known = parts.every((part) => part.data !== undefined || !part.loading);
  const waiting = known && next?.name === "event";
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setInterval(() => {
      if (document.hidden) return;
      usage.reload();
      figures.activity.reload();
    }, PAUSE);
    return () => {
      clearInterval(timer);
    };
  }, [waiting]);
  const failed = parts.find((part) => part.error !== undefined);
  if (!known || !next) return null;
  if (failed) {
    return steps.some((step) => step.done) ? null : <CardProblem loaded={failed} />;
  }
  return (
    <section class="card home-first" aria-labelledby="home-first">
      <div class="row apart">
        <h2 id="home-first">{steps.some((step) => step.done) ? "What to do next" : "What to do first"}</h2>
        <span class="soft small">
          {steps.filter((step) => step.done).length} of {steps.length} done
        </span>
      </div>
      <ol class="home-steps">
        {steps.map((step, index) => (
          <StepItem key={step.name} step={step} position={index + 1} current={step === next} waiting={waiting} />
        ))}
      </ol>
    </section>
  );
}

interface ItemProps {
  step: Step;
  position: number;
  current: boolean;
  waiting: boolean;
}

function StepItem({ step, position, current, waiting }: ItemProps) {
  const may = useMe().permissions.some((granted) => granted === `journey:${step.permission}`);
  return (
    <li class={step.done ? "done" : current ? "current" : ""} aria-current={current ? "step" : undefined}>
      <span class="home-tick" aria-hidden="true">
        {step.done ? "✓" : position}
      </span>
      <div class="stack tight">
        <strong>
          {step.title}
          {step.done && <span class="unseen"> (done)</span>}
        </strong>
        {!step.done && <span class="soft small">{step.about}</span>}
        {current &&
          (may ? (
            <div class="row">
              <a class="button primary" href={step.href}>
                {step.verb}
              </a>
              {waiting && (
                <span class="loading small" role="status">
                  Waiting for the first event …
                </span>
              )}
            </div>
          ) : (
            <p class="small">Ask {step.role} of your organization to do this.</p>
          ))}
      </div>
    </li>
  );
}

function factsOf({ types, definitions, configurations, usage, views, jobs }: Figures): Facts {
  return {
    types: types.data?.entities?.flatMap(({ id }) => (id === undefined ? [] : [{ id }])),
    activeTypes: activeTypes(definitions.data),
    configurations: configurations.data?.entities,
    events: usage.data?.entities.reduce((sum, one) => sum + one.externalEventCount + one.nativeEventCount, 0),
    views: views.data?.entities,
    completeJobs: jobs.data?.entities.length,
  };
}
