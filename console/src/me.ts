/** Who is signed in, and what they may do. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Model } from "./api/client";

export type Me = Model<"Me">;

export const MeContext = createContext<Me | undefined>(undefined);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("useMe is called outside of MeContext.");
  return me;
}

/** Whether the reader has a permission, without its prefix: `useMay("views:edit")`. What they may not do is not offered. */
export function useMay(permission: string): boolean {
  return useMe().permissions.some((granted) => granted === `journey:${permission}`);
}
