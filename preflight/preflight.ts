import type { LabelSelector } from "../kubernetes/labelSelector";
import { lacksNativeSidecars } from "../kubernetes/nativeSidecars";
import { printable } from "../kubernetes/printable";
import { hasSidecar, type Settings } from "../settings/types";
import { merge, nothing, problem, warning, type Findings } from "./findings";
import { inspectGrammar } from "./valueGrammar";
import type { Places } from "./look";
import { inspectMonitoring } from "./monitoring";
import { inspectOtherStack } from "./otherStack";
import { inspectOutposts } from "./outposts";
import { inspectPodAdmission, inspectPolicies, wantsExecPolicy, type PolicyFindings } from "./policies";

/** Facts about the cluster that the program needs before it registers anything. */
export interface Preflight extends Required<Pick<Findings, "warnings" | "restarts" | "underWay" | "handovers">> {
  /** Selectors of Deployments' pods, by the Deployment's name, where an admission policy has to know them. */
  podSelectors: Record<string, LabelSelector>;
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

/** The systems that the preflight looks at, in full. */
interface World extends Omit<Places, "namespace"> {
  /** Default: false, so that nothing but a preview goes without a look. */
  isPreview?: boolean;
}

/**
 * Looks at the cluster, and at authentik if the settings give access to it, as they are before the update. Changes nothing: the
 * API server predicts each change by a dry run. A preview may go without, if the settings say so and the cluster does not even
 * say its version.
 * @throws PreflightError with all problems at once
 */
export async function preflight(settings: Settings, world: World): Promise<Preflight> {
  const { execPolicy, problems, warnings, ...found } = await look(settings, world).catch((error: Error) => {
    throw new PreflightError([error.message]);
  });
  if (problems.length > 0) throw new PreflightError(problems);
  const { restarts = [], underWay = [], podSelectors = [], handovers = [] } = found;
  return {
    warnings: warnings.map(printable),
    restarts,
    underWay,
    handovers,
    podSelectors: Object.fromEntries(podSelectors.map(({ deployment, selector }) => [deployment, selector])),
    execPolicy,
  };
}

async function look(settings: Settings, { isPreview, ...places }: World): Promise<PolicyFindings> {
  const { cluster } = places;
  // By itself, so that a cluster that does not answer is reported only once.
  const version = await cluster.version().catch((error: Error) => error);
  if (version instanceof Error) {
    if (!isPreview || settings.preflight === "required") throw version;
    return { ...outOfReach(settings, version.message), execPolicy: wantsExecPolicy(settings) };
  }
  const [{ execPolicy, ...policies }, ...others] = await Promise.all([
    inspectPolicies(cluster, settings),
    inspectPodAdmission(cluster, settings, version),
    inspectOtherStack(places, settings),
    inspectOutposts({ ...places, namespace: settings.namespace }, settings.outposts),
    inspectMonitoring(cluster, settings),
    inspectGrammar(cluster, settings),
  ]);
  return { ...merge([inspectVersion(version, settings), ...others, policies]), execPolicy };
}

/** Begins with what matters most, since the rich diff of a preview cuts long texts off. */
const outOfReach = ({ authentikUrl }: Settings, reason: string): Findings =>
  warning(
    "this preview has not seen the cluster (`preflight` is optional): it can't know which pods restart, or whether the update will be refused. " +
      `Not looked at: the Deployments and who owns their /dev/shm, the pods' memory limits and users, what the cluster supports` +
      `${authentikUrl ? ", the outposts in authentik" : ""}. The reason: ${reason.replace(/\.$/, "")}. ` +
      "The update looks first, and changes nothing if it can't.",
  );

function inspectVersion(version: string, { outposts }: Settings): Findings {
  if (!outposts.some(hasSidecar) || !lacksNativeSidecars(version)) return nothing;
  return problem(
    `this cluster runs Kubernetes ${version}, and sidecars as this program uses them exist from 1.29 on. ` +
      `Set \`solution\` to cronjob, which works on any version.`,
  );
}
