#!/usr/bin/env node
// Runs as `npx --no-install outpost-shm …`. Plain JavaScript: in the clone it loads what runs TypeScript, then the program. The
// package on npm has the program compiled.
// The loader is for CommonJS alone. One for ES modules would double the half second in which the Kubernetes client loads.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const isClone = existsSync(new URL("main.ts", import.meta.url));
if (isClone) await loadTypeScript();
await createRequire(import.meta.url)(isClone ? "./main.ts" : "../dist/cli/main.js").main();

async function loadTypeScript() {
  try {
    await import("tsx/cjs");
    process.setSourceMapsEnabled(false); // tsx turns them on, and Node then reads one for each of the client's 700 files
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    console.error("error: the npm packages of this clone are not installed: run `npm ci` in it first");
    process.exit(1);
  }
}
