/** The API's two forms of pages, as the one that `useListing` reads. */

import type { Page } from "./loading";

/** A page whose `nextCursor` leads to the next. */
export function cursorPage<T>(listing: { entities: readonly T[]; nextCursor?: string }): Page<T> {
  return { entities: listing.entities, next: listing.nextCursor };
}

/** A page in the contract's form: numbered, with the address of the next one. */
export function numberedPage<T>(listing: { entities?: readonly T[]; nextUri?: string; pageNumber?: number }): Page<T> {
  return {
    entities: listing.entities ?? [],
    next: listing.nextUri ? String((listing.pageNumber ?? 1) + 1) : undefined,
  };
}
