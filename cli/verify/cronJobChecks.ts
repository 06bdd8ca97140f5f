import type { V1CronJob, V1Job } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../cleaner/names";
import type { Cluster, Verdict, Wish } from "../../kubernetes/cluster";
import { refusedWith } from "../../kubernetes/connection";
import { execRules } from "../../kubernetes/execRights";
import type { Expectation } from "../../settings/expectation";
import { hasCronJob } from "../../settings/settings";
import { resumeCronJob, sweptDeployments } from "../pods/cronJob";
import { wordsOf } from "../pods/metrics";
import { formatAge } from "../units";
import { checksOf, type Check, type Round } from "./check";

const { pass, fail } = checksOf("CronJob");

/** Checks that the CronJob is active, its last run succeeded, and its account has the rights it needs. */
export async function cronJobChecks(round: Round, expected: Expectation): Promise<Check[]> {
  const { cluster } = round;
  const { namespace } = expected;
  const cronJob = await cluster.cronJob(namespace, cronJobName);
  if (!cronJob) {
    return [
      fail(
        "schedule",
        `there is no CronJob ${cronJobName} in namespace ${namespace}`,
        "Run `pulumi up`, which brings it.",
      ),
    ];
  }
  const run = judgedRun(round, await cluster.jobsOf(namespace, cronJobName));
  return [
    scheduleCheck(round, cronJob, expected),
    ...(expected.suspend && !round.ownRun ? [] : [await runCheck(round, namespace, cronJob, run)]),
    await rbacCheck(round, namespace, cronJob, run?.outcome === "Complete"),
  ];
}

function scheduleCheck({ kubectl }: Round, cronJob: V1CronJob, { schedule, suspend, outposts }: Expectation): Check {
  const { spec } = cronJob;
  if (spec?.suspend && !suspend) {
    return fail("schedule", "it is suspended", `Find out who suspended it, then: ${resumeCronJob(kubectl)}`);
  }
  if (suspend && !spec?.suspend) {
    return fail("schedule", "it is not suspended, though the settings have `suspend: true`", "Run `pulumi up`.");
  }
  if (schedule !== undefined && spec?.schedule !== schedule) {
    return fail("schedule", `its schedule is ${spec?.schedule}, not ${schedule}`, "Run `pulumi up`.");
  }
  const swept = sweptDeployments(cronJob);
  const missing = outposts.filter((outpost) => hasCronJob(outpost) && !swept.includes(outpost.deployment));
  if (missing.length > 0) {
    return fail("schedule", `it does not sweep ${missing.map(({ name }) => name).join(", ")}`, "Run `pulumi up`.");
  }
  return pass(
    "schedule",
    `${spec?.schedule}, ${suspend ? "switched off by `suspend`; would sweep" : "active; sweeps"} ${swept.join(", ")}`,
  );
}

/** A Job of the CronJob and its outcome. */
interface Run {
  job: V1Job;
  outcome: "Complete" | "Failed" | "under way";
}

/** Returns the newest Job, or the one that was started to be judged. */
function judgedRun({ ownRun }: Round, jobs: V1Job[]): Run | undefined {
  const job = jobs.find(({ metadata }) => metadata?.name === ownRun?.name) ?? jobs[0];
  if (!job) return undefined;
  const ended = job.status?.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  return { job, outcome: (ended?.type as "Complete" | "Failed" | undefined) ?? "under way" };
}

async function runCheck(
  { cluster, kubectl, outpostShm, now, ownRun }: Round,
  namespace: string,
  cronJob: V1CronJob,
  run: Run | undefined,
): Promise<Check> {
  if (ownRun?.waitsFor) {
    const todo = `A run is started once that is over. See why it is not: ${kubectl} get deployments,pods`;
    return fail("run", `not started: ${ownRun.waitsFor}`, todo);
  }
  const lastSuccess = cronJob.status?.lastSuccessfulTime;
  if (!run) {
    if (lastSuccess) return pass("run", `the last run succeeded ${ago(lastSuccess, now)}; its Job is gone`);
    return fail("run", "it has not run yet", `Start a run and have it judged: ${outpostShm("verify --run")}`);
  }
  const name = run.job.metadata?.name ?? "";
  if (run.outcome === "Complete")
    return pass("run", `Job ${name} succeeded ${ago(run.job.status?.completionTime, now)}`);
  const look = `${kubectl} logs job/${name}`;
  if (run.outcome === "under way")
    return fail("run", `Job ${name} is under way`, `Wait for its end, or look on: ${look} --follow`);
  const reasons = await failuresOf(cluster, namespace, name).catch((error: Error) => [error.message]);
  const seen = `Job ${name} failed${reasons.length > 0 ? `: ${reasons.join("; ")}` : ""}`;
  // The CronJob's next run may do better, but a failed Job never will.
  return { ...fail("run", seen, `See all it said: ${look}`), ...(ownRun?.name === name && { final: true as const }) };
}

const ago = (time: Date | string | undefined, now: Date): string =>
  time === undefined ? "" : `${formatAge((now.getTime() - new Date(time).getTime()) / 1000)} ago`;

/** Reads from the log of a failed Job which of the outposts' pods or Deployments failed it, and why. */
async function failuresOf(cluster: Cluster, namespace: string, job: string): Promise<string[]> {
  const [pod] = await cluster.pods(namespace, `job-name=${job}`);
  const name = pod?.metadata?.name;
  if (!name) return [];
  const container = pod.spec?.containers[0].name ?? "";
  const log = await cluster.log({ namespace, pod: name, container }, { tailLines: 200 });
  const failed = log
    .split("\n")
    .map(wordsOf)
    .filter(({ result }) => result === "failed");
  return failed.map(({ deployment, pod, reason }) => `${pod ? `pod ${pod}` : `Deployment ${deployment}`}: ${reason}`);
}

/** Reviews the rights as the account itself, or about it if the user may not impersonate. A successful run is evidence too. */
async function rbacCheck(
  { cluster, kubectl }: Round,
  namespace: string,
  cronJob: V1CronJob,
  hasSucceeded: boolean,
): Promise<Check> {
  const account = cronJob.spec?.jobTemplate.spec?.template.spec?.serviceAccountName ?? "default";
  const user = `system:serviceaccount:${namespace}:${account}`;
  let how: string;
  let denied: Wish[];
  try {
    ({ how, denied } = await review(cluster, user, wishes(namespace, cronJob)));
  } catch (error) {
    const reason = (error as Error).message;
    if (hasSucceeded)
      return pass("rbac", `not reviewed (${reason}), but the last run succeeded as ServiceAccount ${account}`);
    return fail(
      "rbac",
      `not known: you may neither impersonate ServiceAccount ${account} nor review access (${reason})`,
      `Have somebody check who may: ${kubectl} auth can-i create pods/exec --as ${user}`,
    );
  }
  if (denied.length === 0) return pass("rbac", `ServiceAccount ${account} may list pods and exec in them (${how})`);
  const what = denied.map(
    ({ verb, resource, subresource, name }) =>
      `${verb} ${resource}${subresource ? `/${subresource}` : ""}${name ? ` ${name}` : ""}`,
  );
  return fail(
    "rbac",
    `ServiceAccount ${account} may not ${what.join(", ")} (${how})`,
    "Run `pulumi up`, which brings its Role and RoleBinding.",
  );
}

async function review(cluster: Cluster, user: string, wanted: Wish[]): Promise<{ how: string; denied: Wish[] }> {
  const [{ namespace }] = wanted;
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  const ways: { how: string; ask: (wish: Wish) => Promise<Verdict> }[] = [
    { how: "SelfSubjectAccessReview as that account", ask: (wish) => cluster.selfMay(wish, user) },
    {
      how: "SubjectAccessReview, as you may not impersonate it",
      ask: (wish) => cluster.accountMay(wish, user, groups),
    },
  ];
  for (const [index, { how, ask }] of ways.entries()) {
    try {
      const verdicts = await Promise.all(wanted.map(async (wish) => ({ wish, ...(await ask(wish)) })));
      return { how, denied: verdicts.filter(({ allowed }) => !allowed).map(({ wish }) => wish) };
    } catch (error) {
      if (index === ways.length - 1 || refusedWith(error) !== 403) throw error;
    }
  }
  throw new Error("no way to review access");
}

/** The rights that the Role grants to the CronJob's account, one by one. */
function wishes(namespace: string, cronJob: V1CronJob): Wish[] {
  return execRules(sweptDeployments(cronJob)).flatMap(({ apiGroups, resources, resourceNames, verbs }) => {
    const [group] = apiGroups as string[];
    const [resource, subresource] = (resources as string[])[0].split("/");
    const names = (resourceNames as string[] | undefined) ?? [undefined];
    return names.flatMap((name) =>
      (verbs as string[]).map((verb) => ({
        namespace,
        ...(group && { group }),
        resource,
        ...(subresource && { subresource }),
        ...(name !== undefined && { name }),
        verb,
      })),
    );
  });
}
