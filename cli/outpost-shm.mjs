#!/usr/bin/env node
// Runs as `npx --no-install outpost-shm …` in the clone. Plain JavaScript: it loads what runs TypeScript, then the program.
// The loader is for CommonJS alone. One for ES modules would double the half second in which the Kubernetes client loads.
import { createRequire } from "node:module";

try {
  await import("tsx/cjs");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("error: the npm packages of this clone are not installed: run `npm ci` in it first");
  process.exit(1);
}
await createRequire(import.meta.url)("./main.ts").main();
