import { log, RunError, runtime } from "@pulumi/pulumi";
import { authentikClient } from "./authentik/client";
import { claimSidecars } from "./components/admission/claimSidecars";
import { fieldManager } from "./components/fieldManager";
import { withoutStack } from "./components/withoutStack";
import { OutpostShmCleanup } from "./components/outpostShmCleanup";
import { liveCluster } from "./kubernetes/liveCluster";
import { preflight, PreflightError } from "./preflight/preflight";
import { SettingsError } from "./settings/settingsError";
import { argumentsOf, type Settings } from "./settings/types";
import { authentikAccess, kubernetesConfig, readSettings } from "./settings/stackConfig";
import { verifyAfter } from "./verification/verifyAfter";

/**
 * The program: it turns the stack's config into the cure for its outposts' /dev/shm. It is a function, so that tests can run it
 * too.
 */
export = async () => {
  try {
    return await deploy(readSettings());
  } catch (error) {
    // A RunError ends the update with its message alone. Any other error shows a stack trace that no operator needs.
    const isKnown = error instanceof SettingsError || error instanceof PreflightError;
    throw isKnown ? withoutStack(new RunError(error.message)) : error;
  }
};

async function deploy(given: Settings) {
  // Before anything is registered: a program that fails here has deleted nothing and changed nothing.
  const access = authentikAccess(given);
  const found = await preflight(given, {
    cluster: liveCluster(kubernetesConfig()),
    authentik: access && authentikClient(access),
    fieldManager: fieldManager(),
    isPreview: runtime.isDryRun(),
  });
  for (const warning of found.warnings) await log.warn(warning);

  const settings = { ...given, outposts: given.outposts.map(argumentsOf) };
  await claimSidecars(kubernetesConfig(), settings.namespace, found.handovers);
  const cleanup = new OutpostShmCleanup("outpost-shm", {
    ...settings,
    restrictExec: found.execPolicy,
    podSelectors: found.podSelectors,
    // The preflight has checked the owners of the fields, and the rollout is awaited below.
    takeOver: true,
    awaitRollout: false,
  });
  verifyAfter("outpost-shm", cleanup, settings, found);

  return {
    /** The solution in force, by outpost. */
    solutions: cleanup.solutions,
    /** Deployments that carry the sidecar. */
    patchedDeployments: cleanup.patchedDeployments,
    /** The CronJob that sweeps by exec, if any outpost asks for it. */
    cronJobs: cleanup.cronJobs,
    // `pulumi preview --diff`, which pull requests show, has no place for warnings. Previews only, so that they are never in
    // the state.
    ...(runtime.isDryRun() && found.warnings.length > 0 && { notices: found.warnings }),
  };
}
