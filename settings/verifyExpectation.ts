import { hasCronJob, type OutpostSettings, type Settings, type Solution } from "./types";
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

// Variables of the check at the end of `pulumi up`: the text or path of a kubeconfig, its context, and the name of its cluster.
// The stack's kubeconfig may be a secret, which has no place among flags.
export const kubeconfigVariable = "OUTPOST_SHM_KUBECONFIG";
export const contextVariable = "OUTPOST_SHM_CONTEXT";
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
    outposts: outposts.map((outpost) => {
      const { solution, shmSize, sweepInterval } = outpost;
      return expected(outpost, { solution, shmSize, sweepIntervalSeconds: seconds(sweepInterval) });
    }),
  };
}

/** Expects only that the sidecars of these outposts are rolled out. It holds nothing that changes without a restart of pods. */
export const rolloutExpectation = ({ namespace, outposts }: Pick<Settings, "namespace" | "outposts">): Expectation => ({
  namespace,
  rolloutOnly: true,
  outposts: outposts.map((outpost) => expected(outpost, { solution: "sidecar", sweepIntervalSeconds: 0 })),
});

/** Makes an expectation. The order of its keys is that of the check in the state: another would run it again. */
const expected = (
  { name, deployment, container, delivery }: OutpostSettings,
  rest: Pick<ExpectedOutpost, "solution" | "shmSize" | "sweepIntervalSeconds">,
): ExpectedOutpost => ({ name, deployment, container, ...rest, ...(delivery === "admission" && { admission: true }) });

/** Returns the solution for this combination. */
export const solutionBy = ({ sidecar, cronJob }: Record<"sidecar" | "cronJob", boolean>): Solution =>
  sidecar ? (cronJob ? "both" : "sidecar") : cronJob ? "cronjob" : "none";
