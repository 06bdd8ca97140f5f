// The demo itself: from no sidecar to one, on to the CronJob, and back to nothing, each step previewed, done and checked.
import Table from "cli-table3";
import { isDeepStrictEqual } from "node:util";
import type { V1Container, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Solution } from "../../components/settings";
import type { Report } from "../engine";
import { outpostObjectName } from "../outpost";
import { waitUntil } from "../waitUntil";
import type { Checks } from "./checks";
import { sweepScratch, type Row } from "./scratchSweep";
import type { Stage } from "./stage";

/** Longest wait for the outpost's rollout, in milliseconds. */
const rolloutTimeoutMs = 120_000;

type Say = (line: string) => void;

/** Kinds that only the program creates in the demo's namespace; what authentik and Kubernetes put there is not counted. */
const ownNames = /shm-cleanup$/;

export async function tour(stage: Stage, checks: Checks, say: Say): Promise<void> {
  const pristine = await podSpec(stage);
  await deploySidecar(stage, checks, say, pristine);
  await runSidecarHere(stage, checks, say);
  await toggle(stage, checks, say, "cronjob", ["CronJob", "Role", "RoleBinding", "ServiceAccount"], pristine);
  await toggle(stage, checks, say, "none", [], pristine);
}

async function deploySidecar(stage: Stage, checks: Checks, say: Say, pristine: V1PodSpec): Promise<void> {
  heading(say, "pulumi preview, solution sidecar");
  const preview = await stage.stack.preview({ diff: true });
  say(preview.stdout.trim());
  checks.expect("the preview says that the outpost's 2 pods restart", /restarts its 2 pods/.test(preview.stdout));
  checks.expect("the preview changed nothing", isDeepStrictEqual(await podSpec(stage), pristine));

  heading(say, "pulumi up, solution sidecar");
  const up = await stage.stack.up();
  say(summaryOf(up));
  await rollout(stage);
  const spec = await podSpec(stage);
  const mount = spec.containers[0].volumeMounts?.find(({ mountPath }) => mountPath === "/dev/shm");
  const volume = spec.volumes?.find(({ name }) => name === mount?.name);
  checks.expect(
    "the first container is still authentik's proxy",
    spec.containers[0].name === "proxy",
    spec.containers[0].name,
  );
  checks.expect("its /dev/shm is 256Mi of memory", volume?.emptyDir?.sizeLimit === "256Mi", volume);
  checks.expect("the native sidecar shm-cleanup is there", sidecarOf(spec)?.restartPolicy === "Always");
  checks.expect("a second pulumi up has nothing to do", isUnchanged(await stage.stack.up()));
}

async function runSidecarHere(stage: Stage, checks: Checks, say: Say): Promise<void> {
  heading(say, "the sidecar's command, as the cluster holds it, on a scratch folder of this machine");
  const sidecar = sidecarOf(await podSpec(stage));
  if (!sidecar) return checks.expect("the cluster holds a sidecar", false);
  const { rows, log } = await sweepScratch(stage.dir, sidecar, await sweepSettings(stage));
  say(table(rows));
  say(log.trim());
  const wrong = rows.filter(({ after, expected }) => after !== expected);
  checks.expect("every dead session is gone, every living one is left", wrong.length === 0, wrong);
}

async function toggle(
  stage: Stage,
  checks: Checks,
  say: Say,
  solution: Solution,
  kinds: string[],
  pristine: V1PodSpec,
): Promise<void> {
  const { namespace, name } = stage.outpost;
  await stage.stack.setConfig({ namespace, outposts: [name], solution });
  heading(say, `pulumi preview, solution ${solution}`);
  say(withoutRefresh((await stage.stack.preview()).stdout));
  heading(say, `pulumi up, solution ${solution}`);
  say(summaryOf(await stage.stack.up()));
  await rollout(stage);
  const found = await ownObjects(stage);
  say(`  left of ours: ${found.join(", ") || "nothing"}`);
  checks.expect(
    `${kinds.length > 0 ? kinds.join(", ") : "nothing"} of ours is there, no more`,
    isDeepStrictEqual(
      found.map((object) => object.split("/")[0]),
      kinds,
    ),
    found,
  );
  checks.expect("the Deployment's pods are as authentik made them", isDeepStrictEqual(await podSpec(stage), pristine));
}

/** A preview begins by looking at what is there: one line a resource and state, which say nothing here. */
const withoutRefresh = (stdout: string): string =>
  stdout
    .split("\n")
    .filter((line) => !/ (refresh|refreshing|running) *$/.test(line))
    .join("\n")
    .trim();

const heading = (say: Say, text: string): void => say(`\n── ${text}`);
const isUnchanged = ({ steps }: Report): boolean => steps.every(({ op }) => op === "same" || op === "refresh");
const sidecarOf = (spec: V1PodSpec): V1Container | undefined =>
  spec.initContainers?.find(({ name }) => name === "shm-cleanup");

function summaryOf({ changeSummary }: Report): string {
  const counts = Object.entries(changeSummary).map(([operation, count]) => `${count} ${operation}`);
  return `  ${counts.join(", ")}`;
}

function table(rows: Row[]): string {
  const drawn = new Table({
    head: ["session files", "before", "after", "expected"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  drawn.push(...rows.map(({ what, before, after, expected }) => [what, before, after, expected]));
  return drawn.toString();
}

async function deployment({ kubeConfig, outpost }: Stage) {
  const { AppsV1Api } = await import("@kubernetes/client-node");
  const apps = kubeConfig.makeApiClient(AppsV1Api);
  return apps.readNamespacedDeployment({ namespace: outpost.namespace, name: outpostObjectName(outpost) });
}

const podSpec = async (stage: Stage): Promise<V1PodSpec> => (await deployment(stage)).spec!.template.spec!;

async function rollout(stage: Stage): Promise<void> {
  await waitUntil(
    async () => {
      const { metadata, spec, status } = await deployment(stage);
      const counts = [status?.updatedReplicas, status?.availableReplicas, status?.replicas];
      return (
        (status?.observedGeneration === metadata?.generation && counts.every((count) => count === spec?.replicas)) ||
        undefined
      );
    },
    { what: "the outpost's rollout", timeoutMs: rolloutTimeoutMs },
  );
}

/** The settings as the sidecar's ConfigMap has them. */
async function sweepSettings({ kubeConfig, outpost }: Stage): Promise<string> {
  const { CoreV1Api } = await import("@kubernetes/client-node");
  const name = `${outpostObjectName(outpost)}-shm-cleanup`;
  const configMap = await kubeConfig
    .makeApiClient(CoreV1Api)
    .readNamespacedConfigMap({ namespace: outpost.namespace, name });
  return configMap.data?.settings ?? "";
}

/** The program's own objects in the demo's namespace as `Kind/name`, sorted. */
async function ownObjects({ kubeConfig, outpost: { namespace } }: Stage): Promise<string[]> {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  const kinds = {
    ConfigMap: "v1",
    ServiceAccount: "v1",
    CronJob: "batch/v1",
    Role: "rbac.authorization.k8s.io/v1",
    RoleBinding: "rbac.authorization.k8s.io/v1",
  };
  const found: string[] = [];
  for (const [kind, apiVersion] of Object.entries(kinds)) {
    const { items } = await api.list(apiVersion, kind, namespace);
    found.push(...items.map(({ metadata }) => `${kind}/${metadata?.name}`));
  }
  return found.filter((object) => ownNames.test(object)).sort();
}
