/** What modules ask of the browser when they are loaded. The tests are of pure parts, which use nothing of it. */
Object.assign(globalThis, { location: new URL("http://localhost/console/"), addEventListener: () => undefined });
