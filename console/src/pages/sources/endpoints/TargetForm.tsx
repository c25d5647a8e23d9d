/** Where the events of an endpoint go: to one configuration, or to several by the result of an expression. */

import { Select, TextField } from "../../../components/forms";
import type { Configuration } from "../requests";
import type { TargetValues } from "./targets";

interface Props {
  values: TargetValues;
  configurations: readonly Configuration[];
  problems: ReadonlyMap<string, string>;
  onChange: (values: TargetValues) => void;
}

export function TargetForm({ values, configurations, problems, onChange }: Props) {
  const options = configurations.map((one) => ({
    value: one.id ?? "",
    label: `${one.name ?? ""} (${one.source ?? ""})${one.schemaActive === false ? ", disabled" : ""}`,
  }));
  const change = (changed: Partial<TargetValues>) => {
    onChange({ ...values, ...changed });
  };
  const changeRoute = (index: number, changed: Partial<TargetValues["routes"][number]>) => {
    change({ routes: values.routes.map((route, at) => (at === index ? { ...route, ...changed } : route)) });
  };
  return (
    <div class="stack">
      <fieldset>
        <legend>The events go to</legend>
        {[false, true].map((several) => (
          <label key={String(several)} class="choice">
            <input
              type="radio"
              name="target"
              checked={values.several === several}
              onChange={() => {
                change({ several });
              }}
            />
            <span>{several ? "Several configurations, by what the event is" : "One configuration"}</span>
          </label>
        ))}
      </fieldset>
      {!values.several ? (
        <Select
          label="Configuration"
          value={values.configurationId}
          placeholder="Choose a configuration"
          options={options}
          problem={problems.get("configurationId")}
          onValue={(configurationId) => {
            change({ configurationId });
          }}
        />
      ) : (
        <>
          <TextField
            label="Expression"
            hint="Its result decides, for example header('x-shopify-topic') or type. Events with any other result are ignored."
            value={values.expression}
            problem={problems.get("routing.expression") ?? problems.get("routing")}
            onValue={(expression) => {
              change({ expression });
            }}
          />
          {values.routes.map((route, index) => (
            <div key={index} class="route">
              <TextField
                label={`Result ${index + 1}`}
                value={route.result}
                onValue={(result) => {
                  changeRoute(index, { result });
                }}
              />
              <Select
                label={`Configuration ${index + 1}`}
                value={route.configurationId}
                placeholder="Choose a configuration"
                options={options}
                problem={problems.get(`routing.configurations.${route.result}`)}
                onValue={(configurationId) => {
                  changeRoute(index, { configurationId });
                }}
              />
              <button
                type="button"
                onClick={() => {
                  change({ routes: values.routes.filter((_, at) => at !== index) });
                }}
              >
                Remove<span class="unseen"> result {index + 1}</span>
              </button>
            </div>
          ))}
          <div>
            <button
              type="button"
              onClick={() => {
                change({ routes: [...values.routes, { result: "", configurationId: "" }] });
              }}
            >
              Add result
            </button>
          </div>
        </>
      )}
    </div>
  );
}
