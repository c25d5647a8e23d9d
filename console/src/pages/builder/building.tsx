/** What the forms of the builder share, and fields that show the problem at their path in the definition. */

import "../../components/building.css";
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Option, Select, TextField } from "../../components/forms";
import type { EventDefinitions } from "./attributes";
import type { Definition } from "./definition";
import type { Edit } from "./edits";
import { isWithin, type Problem } from "./problems";

export interface Building {
  readonly definition: Definition;
  readonly events: EventDefinitions;
  /** The problems that are shown. */
  readonly problems: readonly Problem[];
  /** `field` names what is typed in, so that typing is undone at once. */
  readonly edit: (edit: Edit, field?: string) => void;
  /** Selects an element, or shows the list of elements. */
  readonly select: (id: string | undefined) => void;
  /** Puts the focus on the field at a path, once it is shown. */
  readonly focus: (path: string) => void;
}

export const BuildingContext = createContext<Building | undefined>(undefined);

export function useBuilding(): Building {
  const building = useContext(BuildingContext);
  if (!building) throw new Error("There is no builder around this component.");
  return building;
}

/** The text of the problems at a path; with `deep` also of those within it. */
export function useProblem(path: string, deep = true): string | undefined {
  const { problems } = useBuilding();
  const found = problems.filter((one) => (deep ? isWithin(one.path, path) : one.path === path));
  return found.map(({ message }) => message).join(" ") || undefined;
}

type TextProps = Omit<Parameters<typeof TextField>[0], "problem"> & { path: string; problem?: string | undefined };

export function TextAt({ path, problem, ...input }: TextProps) {
  return (
    <div data-path={path}>
      <TextField {...input} problem={useProblem(path) ?? problem} autocomplete="off" />
    </div>
  );
}

interface SelectProps {
  path: string;
  label: string;
  value: string;
  options: readonly Option[];
  placeholder?: string;
  onValue: (value: string) => void;
}

/** A value that is none of the options is shown as it is, and stays until another one is chosen. */
export function SelectAt({ path, value, options, placeholder, ...select }: SelectProps) {
  const known = value === "" || options.some((option) => option.value === value);
  return (
    <div data-path={path}>
      <Select
        {...select}
        value={value}
        options={known ? options : [...options, { value, label: `${value} (not available)` }]}
        {...((placeholder !== undefined || value === "") && { placeholder: placeholder ?? "Choose …" })}
        problem={useProblem(path)}
      />
    </div>
  );
}

/** A group of fields with the problem at its own path. */
export function GroupAt({
  path,
  title,
  children,
}: {
  path: string;
  title: ComponentChildren;
  children: ComponentChildren;
}) {
  const problem = useProblem(path, false);
  return (
    <fieldset data-path={path} tabindex={-1}>
      <legend>{title}</legend>
      {children}
      {problem && (
        <p class="problem" role="note">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

/** The options of a view's elements. */
export function elementOptions({ elements }: Definition): Option[] {
  return elements.map((element) => ({ value: element.id, label: shownName(element) }));
}

export function shownName({ name }: { readonly name: string }): string {
  return name.trim() || "(without a name)";
}

/** Focuses the field at a path, or the nearest one around it. Returns whether there is one. */
export function focusAt(root: HTMLElement, path: string): boolean {
  const fields = [...root.querySelectorAll<HTMLElement>("[data-path]")];
  const around = fields.filter((field) => isWithin(path, field.dataset["path"] ?? ""));
  const [nearest] = around.sort(
    (one, other) => (other.dataset["path"] ?? "").length - (one.dataset["path"] ?? "").length,
  );
  const control = nearest?.querySelector<HTMLElement>("input, select, textarea") ?? nearest;
  control?.focus();
  control?.scrollIntoView({ block: "center" });
  return control !== undefined;
}
