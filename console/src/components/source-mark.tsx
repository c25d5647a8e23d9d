/** The mark of a source of events: a color, and a shape for readers who do not see the color. */

import { useMemo } from "preact/hooks";
import { Text } from "./content";
import { CONTACT_CENTER, vendorName } from "./native";
import { NativeIcon } from "./native-icon";
import { useConfigurations } from "./names";
import { type Mark, marksOf, SHAPES } from "./source-marks";
import "./source-mark.css";

export type Marks = ReadonlyMap<string, Mark>;

/** The marks of the organization's sources, and of `others`, such as sources whose configuration was deleted. */
export function useSourceMarks(others: readonly string[]): Marks {
  const configurations = useConfigurations();
  const text = others.join("\n");
  return useMemo(
    () => marksOf([...[...configurations.values()].flatMap((one) => one.source ?? []), ...others]),
    [configurations, text],
  );
}

/** Decoration: the source's name always stands beside it. */
export function SourceMark({ marks, source }: { marks: Marks; source: string }) {
  const mark = marks.get(source) ?? { shape: 0, color: 8 };
  return (
    <svg class={`source-mark series-${mark.color}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHAPES[mark.shape] ?? ""} fill-rule="evenodd" />
    </svg>
  );
}

/** A source's mark and name. */
export function SourceName({ marks, source }: { marks: Marks; source: string }) {
  return (
    <span class="source-name">
      <SourceMark marks={marks} source={source} />
      <Text value={source} limit={80} />
    </span>
  );
}

interface LegendProps {
  marks: Marks;
  sources: readonly string[];
  /** The vendors of contact centers, whose events have icons instead of marks. */
  vendors?: readonly string[];
}

/** Tells which mark stands for which source. */
export function SourceLegend({ marks, sources, vendors = [] }: LegendProps) {
  return (
    <ul class="source-legend small" aria-label="Sources">
      {sources.map((source) => (
        <li key={source}>
          <SourceName marks={marks} source={source} />
        </li>
      ))}
      {vendors.map((vendor) => (
        <li key={vendor} class="source-name">
          <NativeIcon />
          {CONTACT_CENTER}: <Text value={vendorName(vendor)} limit={80} />
        </li>
      ))}
    </ul>
  );
}
