/** Following something that the platform works on, until it has ended. */

/** Milliseconds between two looks: short at first, longer for long computations. */
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 8_000;
const BACK_OFF = 1.4;

/**
 * Looks again and again, also after an error. `onLook` gets what was seen, and returns whether it goes on.
 *
 * Returns the function that stops this.
 */
export function follow<T>(
  look: (signal: AbortSignal) => Promise<T>,
  onLook: (seen: T) => boolean,
  onError: (error: unknown) => void,
): () => void {
  const abort = new AbortController();
  let pause = FIRST_PAUSE;
  let timer = setTimeout(lookAgain, pause);
  function lookAgain() {
    look(abort.signal).then(
      (seen) => {
        if (abort.signal.aborted) return;
        onError(undefined);
        if (onLook(seen)) wait();
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        onError(error);
        wait();
      },
    );
  }
  function wait() {
    pause = Math.min(LONGEST_PAUSE, pause * BACK_OFF);
    timer = setTimeout(lookAgain, pause);
  }
  return () => {
    abort.abort();
    clearTimeout(timer);
  };
}
