import { unfinishedRollout } from "../kubernetes/rollout";
import type { Deployment } from "../kubernetes/types";
import { hasCronJob, hasSidecar, type OutpostSettings } from "../settings/types";
import { clusterUser } from "../settings/values/user";
import { podFragment } from "../podPatch/podFragment";
import { hasContainer } from "../podPatch/takenFields";
import { inspectAdmission } from "./admission";
import { merge, nothing, problem, type Findings } from "./findings";
import { inspectJsonPatch } from "./jsonPatches";
import { deploymentNamed, lookAround, type Look, type Places } from "./look";
import { inspectChange } from "./newPod";
import { missingDeployment, noContainer } from "./sharedProblems";
import { inspectCronJobUser } from "./pods";
import { inspectRelease, inspectRemoval, inspectTaken } from "./ownership";
import { inspectSessions } from "./sessions";
import { inspectTokenValidity } from "./tokenValidity";

/** Looks at every outpost's Deployment, and at those that an earlier update patched and the settings no longer name. */
export async function inspectOutposts(places: Places, outposts: OutpostSettings[]): Promise<Findings> {
  const look = await lookAround(places);
  const named = new Set(outposts.map(({ deployment }) => deployment));
  const cronJobHasUser = !outposts.some(({ runAsUser }) => runAsUser === clusterUser);
  const dropped = (look.deployments ?? []).filter((live) => !named.has(live.metadata?.name ?? ""));
  const { problems, ...found } = merge(
    await Promise.all([
      ...outposts.map((outpost) => inspectOutpost(look, outpost, cronJobHasUser)),
      ...dropped.map((live) => inspectRelease(look, live)),
    ]),
  );
  // A problem of authentik as a whole comes up with each of its outposts.
  return { problems: [...new Set(problems)], ...found };
}

async function inspectOutpost(look: Look, settings: OutpostSettings, cronJobHasUser: boolean): Promise<Findings> {
  const live = await deploymentNamed(look, settings.deployment);
  return merge([
    inspectSessions(settings, live),
    live && hasCronJob(settings) && cronJobHasUser ? inspectCronJobUser(look, settings, live) : nothing,
    await inspectSolution(look, settings, live),
    await inspectTokenValidity(look, settings, live),
  ]);
}

async function inspectSolution(look: Look, settings: OutpostSettings, live: Deployment | undefined): Promise<Findings> {
  if (hasCronJob(settings) && live && !hasContainer(live, settings.container)) return noContainer(settings, live);
  if (hasSidecar(settings)) {
    const found = await inspectSidecar(look, settings, live);
    return live && !unfinishedRollout(live) ? found : { ...found, underWay: [settings.deployment] };
  }
  if (!live && hasCronJob(settings)) return missingDeployment(settings, look);
  return live ? inspectRemoval(look, settings, live) : nothing;
}

async function inspectSidecar(look: Look, settings: OutpostSettings, live: Deployment | undefined): Promise<Findings> {
  if (settings.delivery === "authentik") return inspectJsonPatch(look, settings, live);
  if (!live) return missingDeployment(settings, look);
  if (live.metadata?.deletionTimestamp)
    return problem(
      `outpost "${settings.name}": Deployment ${settings.deployment} is being deleted, by \`outpost-shm recreate\` or by somebody else, and a patch would go with it. ` +
        `Update the stack once authentik has created it again.`,
    );
  if (!hasContainer(live, settings.container)) return noContainer(settings, live);
  const fields = await inspectTaken(look, settings, live);
  if ("refused" in fields) return fields.refused;
  const { taken, moving } = fields;
  const { deployment, delivery } = settings;
  if (delivery === "admission") {
    const handover = taken.length > 0 ? { ...nothing, handovers: [deployment] } : nothing;
    return merge([moving, await inspectAdmission(look, settings, live), handover]);
  }
  const { cluster, namespace, fieldManager } = look;
  const dryRun = await cluster.dryRunApply(namespace, deployment, fieldManager, { spec: podFragment(settings) });
  return merge([moving, await inspectChange(look, settings, live, dryRun)]);
}
