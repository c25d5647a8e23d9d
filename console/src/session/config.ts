/** What the console has to know of its stack. The function that serves the console answers it. */

export interface Config {
  /** The console's client in the pool of people. */
  readonly clientId: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly signOutUrl: string;
}

/** The console's own address, which is also the address to which a sign-in returns. */
export const HOME = new URL(".", location.href.split(/[?#]/, 1)[0]).href;

/** The address of the API: the console is served beside it. */
export const API = new URL("..", HOME).href.replace(/\/$/, "");

export async function readConfig(): Promise<Config> {
  const response = await fetch(new URL("config.json", HOME));
  if (!response.ok) throw new Error(`The console's configuration could not be read (status ${response.status}).`);
  return (await response.json()) as Config;
}
