/** The figures of a journey as a table. */

import { NativeIcon } from "../components/native-icon";
import { Table } from "../components/tables";
import { firstElements, shareOfFirst, shareOfPrevious } from "./figures";
import { connections, type ElementFigures, type Figures, type GraphElement, linkKey } from "./model";
import { STATES } from "./who";
import { WhoNumber } from "./who-number";

interface Props {
  elements: readonly GraphElement[];
  figures: Figures;
}

const COLUMNS: readonly { title: string; name: keyof ElementFigures }[] = [
  { title: "Customers", name: "participants" },
  { title: "Completed", name: "completed" },
  { title: "Went on", name: "flow" },
  { title: "May still go on", name: "active" },
  { title: "Dropped out", name: "dropout" },
];

export function JourneyTable({ elements, figures }: Props) {
  const first = firstElements(elements);
  const links = connections(elements);
  return (
    <div class="stack">
      <Table
        caption="Elements"
        captionShown
        rows={elements}
        keyOf={({ id }) => id}
        columns={[
          {
            title: "Element",
            cell: ({ name, native, source }) =>
              native ? (
                <span class="with-icon">
                  <NativeIcon type={native} />
                  {name} <span class="unseen">({source}, contact center)</span>
                </span>
              ) : (
                name
              ),
          },
          ...COLUMNS.map(({ title, name }) => ({
            title,
            numeric: true,
            cell: ({ id }: GraphElement) => (
              <WhoNumber
                value={figures.elements.get(id)?.[name] ?? 0}
                who={{ kind: "state", elementId: id, state: STATES[name] }}
                elements={elements}
              />
            ),
          })),
          {
            title: "Of first element",
            numeric: true,
            cell: (element) => shareOfFirst(element, first.get(element.id), figures) ?? "–",
          },
        ]}
      />
      {links.length > 0 && (
        <Table
          caption="Links"
          captionShown
          rows={links}
          keyOf={({ from, to }) => linkKey(from.id, to.id)}
          columns={[
            { title: "From", cell: ({ from }) => from.name },
            { title: "To", cell: ({ to }) => to.name },
            { title: "Time limit", cell: ({ link }) => link.note ?? "none" },
            {
              title: "Customers",
              numeric: true,
              cell: ({ from, to }) => (
                <WhoNumber
                  value={figures.links.get(linkKey(from.id, to.id)) ?? 0}
                  who={{ kind: "link", elementId: from.id, linkId: to.id }}
                  elements={elements}
                />
              ),
            },
            { title: "Of previous element", numeric: true, cell: (link) => shareOfPrevious(link, figures) },
          ]}
        />
      )}
    </div>
  );
}
