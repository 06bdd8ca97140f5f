import type { Cluster } from "../kubernetes/cluster";
import type { LabelSelector } from "../kubernetes/labelSelector";
import { lacksNativeSidecars } from "../kubernetes/nativeSidecars";
import { printable } from "../kubernetes/untrusted";
import { argumentsOf, hasSidecar, type Settings } from "../settings/settings";
import { merge, nothing, problem, warning, type Findings } from "./findings";
import { inspectGrammar } from "./grammar";
import type { Places } from "./look";
import * as messages from "./messages";
import { inspectMonitoring } from "./monitoring";
import { inspectOutposts } from "./outposts";
import { inspectPodAdmission, inspectPolicies, wantsExecPolicy } from "./policies";

/** Facts about the cluster that the program needs before it registers anything. */
export interface Preflight {
  /** Facts that the operator should know before saying yes: pods that restart, memory that is too small. */
  warnings: string[];
  /** Deployments whose pods the update restarts. */
  restarts: string[];
  /** Deployments whose rollout is under way already, or that are yet to be created. */
  underWay: string[];
  /** Deployments whose sidecar is to become ours before anything is registered. */
  handovers: string[];
  /** Selectors of Deployments' pods, by the Deployment's name, where an admission policy has to know them. */
  podSelectors: Record<string, LabelSelector>;
  /** The settings, with the name that each Deployment bears. */
  settings: Settings;
  /** True if a policy is to restrict the CronJob's account. */
  execPolicy: boolean;
}

/** Everything about the cluster that does not meet the settings. */
export class PreflightError extends Error {
  constructor(readonly problems: string[]) {
    const list = problems.map((problem) => `\n  - ${printable(problem)}`).join("");
    super(`Nothing was changed. The cluster is not as the settings need it:${list}`);
    this.name = "PreflightError";
  }
}

/**
 * Looks at the cluster, and at authentik if the settings give access to it, as they are before the update. Changes nothing: the
 * API server predicts each change by a dry run. A preview may go without, if the settings say so and the cluster does not even
 * say its version.
 * @throws PreflightError with all problems at once
 */
export async function preflight(
  settings: Settings,
  places: Omit<Places, "namespace" | "cluster"> & {
    cluster: Places["cluster"] & Pick<Cluster, "support" | "refusal" | "version">;
    /** Default: false, so that nothing but a preview goes without a look. */
    isPreview?: boolean;
  },
): Promise<Preflight> {
  const { cluster, isPreview } = places;
  const look = async () => {
    // By itself, so that a cluster that does not answer is reported only once.
    const version = await cluster.version().catch((error: Error) => error);
    if (version instanceof Error) {
      if (!isPreview || settings.preflight === "required") throw version;
      const execPolicy = wantsExecPolicy(settings);
      return { execPolicy, findings: warning(messages.outOfReach(settings, version.message)) };
    }
    const [policies, ...others] = await Promise.all([
      inspectPolicies(cluster, settings),
      inspectPodAdmission(cluster, settings, version),
      inspectOutposts({ ...places, namespace: settings.namespace }, settings.outposts),
      inspectMonitoring(cluster, settings),
      inspectGrammar(cluster, settings),
    ]);
    const findings = merge([inspectVersion(version, settings), ...others, policies]);
    return { execPolicy: policies.execPolicy, findings };
  };
  const { execPolicy, findings } = await look().catch((error: Error) => {
    throw new PreflightError([error.message]);
  });
  const {
    problems,
    warnings,
    restarts = [],
    underWay = [],
    podSelectors = [],
    handovers = [],
    formerNames = [],
  } = findings;
  if (problems.length > 0) throw new PreflightError(problems);
  const outposts = settings.outposts.map((outpost) => ({
    ...argumentsOf(outpost),
    ...formerNames.find(({ name }) => name === outpost.name),
  }));
  return {
    warnings: warnings.map(printable),
    restarts,
    underWay,
    handovers,
    podSelectors: Object.fromEntries(podSelectors.map(({ deployment, selector }) => [deployment, selector])),
    execPolicy,
    settings: { ...settings, outposts },
  };
}

function inspectVersion(version: string, { outposts }: Settings): Findings {
  if (!outposts.some(hasSidecar)) return nothing;
  return lacksNativeSidecars(version) ? problem(messages.noNativeSidecars(version)) : nothing;
}
