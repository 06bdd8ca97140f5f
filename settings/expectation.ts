import { hasCronJob, hasSidecar, type Settings, type Solution } from "./settings";
import { seconds } from "./values/duration";

/** What the check after a rollout expects of an outpost. */
export interface ExpectedOutpost {
  /** The name as authentik shows it. */
  name: string;
  slug: string;
  deployment: string;
  solution: Solution;
  /** Size of /dev/shm, a Kubernetes quantity; undefined: whatever the Deployment asks for. */
  shmSize?: string;
  sweepIntervalSeconds: number;
}

/** Text or path of a kubeconfig for the check at the end of `pulumi up`: the stack's may be a secret, which has no place among flags. */
export const kubeconfigVariable = "OUTPOST_SHM_KUBECONFIG";
/** The context, for the same check. */
export const contextVariable = "OUTPOST_SHM_CONTEXT";

/** What `outpost-shm verify` checks a namespace against. */
export interface Expectation {
  namespace: string;
  outposts: ExpectedOutpost[];
  /** Of the CronJob; undefined: whatever it has. */
  schedule?: string;
  /** Only that the rollouts are over, no more. */
  rolloutOnly?: true;
}

/** What `pulumi up` hands to `outpost-shm verify-update` on stdin. */
export interface UpdateCheck {
  expectation: Expectation;
  /** Seconds to go on checking for while a check fails. */
  wait: number;
  /** Whether to start a run of the CronJob, and judge that one. */
  run: boolean;
}

/** What settings expect. */
export function expectationOf({
  namespace,
  outposts,
  schedule,
}: Pick<Settings, "namespace" | "outposts" | "schedule">): Expectation {
  return {
    namespace,
    ...(outposts.some(hasCronJob) && { schedule }),
    outposts: outposts.map(({ name, slug, deployment, solution, shmSize, sweepInterval }) => ({
      name,
      slug,
      deployment,
      solution,
      shmSize,
      sweepIntervalSeconds: seconds(sweepInterval),
    })),
  };
}

/** Only that the sidecars of these outposts are rolled out: nothing that changes without a restart of pods is in it. */
export const rolloutExpectation = ({ namespace, outposts }: Pick<Settings, "namespace" | "outposts">): Expectation => ({
  namespace,
  rolloutOnly: true,
  outposts: outposts
    .filter(hasSidecar)
    .map(({ name, slug, deployment }) => ({ name, slug, deployment, solution: "sidecar", sweepIntervalSeconds: 0 })),
});

/** The solution that these two make. */
export const solutionBy = ({ sidecar, cronJob }: Record<"sidecar" | "cronJob", boolean>): Solution =>
  sidecar ? (cronJob ? "both" : "sidecar") : cronJob ? "cronjob" : "none";
