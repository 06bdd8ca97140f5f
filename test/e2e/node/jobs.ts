// Starts the CronJob as `kubectl create job --from=cronjob/…` does, and reads its runs.
import type { V1Job, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { cronJobName } from "../../../cleaner/names";
import { fields } from "../../../sandbox/cleaner/shells";
import type { Scenario } from "./scenario";

/** The CronJob's own deadline is 900 s. */
const RUN_TIMEOUT_MS = 240_000;

export interface JobRun {
  outcome: "Complete" | "Failed";
  /** Output of each of its pods, the first attempt first. Each line is a record of keys and values. */
  attempts: Line[][];
  /** Seconds from its first pod's start to its last pod's end. */
  seconds: number;
}

export type Line = Record<string, string>;

export async function startJob(scenario: Scenario, name: string): Promise<void> {
  await scenario.kubectl("create", "job", name, `--from=cronjob/${cronJobName}`);
}

export async function finishedJob(scenario: Scenario, name: string): Promise<JobRun> {
  const outcome = await scenario.until(`the end of job ${name}`, () => ended(scenario, name), RUN_TIMEOUT_MS);
  const { items } = await scenario.get<{ items: V1Pod[] }>("pods", `--selector=job-name=${name}`);
  const times = items.map(({ status }) => status!.containerStatuses![0].state!.terminated!);
  const order = items.map(({ metadata }, index) => ({
    name: metadata!.name!,
    startedAt: String(times[index].startedAt),
  }));
  order.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  const attempts = [];
  for (const pod of order) attempts.push((await scenario.kubectl("logs", pod.name)).trimEnd().split("\n").map(fields));
  const begin = Math.min(...times.map(({ startedAt }) => Date.parse(String(startedAt))));
  const end = Math.max(...times.map(({ finishedAt }) => Date.parse(String(finishedAt))));
  return { outcome, attempts, seconds: (end - begin) / 1000 };
}

export async function runJob(scenario: Scenario, name: string): Promise<JobRun> {
  await startJob(scenario, name);
  return finishedJob(scenario, name);
}

async function ended(scenario: Scenario, name: string): Promise<JobRun["outcome"] | undefined> {
  const { status } = await scenario.get<V1Job>("job", name);
  const condition = status?.conditions?.find(
    ({ type, status }) => ["Complete", "Failed"].includes(type) && status === "True",
  );
  return condition?.type as JobRun["outcome"] | undefined;
}
