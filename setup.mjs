// Runs a TypeScript entry point of this clone: `node setup.mjs ENTRY [ARGS…]`. Plain JavaScript, because in a fresh
// clone nothing is installed yet: it checks Node, runs `npm ci` once per lockfile, then hands over to the entry.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = import.meta.dirname;
const minimum = [20, 19];

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) return;
  console.error(`Node ${minimum.join(".")} or later is needed; this is Node ${process.versions.node}.`);
  process.exit(1);
}

/** Installs the locked dependencies unless node_modules already holds exactly those. */
function installDependencies() {
  const locked = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".installed-from");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === locked) return;
  console.error("Installing the locked npm packages (npm ci) …");
  const started = Date.now();
  // No package here needs its install script.
  const result = spawnSync("npm", ["ci", "--ignore-scripts"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) {
    console.error("npm ci failed; its messages are above.");
    process.exit(result.status ?? 1);
  }
  writeFileSync(stamp, locked);
  console.error(`npm packages installed in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

/** Runs the entry with tsx. Signals reach it through the terminal's process group or are passed on; its exit status is ours. */
function run(entry, args) {
  const child = spawn(process.execPath, ["--import", "tsx", join(root, entry), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

checkNode();
installDependencies();
const [entry, ...args] = process.argv.slice(2);
run(entry, args);
