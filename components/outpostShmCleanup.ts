import * as pulumi from "@pulumi/pulumi";
import { cleanerScripts } from "./cleanerScripts";
import { clusterDeployments, type DeploymentApi } from "./cluster/deploymentApi";
import { inspect, type Findings, type WantedOutpost } from "./cluster/inspection";
import { SweepCronJob } from "./cronjob/sweepCronJob";
import type { OutpostSettings, Settings, Solution } from "./settings";
import { podFragment } from "./sidecar/podFragment";
import { SidecarPatch } from "./sidecar/sidecarPatch";

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
  /** Where Deployments are looked at before anything is changed. Default: the cluster of the `kubernetes:*` stack config. */
  deployments?: DeploymentApi;
}

/**
 * Keeps /dev/shm of a namespace's authentik proxy outposts from filling up, by a sidecar, a CronJob, or both.
 *
 * It looks at the Deployments first. A Deployment that is missing, or whose /dev/shm somebody else owns, ends the preview
 * or update with one error that names all of them, before anything is changed.
 */
export class OutpostShmCleanup extends pulumi.ComponentResource {
  /** The solution in force, by outpost name. */
  readonly solutions: pulumi.Output<Record<string, Solution>>;
  /** Names of the Deployments that carry the sidecar. */
  readonly patchedDeployments: pulumi.Output<string[]>;
  /** Name of the CronJob; undefined where no outpost asks for it. */
  readonly cronJob: pulumi.Output<string | undefined>;

  constructor(name: string, args: OutpostShmCleanupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("authentik-outpost-shm:index:OutpostShmCleanup", name, {}, opts);
    const fieldManager = `authentik-outpost-shm-${pulumi.getStack()}`;
    const outposts = args.outposts.map((outpost) => pulumi.output(outpost) as pulumi.Output<OutpostSettings>);
    const namespace = this.lookedAt(args, outposts, fieldManager);

    const patches = args.outposts.flatMap((outpost, index) =>
      hasSidecar(outpost.solution)
        ? [
            new SidecarPatch(
              `${name}-${outpost.deployment}`,
              {
                namespace,
                deployment: outpost.deployment,
                podFragment: outposts[index].apply(fragmentOf),
                sweep: outpost.sweep,
                fieldManager,
              },
              { parent: this },
            ),
          ]
        : [],
    );
    const swept = outposts.filter((_outpost, index) => hasCronJob(args.outposts[index].solution));
    const cronJob =
      swept.length > 0
        ? new SweepCronJob(
            `${name}-cronjob`,
            { namespace, schedule: args.schedule, kubectlImage: args.kubectlImage, outposts: swept },
            { parent: this },
          )
        : undefined;

    this.solutions = pulumi.output(
      Object.fromEntries(args.outposts.map((outpost) => [outpost.name, outpost.solution])),
    );
    this.patchedDeployments = pulumi.all(patches.map((patch) => patch.deployment));
    this.cronJob = pulumi.output(cronJob?.name);
    this.registerOutputs({
      solutions: this.solutions,
      patchedDeployments: this.patchedDeployments,
      cronJob: this.cronJob,
    });
  }

  /** The namespace, but only once the look at its Deployments found no problem: every child waits for it. */
  private lookedAt(
    args: OutpostShmCleanupArgs,
    outposts: pulumi.Output<OutpostSettings>[],
    fieldManager: string,
  ): pulumi.Output<string> {
    const deployments = args.deployments ?? clusterDeployments(kubernetesConfig());
    return pulumi.all([args.namespace, pulumi.all(outposts)]).apply(async ([namespace, all]) => {
      const findings = await inspect(deployments, namespace, fieldManager, all.map(wanted));
      await this.report(findings);
      return namespace;
    });
  }

  private async report({ problems, warnings }: Findings): Promise<void> {
    if (problems.length > 0) {
      const list = problems.map((problem) => `\n  - ${problem}`).join("");
      throw new pulumi.ResourceError(
        `Nothing was changed. The cluster is not as the settings need it:${list}`,
        this,
        true,
      );
    }
    for (const warning of warnings) await pulumi.log.warn(warning, this);
  }
}

const hasSidecar = (solution: Solution): boolean => solution === "sidecar" || solution === "both";
const hasCronJob = (solution: Solution): boolean => solution === "cronjob" || solution === "both";

const fragmentOf = (settings: OutpostSettings) => podFragment(settings, cleanerScripts());
const wanted = (settings: OutpostSettings): WantedOutpost => ({
  settings,
  podFragment: hasSidecar(settings.solution) ? fragmentOf(settings) : undefined,
});

function kubernetesConfig() {
  const config = new pulumi.Config("kubernetes");
  return { kubeconfig: config.get("kubeconfig"), context: config.get("context") };
}
