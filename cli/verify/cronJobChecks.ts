import type { V1CronJob, V1Job } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobContainer, cronJobName } from "../../cleaner/names";
import type { Cluster, Verdict, Wish } from "../../kubernetes/cluster";
import { refusedWith } from "../../kubernetes/connection";
import { mayExecCommands } from "../../kubernetes/exec";
import { execRules } from "../../kubernetes/execRole";
import type { Expectation } from "../../settings/verifyExpectation";
import { hasCronJob } from "../../settings/types";
import { eitherWay, resumeCronJob } from "../advice";
import { sweptDeployments } from "../pods/sweptDeployments";
import { wordsOf } from "../pods/sidecarLog";
import { formatAge, secondsSince } from "../units";
import { checkOf, type Check, type Round, type Seen } from "./check";

/** Checks that the CronJob is active, its last run succeeded, and its account has the rights it needs. */
export async function cronJobChecks(round: Round, expected: Expectation): Promise<Check[]> {
  const { cluster } = round;
  const { namespace } = expected;
  const check = (name: string, seen: Seen) => checkOf("CronJob", name, seen);
  const cronJob = await cluster.cronJob(namespace, cronJobName);
  if (!cronJob) {
    const wrong = `there is no CronJob ${cronJobName} in namespace ${namespace}`;
    return [check("schedule", { wrong, todo: `Deploy again ${eitherWay()}, which brings it.` })];
  }
  const run = judgedRun(round, await cluster.jobsOf(namespace, cronJobName));
  return [
    check("schedule", judgeSchedule(round, cronJob, expected)),
    ...(expected.suspend && !round.ownRun ? [] : [check("run", await judgeRun(round, namespace, cronJob, run))]),
    check("rbac", await judgeRights(round, namespace, cronJob, run?.outcome === "Complete")),
  ];
}

function judgeSchedule({ kubectl }: Round, cronJob: V1CronJob, { schedule, suspend, outposts }: Expectation): Seen {
  const { spec } = cronJob;
  const todo = `Deploy again ${eitherWay()}.`;
  if (spec?.suspend && !suspend) return { wrong: "it is suspended", todo: resumeCronJob(kubectl) };
  if (suspend && !spec?.suspend)
    return { wrong: "it is not suspended, though the settings have `suspend: true`", todo };
  if (schedule !== undefined && spec?.schedule !== schedule)
    return { wrong: `its schedule is ${spec?.schedule}, not ${schedule}`, todo };
  const swept = sweptDeployments(cronJob);
  const missing = outposts.filter((outpost) => hasCronJob(outpost) && !swept.includes(outpost.deployment));
  if (missing.length > 0) return { wrong: `it does not sweep ${missing.map(({ name }) => name).join(", ")}`, todo };
  const state = suspend ? "switched off by `suspend`; would sweep" : "active; sweeps";
  return { right: `${spec?.schedule}, ${state} ${swept.join(", ")}` };
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

async function judgeRun(
  { cluster, kubectl, outpostShm, now, ownRun }: Round,
  namespace: string,
  cronJob: V1CronJob,
  run: Run | undefined,
): Promise<Seen> {
  if (ownRun?.waitsFor) {
    const todo = `A run is started once that is over. See why it is not: ${kubectl} get deployments,pods`;
    return { wrong: `not started: ${ownRun.waitsFor}`, todo };
  }
  const lastSuccess = cronJob.status?.lastSuccessfulTime;
  if (!run && lastSuccess) return { right: `the last run succeeded ${ago(lastSuccess, now)}; its Job is gone` };
  if (!run)
    return { wrong: "it has not run yet", todo: `Start a run and have it judged: ${outpostShm("verify --run")}` };
  const name = run.job.metadata?.name ?? "";
  if (run.outcome === "Complete") return { right: `Job ${name} succeeded ${ago(run.job.status?.completionTime, now)}` };
  const look = `${kubectl} logs job/${name}`;
  if (run.outcome === "under way")
    return { wrong: `Job ${name} is under way`, todo: `Wait for its end, or look on: ${look} --follow` };
  const reasons = await failuresOf(cluster, namespace, name).catch((error: Error) => [error.message]);
  const wrong = `Job ${name} failed${reasons.length > 0 ? `: ${reasons.join("; ")}` : ""}`;
  // The CronJob's next run may do better, but a failed Job never will.
  return { wrong, todo: `See all it said: ${look}`, ...(ownRun?.name === name && { final: true as const }) };
}

const ago = (time: Date | string | undefined, now: Date): string =>
  time === undefined ? "" : `${formatAge(secondsSince(time, now))} ago`;

/** Reads from the log of a failed Job which of the outposts' pods or Deployments failed it, and why. */
async function failuresOf(cluster: Cluster, namespace: string, job: string): Promise<string[]> {
  const [pod] = await cluster.pods(namespace, `job-name=${job}`);
  const name = pod?.metadata?.name;
  if (!name) return [];
  const log = await cluster.log({ namespace, pod: name, container: cronJobContainer }, { tailLines: 200 });
  const failed = log
    .split("\n")
    .map(wordsOf)
    .filter(({ result }) => result === "failed");
  return failed.map(({ deployment, pod, reason }) => `${pod ? `pod ${pod}` : `Deployment ${deployment}`}: ${reason}`);
}

/** Reviews the rights as the account itself, or about it if the user may not impersonate. A successful run is evidence too. */
async function judgeRights(
  { cluster, kubectl }: Round,
  namespace: string,
  cronJob: V1CronJob,
  hasSucceeded: boolean,
): Promise<Seen> {
  const account = cronJob.spec?.jobTemplate.spec?.template.spec?.serviceAccountName ?? "default";
  const user = `system:serviceaccount:${namespace}:${account}`;
  const reviewed = await review(cluster, user, wishes(namespace, cronJob)).catch((error: Error) => error);
  if (reviewed instanceof Error) {
    const reason = reviewed.message;
    if (hasSucceeded)
      return { right: `not reviewed (${reason}), but the last run succeeded as ServiceAccount ${account}` };
    const wrong = `not known: you may neither impersonate ServiceAccount ${account} nor review access (${reason})`;
    return { wrong, todo: `Have somebody check who may: ${mayExecCommands(kubectl, undefined, ` --as ${user}`)}` };
  }
  const { how, denied } = reviewed;
  if (denied.length === 0) return { right: `ServiceAccount ${account} may list pods and exec in them (${how})` };
  const what = denied.map(
    ({ verb, resource, subresource, name }) =>
      `${verb} ${resource}${subresource ? `/${subresource}` : ""}${name ? ` ${name}` : ""}`,
  );
  return {
    wrong: `ServiceAccount ${account} may not ${what.join(", ")} (${how})`,
    todo: `Deploy again ${eitherWay()}, which brings its Role and RoleBinding.`,
  };
}

async function review(cluster: Cluster, user: string, wanted: Wish[]): Promise<{ how: string; denied: Wish[] }> {
  const deniedBy = async (ask: (wish: Wish) => Promise<Verdict>): Promise<Wish[]> => {
    const verdicts = await Promise.all(wanted.map(ask));
    return wanted.filter((_wish, index) => !verdicts[index].allowed);
  };
  try {
    const denied = await deniedBy((wish) => cluster.selfMay(wish, user));
    return { how: "SelfSubjectAccessReview as that account", denied };
  } catch (error) {
    if (refusedWith(error) !== 403) throw error;
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${wanted[0].namespace}`, "system:authenticated"];
    const denied = await deniedBy((wish) => cluster.accountMay(wish, user, groups));
    return { how: "SubjectAccessReview, as you may not impersonate it", denied };
  }
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
