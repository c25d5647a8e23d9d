/** The options of a sender. */

import { Select, TextField } from "../../../components/forms";
import type { Sender } from "../requests";

export type Options = Readonly<Record<string, string>>;

const LONGEST = 100;

const HINTS: Readonly<Record<string, string>> = {
  clientId: "The client ID of your project in the Adobe Developer Console.",
  organizationId: "The id of your Salesforce organization, in its form of 18 characters.",
  header: "The header that holds the signature, for example X-Signature.",
  algorithm: "The algorithm of the HMAC. sha256 if it is not set.",
  encoding: "How the signature is written. hex if it is not set.",
  prefix: "What stands before the signature, for example sha256=.",
};

interface Props {
  sender: Sender;
  values: Options;
  problems: ReadonlyMap<string, string>;
  onChange: (values: Options) => void;
}

export function OptionFields({ sender, values, problems, onChange }: Props) {
  const change = (name: string) => (value: string) => {
    const others = Object.entries(values).filter(([other]) => other !== name);
    onChange(Object.fromEntries(value ? [...others, [name, value]] : others));
  };
  return (
    <>
      {sender.options.map(({ name, required, values: choices }) => {
        const common = {
          label: required ? name : `${name} (optional)`,
          hint: HINTS[name],
          value: values[name] ?? "",
          problem: problems.get(`options.${name}`),
          onValue: change(name),
        };
        return choices ? (
          <Select
            key={name}
            {...common}
            placeholder="Not set"
            options={choices.map((value) => ({ value, label: value }))}
          />
        ) : (
          <TextField key={name} {...common} required={required} maxLength={LONGEST} autocomplete="off" />
        );
      })}
    </>
  );
}
