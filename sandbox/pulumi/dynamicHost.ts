import { chmodSync, copyFileSync, existsSync, realpathSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";

const name = "pulumi-resource-pulumi-nodejs";

/**
 * Puts Pulumi's host of dynamic resources beside the CLI, as in its releases. A CLI built from source lacks it, and the engine
 * warns if it finds one elsewhere. The host is a script of the SDK, which runs the SDK in the program's own folder.
 */
export function addDynamicHost(pulumi: string): void {
  const target = join(dirname(realpathSync(pulumi)), name);
  if (existsSync(target)) return;
  // Renamed into place, since several processes may find it missing at the same time.
  const copy = `${target}.${process.pid}`;
  copyFileSync(join(dirname(require.resolve("@pulumi/pulumi/package.json")), name), copy);
  chmodSync(copy, 0o755);
  renameSync(copy, target);
}
