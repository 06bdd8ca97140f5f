// The demo itself: from no sidecar to one, on to the CronJob, and back to nothing. Each step is previewed, done and checked.
import { isDeepStrictEqual } from "node:util";
import type { V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import Table from "cli-table3";
import type { Solution } from "../../settings/settings";
import type { Checks } from "./checks";
import { ownObjects, podSpec, rollout, sidecarOf, sidecarFiles } from "./outpostOnStage";
import { sweepScratch, type Row } from "./scratchSweep";
import { heading, isUnchanged, showPreview, summaryOf, type Say } from "./show";
import type { Stage } from "./stage";

export async function tour(stage: Stage, checks: Checks, say: Say): Promise<void> {
  const pristine = await podSpec(stage);
  await deploySidecar(stage, checks, say, pristine);
  await runSidecarHere(stage, checks, say);
  await toggle(stage, checks, say, "cronjob", ["CronJob", "Role", "RoleBinding", "ServiceAccount"], pristine);
  await toggle(stage, checks, say, "none", [], pristine);
}

async function deploySidecar(stage: Stage, checks: Checks, say: Say, pristine: V1PodSpec): Promise<void> {
  heading(say, "pulumi preview, solution sidecar");
  const preview = await showPreview(stage, say);
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
  heading(say, "the sidecar's command and scripts, as the cluster holds them, on a scratch folder of this machine");
  const sidecar = sidecarOf(await podSpec(stage));
  if (!sidecar) return checks.expect("the cluster holds a sidecar", false);
  const { rows, log } = await sweepScratch(stage.dir, sidecar, await sidecarFiles(stage));
  say(table(rows));
  if (stage.verbose) say(log.trim());
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
  await stage.configure({ solution });
  heading(say, `pulumi preview, solution ${solution}`);
  await showPreview(stage, say);
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

function table(rows: Row[]): string {
  const drawn = new Table({
    head: ["session files", "before", "after", "expected"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  drawn.push(...rows.map(({ what, before, after, expected }) => [what, before, after, expected]));
  return drawn.toString();
}
