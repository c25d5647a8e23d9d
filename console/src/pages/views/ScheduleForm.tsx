/** The schedule of a view: none, daily, weekly or monthly. */

import { useEffect, useState } from "preact/hooks";
import { useAction, useLoaded } from "../../api/loading";
import { Select } from "../../components/forms";
import { WhenLoaded } from "../../components/layout";
import { Failed } from "../../components/states";
import { Time } from "../../components/times";
import { useMay } from "../../me";
import { deleteSchedule, type Frequency, getSchedule, saveSchedule, type Schedule } from "./requests";

const FREQUENCIES: readonly { value: Frequency; label: string }[] = [
  { value: "Daily", label: "Daily" },
  { value: "Weekly", label: "Weekly, on Monday" },
  { value: "Monthly", label: "Monthly, on the first day" },
];

export function ScheduleForm({ viewId }: { viewId: string }) {
  const schedule = useLoaded(`schedule|${viewId}`, (signal) => getSchedule(viewId, signal));
  const waiting = schedule.loading && schedule.data === undefined;
  return (
    <WhenLoaded loaded={{ ...schedule, data: waiting ? undefined : true }} what="the schedule">
      {() =>
        schedule.error === undefined && <Form viewId={viewId} schedule={schedule.data} onChange={schedule.reload} />
      }
    </WhenLoaded>
  );
}

interface FormProps {
  viewId: string;
  schedule: Schedule | undefined;
  onChange: () => void;
}

function Form({ viewId, schedule, onChange }: FormProps) {
  const [frequency, setFrequency] = useState<Frequency>(schedule?.frequency ?? "Weekly");
  const [mayAdd, mayEdit] = [useMay("viewsSchedule:add"), useMay("viewsSchedule:edit")];
  const mayDelete = useMay("viewsSchedule:delete");
  const maySave = schedule ? mayEdit : mayAdd;
  const save = useAction(async () => {
    await saveSchedule(viewId, frequency, schedule !== undefined);
    onChange();
  });
  const remove = useAction(async () => {
    await deleteSchedule(viewId);
    onChange();
  });
  useEffect(() => {
    if (schedule) setFrequency(schedule.frequency);
  }, [schedule?.frequency]);
  return (
    <div class="card view-schedule">
      <p role="status">
        {schedule ? (
          <>
            The latest version is computed <strong>{schedule.frequency.toLowerCase()}</strong>. The next run is{" "}
            <Time value={schedule.dateNext} />.
          </>
        ) : (
          "This view has no schedule: it is computed when somebody asks for it."
        )}
      </p>
      <p class="small soft">
        Days, weeks and months begin at midnight UTC. The job starts 10 to 60 minutes later, and counts what happened
        before midnight.
      </p>
      {maySave && (
        <Select
          label="Compute"
          value={frequency}
          options={FREQUENCIES}
          onValue={(value) => {
            setFrequency(value as Frequency);
          }}
        />
      )}
      <div class="row">
        {maySave && (
          <button
            type="button"
            class="primary"
            disabled={save.running || frequency === schedule?.frequency}
            onClick={() => void save.run()}
          >
            {schedule ? "Change schedule" : "Create schedule"}
          </button>
        )}
        {schedule && mayDelete && (
          <button type="button" class="danger" disabled={remove.running} onClick={() => void remove.run()}>
            Delete schedule
          </button>
        )}
      </div>
      {(save.error ?? remove.error) !== undefined && <Failed error={save.error ?? remove.error} />}
    </div>
  );
}
