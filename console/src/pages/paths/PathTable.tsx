/** The same steps as a table: a row per step, below the step before it. */

import { NativeIcon } from "../../components/native-icon";
import { number, share } from "../../formats";
import { addressOf, type Shown } from "./shown";
import { type Branch, inOrder } from "./tree";
import { branchName, type Reading } from "./words";

interface NameProps {
  name: string;
  type: string | undefined;
  native: ReadonlySet<string>;
}

/** A name, with the icon of its event type if that is one of the contact center's. */
export function EventName({ name, type, native }: NameProps) {
  if (type === undefined || !native.has(type)) return <span class="wrap-anywhere">{name}</span>;
  return (
    <span class="wrap-anywhere with-icon">
      <NativeIcon type={type} />
      {name}
    </span>
  );
}

interface Props {
  root: Branch;
  reading: Reading;
  shown: Shown;
  jobId: string;
}

const COLUMNS = ["Customers", "of the start", "of the step before", "Paths", "of all paths"] as const;

export function PathTable({ root, reading, shown, jobId }: Props) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
    <div class="table paths-table" tabindex={0} role="region" aria-label="Steps">
      <table>
        <caption class="unseen">Steps</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {COLUMNS.map((title, index) => (
              <th key={index} scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {inOrder(root).map((branch) => (
            <Row key={branch.key} branch={branch} reading={reading} shown={shown} jobId={jobId} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ branch, reading, shown, jobId }: Omit<Props, "root"> & { branch: Branch }) {
  const { figures, ofStart, ofPrevious, level } = branch;
  const cells = [
    number(figures.customerCount),
    share(figures.customerCount, ofStart.customerCount),
    level === 0 ? "–" : share(figures.customerCount, ofPrevious.customerCount),
    number(figures.eventCount),
    share(figures.eventCount, ofStart.eventCount),
  ];
  return (
    <tr class={branch.outcome ? "outcome" : ""}>
      <th scope="row">
        <div class="paths-step" style={{ paddingInlineStart: `calc(${level} * var(--paths-indent))` }}>
          <Toggle branch={branch} reading={reading} shown={shown} jobId={jobId} />
          <Name branch={branch} reading={reading} shown={shown} jobId={jobId} />
        </div>
        <Share part={figures.customerCount} all={ofStart.customerCount} outcome={branch.outcome} />
      </th>
      {cells.map((cell, index) => (
        <td key={index} data-title={COLUMNS[index]} class="number">
          {cell}
        </td>
      ))}
    </tr>
  );
}

type RowProps = Omit<Props, "root"> & { branch: Branch };

function Toggle({ branch, reading, shown, jobId }: RowProps) {
  if (!branch.follows) return <span class="paths-no-toggle" />;
  const name = branchName(branch, reading);
  return (
    <button
      type="button"
      class="plain paths-expand"
      aria-expanded={!branch.collapsed}
      aria-label={`What ${reading.direction === "After" ? "follows" : "comes before"} ${name}, step ${branch.level}`}
      onClick={() => {
        const collapsed = new Set(shown.collapsed);
        if (!collapsed.delete(branch.key)) collapsed.add(branch.key);
        location.replace(addressOf(jobId, { ...shown, collapsed }));
      }}
    >
      {branch.collapsed ? "▸" : "▾"}
    </button>
  );
}

/** The name leads to the paths through the step. */
function Name({ branch, reading, shown, jobId }: RowProps) {
  const name = branchName(branch, reading);
  const named = <EventName name={name} type={branch.type} native={reading.native} />;
  if (branch.level === 0) return named;
  return <a href={addressOf(jobId, { ...shown, choice: branch })}>{named}</a>;
}

function Share({ part, all, outcome }: { part: number; all: number; outcome: Branch["outcome"] }) {
  return (
    <div class="paths-share" aria-hidden="true">
      <div class={outcome ?? ""} style={{ width: `${all ? (100 * part) / all : 0}%` }} />
    </div>
  );
}
