import { hasCronJob, hasSidecar, type Settings, type Solution } from "./settings";
import { seconds } from "./values/duration";

/** Expectation of an outpost, for the check after a rollout. */
export interface ExpectedOutpost {
  /** The name as authentik shows it. */
  name: string;
  deployment: string;
  solution: Solution;
  /** Size of /dev/shm, a Kubernetes quantity. Undefined accepts the size that the Deployment asks for. */
  shmSize?: string;
  sweepIntervalSeconds: number;
  /** The outpost's own container. */
  container: string;
  /** Set if an admission policy gives the sidecar to the pods, so that the Deployment does not have it. */
  admission?: true;
}

/**
 * Variable with the text or path of a kubeconfig, for the check at the end of `pulumi up`. The stack's may be a secret, which
 * has no place among flags.
 */
export const kubeconfigVariable = "OUTPOST_SHM_KUBECONFIG";
/** Variable with the context, for the same check. */
export const contextVariable = "OUTPOST_SHM_CONTEXT";

/** Variable with the name of the kubeconfig's cluster, likewise. */
export const clusterVariable = "OUTPOST_SHM_CLUSTER";

/** Expectation that `outpost-shm verify` checks a namespace against. */
export interface Expectation {
  namespace: string;
  outposts: ExpectedOutpost[];
  /** Schedule of the CronJob. Undefined accepts any. */
  schedule?: string;
  /** Set if the CronJob is to be suspended. */
  suspend?: true;
  /** Set to check only that the rollouts are over. */
  rolloutOnly?: true;
}

/** Input of `outpost-shm verify-update`, which `pulumi up` writes to its stdin. */
export interface UpdateCheck {
  expectation: Expectation;
  /** Seconds to repeat the checks for while one fails. */
  wait: number;
  /** True to start a run of the CronJob and judge that one. */
  run: boolean;
}

/** Derives the expectation from the settings. */
export function expectationOf({
  namespace,
  outposts,
  schedule,
  suspend,
}: Pick<Settings, "namespace" | "outposts" | "schedule" | "suspend">): Expectation {
  return {
    namespace,
    ...(outposts.some(hasCronJob) && { schedule, ...(suspend && { suspend: true }) }),
    outposts: outposts.map(({ name, deployment, container, solution, delivery, shmSize, sweepInterval }) => ({
      name,
      deployment,
      container,
      solution,
      shmSize,
      sweepIntervalSeconds: seconds(sweepInterval),
      ...(delivery === "admission" && { admission: true }),
    })),
  };
}

/** Expects only that the sidecars of these outposts are rolled out. It holds nothing that changes without a restart of pods. */
export const rolloutExpectation = ({ namespace, outposts }: Pick<Settings, "namespace" | "outposts">): Expectation => ({
  namespace,
  rolloutOnly: true,
  outposts: outposts.filter(hasSidecar).map(({ name, deployment, container, delivery }) => ({
    name,
    deployment,
    container,
    solution: "sidecar",
    sweepIntervalSeconds: 0,
    ...(delivery === "admission" && { admission: true }),
  })),
});

/** Returns the solution for this combination. */
export const solutionBy = ({ sidecar, cronJob }: Record<"sidecar" | "cronJob", boolean>): Solution =>
  sidecar ? (cronJob ? "both" : "sidecar") : cronJob ? "cronjob" : "none";
