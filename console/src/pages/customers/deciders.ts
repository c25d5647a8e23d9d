/** Who decided about links: people and API clients, by their ids. */

import { api, call } from "../../api/client";
import { useLoaded } from "../../api/loading";
import { allPages } from "../../components/names";
import { useMay, useMe } from "../../me";

const PAGE_SIZE = 100;

/** The name of a person or client. Who may not see people reads "somebody". */
export function useDeciders(): (id: string) => string {
  const me = useMe();
  const maySee = { people: useMay("people:view"), clients: useMay("clients:view") };
  const { data } = useLoaded(maySee.people || maySee.clients ? "deciders" : null, async (signal) => {
    const [people, clients] = await Promise.all([
      maySee.people
        ? allPages((pageNumber) =>
            call(api.GET("/api/v2/journey/people", { params: { query: { pageNumber, pageSize: PAGE_SIZE } }, signal })),
          )
        : [],
      maySee.clients
        ? allPages((pageNumber) =>
            call(
              api.GET("/api/v2/journey/clients", { params: { query: { pageNumber, pageSize: PAGE_SIZE } }, signal }),
            ),
          )
        : [],
    ]);
    return new Map([...people, ...clients].map(({ id, name }) => [id, name]));
  });
  return (id) => (id === me.id ? "you" : (data?.get(id) ?? "somebody"));
}
