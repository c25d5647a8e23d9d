/** What breakdowns and comparisons have in common: a head with what can be done, and how differences are tested. */

import { useEffect, useRef } from "preact/hooks";
import { useAction } from "../../api/loading";
import { CopyLink } from "../../components/copying";
import { downloadCsv } from "../../components/downloads";
import { Failed } from "../../components/states";
import { count, number } from "../../formats";
import { setQuery } from "../../routing";
import { type Asked, NOTHING_ASKED } from "./useAsked";

interface AskedFile {
  /** "Download CSV" */
  readonly verb: string;
  readonly name: string;
  readonly load: () => Promise<string>;
}

interface Props {
  id: string;
  title: string;
  fresh: Asked["fresh"];
  /** The files that can be saved; none before there is a result. */
  files: readonly AskedFile[];
  /** Switches between picture and table; undefined where there is no choice. */
  shape?: { readonly table: boolean; readonly toggle: () => void } | undefined;
}

export function AskedHead({ id, title, fresh, files, shape }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const arrived = files.length > 0;
  useEffect(() => {
    if (fresh.current) heading.current?.focus();
    // Before the result is there, the page may be too short to bring the heading to the top.
    if (fresh.current || document.activeElement === heading.current) heading.current?.scrollIntoView();
    fresh.current = false;
  }, [fresh.current, arrived]);
  const saving = useAction(async ({ name, load }: AskedFile) => {
    downloadCsv(name, await load());
  });
  return (
    <>
      <div class="row apart">
        <h2 ref={heading} id={id} tabindex={-1} class="asked-title wrap-anywhere">
          {title}
        </h2>
        <div class="row">
          {arrived && shape && (
            <button type="button" onClick={shape.toggle}>
              {shape.table ? "Show as picture" : "Show as table"}
            </button>
          )}
          {files.map((file) => (
            <button key={file.verb} type="button" disabled={saving.running} onClick={() => void saving.run(file)}>
              {file.verb}
            </button>
          ))}
          <CopyLink />
          <button
            type="button"
            onClick={() => {
              setQuery(NOTHING_ASKED);
              document.querySelector<HTMLElement>(".ask-bar button")?.focus();
            }}
          >
            Close
          </button>
        </div>
      </div>
      {saving.error !== undefined && <Failed error={saving.error} />}
    </>
  );
}

interface TestedProps {
  testCount: number;
  level: number;
  assumptions: readonly string[];
}

/** The name of the test, what it calls significant, and what it assumes. */
export function HowTested({ testCount, level, assumptions }: TestedProps) {
  return (
    <details class="asked-tested">
      <summary>How is this tested?</summary>
      <p>
        With the two-proportion z-test: two-sided, with a pooled share. In its own test, a difference is significant if
        p is below {number(level)}. It is called <em>significant</em> if it is so among all {count(testCount, "test")}
        (Bonferroni), and <em>significant on its own only</em> otherwise. Durations are not tested. The test assumes:
      </p>
      <ul>
        {assumptions.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </details>
  );
}
