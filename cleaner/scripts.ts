import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The shell scripts of `cleaner/`. The cluster runs them byte for byte as they are in this repository. They hold no `$$`, which
 * Kubernetes would turn into `$` in a command.
 */
export interface CleanerScripts {
  /** One sweep of a directory. */
  sweep: string;
  /** The sidecar's loop around the sweep. */
  sidecar: string;
  /** The CronJob's run of the sweep in every outpost pod. */
  cronjob: string;
}

const read = (name: string): string => readFileSync(join(__dirname, name), "utf8");

const scripts: CleanerScripts = {
  sweep: read("sweep.sh"),
  sidecar: read("sidecar.sh"),
  cronjob: read("cronjob.sh"),
};

export const cleanerScripts = (): CleanerScripts => scripts;
