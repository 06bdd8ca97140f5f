import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { podLabelsOf } from "../authentik/names";
import { cronJobName, scriptsConfigMap } from "../cleaner/names";
import { cleanerScripts } from "../cleaner/scripts";
import type { LabelSelector } from "../kubernetes/labelSelector";
import { Problems, SettingsError } from "../settings/settingsError";
import { reportUnknownKeys } from "../settings/readFields";
import {
  hasCronJob,
  hasSidecar,
  monitoringKeys,
  monitoringParts,
  type OutpostSettings,
  type Solution,
} from "../settings/types";
import { fragmentKeys, podFragment } from "../podPatch/podFragment";
import { PodAdmission } from "./admission/podAdmission";
import type { OutpostArgs, StackArgs } from "./args";
import { childOf } from "./childOf";
import { scheduledKeys, sweptKeys } from "./cronjob/cronJobSpec";
import { SweepCronJob } from "./cronjob/sweepCronJob";
import { ownMetadata, type Ownership } from "./fieldManager";
import { Monitoring } from "./monitoring/monitoring";
import { watchedKeys } from "./monitoring/sidecarAlerts";
import { listed, only, requirePlain, resolveArgs, type Resolved, type ResolvedArgs } from "./resolveArgs";
import { SidecarPatch } from "./sidecarPatch";

/** Arguments of {@link OutpostShmCleanup}. Anything that is left out has the default of its setting. */
export interface OutpostShmCleanupArgs extends StackArgs {
  /** The outposts, by name as authentik shows it; each may have settings of its own. */
  outposts: OutpostArgs[];
  /**
   * True to take over fields that somebody else owns, even from an edit of ours by hand. By default (false) the API server
   * refuses them as a conflict. Set it if you have checked their owners first, as this repository's program does.
   */
  takeOver?: boolean;
  /** True if the Kubernetes provider awaits the rollout of a patched Deployment, for ten minutes at most. Default: true. */
  awaitRollout?: boolean;
  /**
   * Selector of each Deployment's pods, as the Deployment has it, by the Deployment's name. Only for delivery admission, and
   * needed only for Deployments that authentik has not made. Default: the labels that authentik gives.
   */
  podSelectors?: Record<string, LabelSelector>;
}

/** The way the sidecars are applied. */
type Apply = Ownership & Pick<Required<OutpostShmCleanupArgs>, "awaitRollout" | "podSelectors">;

/**
 * Keeps /dev/shm of a namespace's authentik proxy outposts from filling up, by a sidecar, a CronJob, or both. The Kubernetes
 * provider that it is given decides the cluster.
 */
export class OutpostShmCleanup extends pulumi.ComponentResource {
  /** The solution in force, by outpost name. */
  public readonly solutions: pulumi.Output<Record<string, string>>;
  /** Names of the Deployments that carry the sidecar. */
  public readonly patchedDeployments: pulumi.Output<string[]>;
  /** Names of the CronJobs: one if any outpost asks for it, else none. */
  public readonly cronJobs: pulumi.Output<string[]>;
  /** @internal The resources that bring the sidecars, and those that sweep by exec. Pulumi would take a property for an output. */
  accessor deployed: { sidecars: SidecarPatch[]; cronJobs: SweepCronJob[] };

  /** @throws SettingsError with everything that is wrong with the arguments */
  constructor(name: string, args: OutpostShmCleanupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("authentik-outpost-shm:index:OutpostShmCleanup", name, {}, opts);
    requirePlain(args);
    refuseOtherLanguages(args);
    const { takeOver = false, awaitRollout = true, podSelectors = {}, ...given } = args;
    const resolved = resolveArgs(given);
    refuseStraySelectors(podSelectors, resolved);
    this.refuseProvider(resolved);

    const own = { namespace: resolved.namespace, takeOver };
    const sidecars = this.createSidecars(name, resolved, { ...own, awaitRollout, podSelectors });
    const cronJobs = this.createCronJob(name, resolved, own);
    this.createMonitoring(name, resolved, own);
    this.deployed = { sidecars, cronJobs };

    const solutions = resolved.outposts.map(({ name, solution }): [string, Solution] => [name, solution]);
    this.solutions = pulumi.output(Object.fromEntries(solutions));
    this.patchedDeployments = pulumi.all(sidecars.map((patch) => patch.deployment));
    this.cronJobs = pulumi.all(cronJobs.map((cronJob) => cronJob.name));
    this.registerOutputs({
      solutions: this.solutions,
      patchedDeployments: this.patchedDeployments,
      cronJobs: this.cronJobs,
    });
  }

  private createSidecars(name: string, args: ResolvedArgs, apply: Apply): SidecarPatch[] {
    const swept = args.outposts.filter(hasSidecar);
    // The scripts come first, since the new pods start with them.
    const scripts = swept.length > 0 ? [this.createScripts(name, apply)] : [];
    const admitted = swept.filter(isAdmitted);
    const admission = admitted.length > 0 ? this.createAdmission(name, admitted, apply) : undefined;
    const patches = swept.map((outpost) => {
      const policy = admission && isAdmitted(outpost) ? [admission.inForce] : [];
      const patch = { ...apply, outpost, authentikUrl: args.authentikUrl };
      const opts = { parent: this, dependsOn: [...scripts, ...policy] };
      return new SidecarPatch(`${name}-${outpost.deployment}`, patch, opts);
    });
    admission?.admitUnlabelled(patches.filter((_, index) => isAdmitted(swept[index])));
    return patches;
  }

  private createAdmission(
    name: string,
    admitted: Resolved<OutpostSettings>[],
    { podSelectors, ...own }: Apply,
  ): PodAdmission {
    const outposts = admitted.map(({ name, deployment, ...outpost }) => ({
      deployment,
      podSelector: podSelectors[deployment] ?? { matchLabels: podLabelsOf(name) },
      fragment: only({ ...outpost, deployment }, fragmentKeys).apply(podFragment),
    }));
    return new PodAdmission(`${name}-admission`, { ...own, outposts }, { parent: this });
  }

  /** Creates the scripts of all sidecars. A new version of them restarts no pod: each sidecar takes them within about a minute. */
  private createScripts(name: string, own: Ownership): pulumi.Resource {
    const args = { metadata: ownMetadata(scriptsConfigMap, own), data: cleanerScripts().files };
    return new kubernetes.core.v1.ConfigMap(`${name}-scripts`, args, childOf(this));
  }

  private createCronJob(name: string, args: ResolvedArgs, own: Ownership): SweepCronJob[] {
    const swept = args.outposts.filter(hasCronJob);
    if (swept.length === 0) return [];
    const outposts = swept.map((outpost) => only(outpost, sweptKeys));
    const deployments = swept.map(({ deployment }) => deployment);
    const settings = only(args, scheduledKeys);
    const cronJob = { ...own, settings, outposts, deployments, execPolicy: args.restrictExec };
    return [new SweepCronJob(`${name}-cronjob`, cronJob, { parent: this })];
  }

  private createMonitoring(name: string, args: ResolvedArgs, own: Ownership): void {
    const parts = monitoringParts(args);
    if (!Object.values(parts).some(Boolean)) return;
    const sidecars = args.outposts.filter(hasSidecar).map((outpost) => only(outpost, watchedKeys));
    const cronJob = args.outposts.some(hasCronJob) ? cronJobName : undefined;
    const watched = { ...own, settings: only(args, monitoringKeys), parts, sidecars, cronJob };
    new Monitoring(`${name}-monitoring`, watched, { parent: this });
  }

  /**
   * Refuses an explicit provider with that delivery: its dynamic provider uses the stack's config, and can't see another
   * provider's.
   */
  private refuseProvider({ outposts }: ResolvedArgs): void {
    const delivered = outposts.filter((outpost) => outpost.delivery === "authentik").map(({ name }) => `"${name}"`);
    if (delivered.length === 0 || !this.getProvider("kubernetes:core/v1:ConfigMap")) return;
    throw new Error(
      `delivery authentik (outposts ${delivered.join(", ")}) works on the cluster of the stack's kubernetes:* config alone; ` +
        `with an explicit Kubernetes provider choose delivery deployment or admission`,
    );
  }
}

/**
 * Refuses the delivery that is a dynamic resource: those exist in programs of Node alone (pulumi/pulumi#5455). For any other
 * program Pulumi runs the component in a process of its own, which has no stack resource.
 */
function refuseOtherLanguages({ delivery, outposts }: OutpostShmCleanupArgs): void {
  const isAsked = listed(outposts).some((outpost) => (outpost?.delivery ?? delivery) === "authentik");
  if (!isAsked || pulumi.runtime.getStackResource()) return;
  throw new Error(
    "delivery authentik works only in a TypeScript or JavaScript program that imports the npm package; " +
      "choose delivery deployment or admission",
  );
}

/** Refuses the selector of a Deployment that is no outpost's: it is mistyped, and without it the sidecar would reach no pod. */
function refuseStraySelectors(podSelectors: Record<string, LabelSelector>, { outposts }: ResolvedArgs): void {
  const problems = new Problems(new Set());
  const deployments = outposts.map(({ deployment }) => deployment);
  reportUnknownKeys(podSelectors, deployments, "podSelectors", problems);
  if (problems.lines.length > 0) throw new SettingsError(problems.lines);
}

const isAdmitted = ({ delivery }: { delivery: string }): boolean => delivery === "admission";
