import { chmodSync, copyFileSync, existsSync, realpathSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";

const name = "pulumi-resource-pulumi-nodejs";

/**
 * Puts Pulumi's host of dynamic resources beside the CLI, where its releases have it: one built from source lacks it, and the
 * engine warns of one that it finds elsewhere. It is a script of the SDK, which runs the SDK of the program's own folder.
 */
export function addDynamicHost(pulumi: string): void {
  const target = join(dirname(realpathSync(pulumi)), name);
  if (existsSync(target)) return;
  // Renamed into place, since several processes may find it missing at once.
  const copy = `${target}.${process.pid}`;
  copyFileSync(join(dirname(require.resolve("@pulumi/pulumi/package.json")), name), copy);
  chmodSync(copy, 0o755);
  renameSync(copy, target);
}
