import { RunError, runtime } from "@pulumi/pulumi";
import { OutpostShmCleanup } from "./components/outpostShmCleanup";
import { messageOnly } from "./components/messageOnly";
import { SettingsError, type Settings } from "./settings/settings";
import { authentikAccess, readSettings } from "./settings/stackConfig";

/** The program: the stack's config in, the cure for its outposts' /dev/shm out. A function, so that tests can run it too. */
export = async () => {
  const settings = settingsOrRunError();
  const cleanup = new OutpostShmCleanup("outpost-shm", { ...settings, authentik: authentikAccess(settings) });
  const notices = await cleanup.ready;
  return {
    /** The solution in force, by outpost. */
    solutions: cleanup.solutions,
    /** Deployments that carry the sidecar. */
    patchedDeployments: cleanup.patchedDeployments,
    /** The CronJob that sweeps by exec, if any outpost asks for it. */
    cronJobs: cleanup.cronJobs,
    // `pulumi preview --diff`, which pull requests show, has no place for warnings. In previews only: never in the state.
    ...(runtime.isDryRun() && notices.length > 0 && { notices }),
  };
};

/** A RunError ends the update with its message alone; any other error shows a stack trace nobody at the desk needs. */
function settingsOrRunError(): Settings {
  try {
    return readSettings();
  } catch (error) {
    throw error instanceof SettingsError ? messageOnly(new RunError(error.message)) : error;
  }
}
