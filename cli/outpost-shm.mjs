#!/usr/bin/env node
// `npx --no-install outpost-shm …` in the clone. Plain JavaScript: it loads what runs TypeScript, then the program.
import { createRequire } from "node:module";

try {
  await import("tsx");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("error: the npm packages of this clone are not installed: run `npm ci` in it first");
  process.exit(1);
}
// The program is CommonJS, as Pulumi runs it.
await createRequire(import.meta.url)("./main.ts").main();
