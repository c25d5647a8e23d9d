/** Who is signed in, and what they may do. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly role?: string;
  readonly organization: { readonly id: string; readonly name: string };
  readonly permissions: readonly string[];
}

export const MeContext = createContext<Me | undefined>(undefined);

export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("Nobody is signed in.");
  return me;
}

/** Whether the reader has a permission, without its prefix: `useMay("views:edit")`. What they may not do is not offered. */
export function useMay(permission: string): boolean {
  return useMe().permissions.includes(`journey:${permission}`);
}
