// Adds to the tour on a cluster with a kubelet: shows the pods themselves, once with both solutions in them.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { cronJobName } from "../../cleaner/names";
import { outpostObjectName, type OutpostSpec } from "../outpost";
import { silentProgress } from "../progress";
import { ensureTools } from "../toolchain";
import type { Show } from "./show";

/** Enough visits to fill some of /dev/shm. */
const visits = ["-logins=20", "-rate=500", "-seconds=4"];

/** Deploys both solutions, lets visitors come, and shows df, the sidecar's log and a run of the CronJob. Both stay deployed. */
export async function watchPods(show: Show): Promise<void> {
  const { kubectl: program } = await ensureTools(["kubectl"], silentProgress);
  const { kubeconfig, outpost } = show.stage;
  const kubectl = async (...args: string[]): Promise<string> => {
    const all = [`--kubeconfig=${kubeconfig}`, `--namespace=${outpost.namespace}`, ...args];
    return (await promisify(execFile)(program, all)).stdout.trim();
  };
  await show.up({ solution: "both" });
  show.say(await kubectl("get", "pods,cronjobs"));

  const deployment = `deployment/${outpostObjectName(outpost)}`;
  const inProxy = (...command: string[]) => kubectl("exec", deployment, "--container=proxy", "--", ...command);
  show.heading("2,000 visitors and 20 logins at one of them");
  show.say(await inProxy("outpost-stand-in", "visit", ...visits));
  const df = await inProxy("df", "-m", "/dev/shm");
  show.say(df);
  show.expect("its /dev/shm has 256 MiB", / 256 /.test(df), df);
  show.say(await kubectl("logs", deployment, "--container=shm-cleanup", ...(show.verbose ? [] : ["--tail=2"])));

  show.heading("a Job from the CronJob, run by its own image and account");
  await kubectl("create", "job", "once", `--from=cronjob/${cronJobName}`);
  await kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=120s");
  const log = await kubectl("logs", "job/once");
  show.say(log);
  show.expect("it swept both pods", log.match(/ result=swept /g)?.length === outpost.replicas, log);
}

/** Commands with which the user can watch. */
export const watching = ({ namespace, ...outpost }: OutpostSpec): string => {
  const deployment = `deployment/${outpostObjectName(outpost)}`;
  const commands = [
    "get pods --watch",
    `exec ${deployment} -c proxy -- df -h /dev/shm`,
    `exec ${deployment} -c proxy -- outpost-stand-in visit -rate 300 -seconds 60`,
    `logs ${deployment} -c shm-cleanup --follow`,
  ];
  return commands.map((command) => `  kubectl -n ${namespace} ${command}`).join("\n");
};
