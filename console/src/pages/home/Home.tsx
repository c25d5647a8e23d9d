/** The first page: how much came in, what needs attention, and what to do first. */

import { PageLayout } from "../../components/layout";
import { useMay, useMe } from "../../me";
import { EndpointsCard, FailuresCard, TypesCard, ViewsCard } from "./cards";
import { Checklist } from "./Checklist";
import { EventsCard } from "./EventsCard";
import { useFailures, useFigures } from "./requests";
import "./home.css";

export default function Home() {
  const { organization } = useMe();
  const figures = useFigures();
  const failures = useFailures(firstDay());
  const may = {
    usage: useMay("usage:view"),
    failures: useMay("externalEventsFailures:view"),
    views: useMay("views:view"),
    types: useMay("externalEventsSchema:view"),
    endpoints: useMay("webhooks:view"),
  };
  return (
    <PageLayout title={organization.name} about="What came in during the last 14 days, and what needs attention.">
      <Checklist figures={figures} />
      {may.usage && <EventsCard activity={figures.activity} failures={may.failures ? failures : undefined} />}
      <div class="home-cards">
        {may.failures && <FailuresCard failures={failures} />}
        {may.views && <ViewsCard views={figures.views} />}
        {may.types && <TypesCard limits={figures.limits} types={figures.types} definitions={figures.definitions} />}
        {may.endpoints && <EndpointsCard endpoints={figures.endpoints} />}
      </div>
    </PageLayout>
  );
}

const DAYS = 14;
const DAY = 86_400_000;

/** The first of the days that the page shows, in UTC: the same as the API's. */
function firstDay(): string {
  return new Date(Date.now() - (DAYS - 1) * DAY).toISOString().slice(0, 10);
}
