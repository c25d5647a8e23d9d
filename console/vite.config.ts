import { readFileSync } from "node:fs";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";
import { licenses } from "./licenses";

/** The address of the local stack's API. `make run` writes the file. */
function localApi(): string {
  const file = process.env["JOURNEYS_STACK"] ?? "../.local/stack.json";
  const description = JSON.parse(readFileSync(file, "utf8")) as { apiUrl: string };
  return description.apiUrl;
}

function toLocalStack(): ProxyOptions {
  const { origin, pathname } = new URL(localApi());
  return { target: origin, changeOrigin: true, rewrite: (path) => pathname + path };
}

export default defineConfig(({ command }) => ({
  // Relative addresses: the stage of API Gateway is a prefix of the path that the console does not know.
  base: command === "build" ? "./" : "/console/",
  server: {
    port: 5173,
    strictPort: true,
    fs: { allow: [".", "../tools/samples"] },
    ...(command === "serve" && !process.env["VITEST"]
      ? { proxy: { "/api": toLocalStack(), "/console/config.json": toLocalStack() } }
      : {}),
  },
  plugins: [licenses()],
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  test: { include: ["tests/**/*.test.ts"], setupFiles: ["tests/setup.ts"] },
}));
