import * as pulumi from "@pulumi/pulumi";
import { cleanerScripts } from "../cleaner/scripts";
import { clusterDeployments, type DeploymentApi } from "../kubernetes/deployments";
import { merge, type Findings } from "../preflight/findings";
import { inspect } from "../preflight/outposts";
import { objectName as cronJobName } from "./cronjob/names";
import { expectationOf, hasCronJob, hasSidecar, rolloutExpectation, type Expectation } from "../settings/expectation";
import { SweepCronJob } from "./cronjob/sweepCronJob";
import { clusterMonitoring, type MonitoringApi } from "../kubernetes/monitoringKinds";
import { inspectMonitoring } from "../preflight/monitoring";
import { clusterPolicies, type PolicyApi } from "../kubernetes/policies";
import { inspectPolicies, type PolicyFindings } from "../preflight/policies";
import { messageOnly } from "./messageOnly";
import { Monitoring } from "./monitoring/monitoring";
import { monitoringParts } from "./monitoring/parts";
import { fieldManager } from "./ownership";
import type { OutpostSettings, Settings, Solution } from "../settings/settings";
import { authentikClient } from "../authentik/client";
import { podFragment } from "../sidecar/podFragment";
import { SidecarPatch } from "./sidecarPatch";
import { rolloutCommand, verificationCommand } from "../verification/commands";

/** An outpost's settings. What decides which resources exist is plain; every value may come from another resource. */
export type OutpostArgs = {
  [K in keyof OutpostSettings]: K extends StructuralKey ? OutpostSettings[K] : pulumi.Input<OutpostSettings[K]>;
};
type StructuralKey = "name" | "slug" | "deployment" | "solution" | "delivery";

/** Arguments of {@link OutpostShmCleanup}; `resolveSettings` makes them from human units with every default. */
export interface OutpostShmCleanupArgs {
  /** Namespace of the outposts' Deployments; whatever we create goes there too. */
  namespace: pulumi.Input<string>;
  outposts: OutpostArgs[];
  schedule: pulumi.Input<Settings["schedule"]>;
  kubectlImage: pulumi.Input<Settings["kubectlImage"]>;
  /** Whether the cluster is to refuse the CronJob's account every command but the sweep, where it can. */
  restrictExec: Settings["restrictExec"];
  /** Whether an update ends by checking that the cure took, and fails where it did not. Default: false. */
  verify?: Settings["verify"];
  /** How long an update waits for the sidecars' rollout, and with `verify` for first sweep and a run of the CronJob, in seconds. Default: 600. */
  verifyTimeout?: pulumi.Input<Settings["verifyTimeout"]>;
  /** What to create for Prometheus and Grafana. Default: nothing. */
  monitoring?: Settings["monitoring"];
  /** Access to authentik; needed by outposts with `delivery: authentik`, and to take their patches back. */
  authentik?: {
    /** Base URL, without trailing slash. */
    url: pulumi.Input<string>;
    token: pulumi.Input<string>;
  };
  /** Where Deployments are looked at before anything is changed. Default: the cluster of the `kubernetes:*` stack config. */
  deployments?: DeploymentApi;
  /** Where it is looked up whether the cluster can do so. Default: as above. */
  policies?: PolicyApi;
  /** Where it is looked up whether the cluster has the Prometheus operator's kinds. Default: as above. */
  monitoringKinds?: MonitoringApi;
}

/**
 * Keeps /dev/shm of a namespace's authentik proxy outposts from filling up, by a sidecar, a CronJob, or both.
 *
 * An update ends with `cli/outpost-shm.mjs` of the project's folder, which awaits the rollout.
 *
 * It looks at the Deployments first, in previews too. One that is missing, or whose /dev/shm somebody else owns, ends the
 * preview or update with one error that names all of them, before anything is changed.
 */
export class OutpostShmCleanup extends pulumi.ComponentResource {
  /** The solution in force, by outpost name. */
  readonly solutions: pulumi.Output<Record<string, Solution>>;
  /** Names of the Deployments that carry the sidecar. */
  readonly patchedDeployments: pulumi.Output<string[]>;
  /** Names of the CronJobs: one where any outpost asks for it, else none. */
  readonly cronJobs: pulumi.Output<string[]>;
  /**
   * Settles with the look at the Deployments: with what the operator should know of this change (pods that restart, a memory
   * limit too small), or with the error of what is wrong. Await it in the program where the arguments are plain: a program
   * that ends before its error is known may be taken for a finished one, and resources deleted.
   */
  readonly ready: Promise<string[]>;

  constructor(
    name: string,
    private readonly args: OutpostShmCleanupArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("authentik-outpost-shm:index:OutpostShmCleanup", name, {}, opts);
    const findings = this.look();
    this.ready = new Promise((resolve, reject) => {
      findings.apply((found) => this.report(found).then(resolve, reject));
    });
    // Only then the children: an input that waited for the look would fail with it, once per child, in the engine's words.
    const created = findings.apply((found) =>
      found.problems.length === 0 ? this.createChildren(name, found) : nothingCreated,
    );

    this.solutions = pulumi.output(Object.fromEntries(args.outposts.map(({ name, solution }) => [name, solution])));
    this.patchedDeployments = created.patchedDeployments;
    this.cronJobs = created.cronJobs;
    this.registerOutputs({
      solutions: this.solutions,
      patchedDeployments: this.patchedDeployments,
      cronJobs: this.cronJobs,
    });
  }

  /** What a look at the cluster finds; that it could not look is a problem like any other. */
  private look(): pulumi.Output<PolicyFindings> {
    const { outposts, authentik, deployments: api = clusterDeployments(kubernetesConfig()) } = this.args;
    const places = pulumi.all([this.args.namespace, pulumi.output(authentik)]);
    const findings = pulumi
      .all([places, pulumi.all(outposts.map(resolved))])
      .apply(([[namespace, access], settings]) => {
        const wanted = settings.map((outpost) => ({
          settings: outpost,
          podFragment: hasSidecar(outpost) ? podFragment(outpost, cleanerScripts()) : undefined,
        }));
        const client = access && authentikClient(access);
        const places = { api, authentik: client, namespace, fieldManager: fieldManager() };
        return Promise.all([
          inspect(places, wanted),
          this.lookAtPolicies(namespace),
          this.lookAtMonitoring(namespace),
        ]).then(
          ([deployments, policies, monitoring]) => ({ ...policies, ...merge([deployments, policies, monitoring]) }),
          (error: Error) => ({ problems: [error.message], warnings: [], execPolicy: false }),
        );
      });
    // The token is a secret, what is found with it is none.
    return pulumi.unsecret(findings);
  }

  private lookAtPolicies(namespace: string): Promise<PolicyFindings> {
    const { outposts, restrictExec, policies = clusterPolicies(kubernetesConfig()) } = this.args;
    return inspectPolicies(policies, namespace, restrictExec && outposts.some(hasCronJob));
  }

  private lookAtMonitoring(namespace: string): Promise<Findings> {
    const { monitoringKinds = clusterMonitoring(kubernetesConfig()) } = this.args;
    return inspectMonitoring(monitoringKinds, namespace, this.monitoringParts());
  }

  private monitoringParts() {
    const { outposts, monitoring } = this.args;
    return monitoringParts(monitoring, { sidecars: outposts.some(hasSidecar), cronJob: outposts.some(hasCronJob) });
  }

  private async report({ problems, warnings }: Findings): Promise<string[]> {
    for (const warning of warnings) await pulumi.log.warn(warning, this);
    if (problems.length === 0) return warnings;
    const list = problems.map((problem) => `\n  - ${problem}`).join("");
    const message = `Nothing was changed. The cluster is not as the settings need it:${list}`;
    throw messageOnly(new pulumi.ResourceError(message, this, true));
  }

  private createChildren(name: string, { execPolicy, restarts = [], underWay = [] }: PolicyFindings): Created {
    const { namespace, schedule, kubectlImage, outposts } = this.args;
    const patches = outposts.filter(hasSidecar).map((outpost) => this.createSidecarPatch(name, outpost));
    const swept = outposts.filter(hasCronJob).map(resolved);
    const cronJobArgs = { namespace, schedule, kubectlImage, outposts: swept, execPolicy };
    const cronJobs = swept.length > 0 ? [new SweepCronJob(`${name}-cronjob`, cronJobArgs, { parent: this })] : [];
    this.createMonitoring(name);
    // A rollout that is under way is no change of this program's, so a preview is silent about it.
    const rollouts = [...restarts, ...(pulumi.runtime.isDryRun() ? [] : underWay)];
    const awaited = this.awaitRollouts(name, patches, rollouts);
    if (this.args.verify) this.verifyAfter(name, [...patches, ...cronJobs], awaited);
    return {
      patchedDeployments: pulumi.all(patches.map((patch) => patch.deployment)),
      cronJobs: pulumi.all(cronJobs.map((cronJob) => cronJob.name)),
    };
  }

  private createSidecarPatch(name: string, outpost: OutpostArgs): SidecarPatch {
    const args = {
      namespace: this.args.namespace,
      deployment: outpost.deployment,
      podFragment: resolved(outpost).apply((settings) => podFragment(settings, cleanerScripts())),
      sweep: outpost.sweep,
      ...(outpost.delivery === "authentik" && { authentik: { url: this.authentikUrl(), outpost: outpost.name } }),
    };
    return new SidecarPatch(`${name}-${outpost.deployment}`, args, { parent: this });
  }

  /** @param rollouts Deployments to await; of others nothing is asked, unless the stack has never done so */
  private awaitRollouts(name: string, patches: SidecarPatch[], rollouts: string[]): pulumi.Resource[] {
    if (patches.length === 0) return [];
    const patched = this.args.outposts.filter(hasSidecar).map(({ deployment }) => deployment);
    const awaited = rollouts.filter((deployment) => patched.includes(deployment));
    const ofInterest = ({ deployment }: OutpostSettings) => awaited.length === 0 || awaited.includes(deployment);
    const expectation = this.resolvedSettings().apply((settings) =>
      rolloutExpectation({ ...settings, outposts: settings.outposts.filter(ofInterest) }),
    );
    const args = { ...this.commandArgs(expectation), rollout: awaited.length > 0 };
    return [rolloutCommand(`${name}-rollout`, args, { parent: this, dependsOn: patches })];
  }

  /** With nothing deployed there is nothing to verify. */
  private verifyAfter(name: string, deployed: (SidecarPatch | SweepCronJob)[], rollout: pulumi.Resource[]): void {
    if (deployed.length === 0) return;
    const expectation = this.resolvedSettings().apply(expectationOf);
    const revisions = deployed.map(({ revision }) => revision);
    const opts = { parent: this, dependsOn: [...deployed, ...rollout] };
    verificationCommand(`${name}-verify`, { ...this.commandArgs(expectation), revisions }, opts);
  }

  private resolvedSettings() {
    const { namespace, schedule, outposts } = this.args;
    return pulumi
      .all([namespace, schedule, pulumi.all(outposts.map(resolved))])
      .apply(([namespace, schedule, outposts]) => ({ namespace, schedule, outposts }));
  }

  private commandArgs(expectation: pulumi.Output<Expectation>) {
    return { expectation, timeout: this.args.verifyTimeout ?? 600, cluster: kubernetesConfig() };
  }

  private createMonitoring(name: string): void {
    const { namespace, monitoring: settings, outposts } = this.args;
    const parts = this.monitoringParts();
    if (!settings || !Object.values(parts).some(Boolean)) return;
    const sidecars = outposts.filter(hasSidecar).map(resolved);
    const cronJob = outposts.some(hasCronJob) ? cronJobName : undefined;
    new Monitoring(`${name}-monitoring`, { namespace, settings, parts, sidecars, cronJob }, { parent: this });
  }

  private authentikUrl(): pulumi.Input<string> {
    if (this.args.authentik) return this.args.authentik.url;
    throw new Error("OutpostShmCleanup: an outpost with delivery authentik needs the argument `authentik`");
  }
}

/** What the children tell of themselves. */
interface Created {
  patchedDeployments: pulumi.Output<string[]>;
  cronJobs: pulumi.Output<string[]>;
}
const nothingCreated: Created = { patchedDeployments: pulumi.output([]), cronJobs: pulumi.output([]) };

const resolved = (outpost: OutpostArgs): pulumi.Output<OutpostSettings> => pulumi.output(outpost);

function kubernetesConfig() {
  const config = new pulumi.Config("kubernetes");
  return { kubeconfig: config.get("kubeconfig"), context: config.get("context") };
}
