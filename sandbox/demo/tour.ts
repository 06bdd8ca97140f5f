// The demo itself: from no sidecar to one, on to the CronJob, and back to nothing. Each step is previewed, done and checked.
import { isDeepStrictEqual } from "node:util";
import { ownObjects, podSpec, sidecarOf, sidecarFiles } from "./outpostOnStage";
import { sweepScratch } from "./scratchSweep";
import type { Show } from "./show";

export async function tour(show: Show): Promise<void> {
  await deploySidecar(show);
  await runSidecarHere(show);
  await toggle(show, "cronjob", ["CronJob", "Role", "RoleBinding", "ServiceAccount"]);
  await toggle(show, "none", []);
}

async function deploySidecar(show: Show): Promise<void> {
  const config = { solution: "sidecar" };
  const diff = await show.preview(config);
  show.expect("the preview says that the outpost's 2 pods restart", /restarts its 2 pods/.test(diff));
  await show.expectPristine("the preview changed nothing");

  await show.up(config);
  const spec = await podSpec(show.stage);
  const [proxy] = spec.containers;
  const mount = proxy.volumeMounts?.find(({ mountPath }) => mountPath === "/dev/shm");
  const volume = spec.volumes?.find(({ name }) => name === mount?.name);
  show.expect("the first container is still authentik's proxy", proxy.name === "proxy", proxy.name);
  show.expect("its /dev/shm is 256Mi of memory", volume?.emptyDir?.sizeLimit === "256Mi", volume);
  show.expect("the native sidecar shm-cleanup is there", sidecarOf(spec)?.restartPolicy === "Always");
  await show.expectUnchanged();
}

async function runSidecarHere(show: Show): Promise<void> {
  show.heading("the sidecar's own command and scripts, on a folder of session files");
  const { stage } = show;
  const sidecar = sidecarOf(await podSpec(stage));
  if (!sidecar) return show.expect("the cluster holds a sidecar", false);
  const { rows, log } = await sweepScratch(stage.dir, sidecar, await sidecarFiles(stage));
  for (const { what, count, left } of rows) show.say(`  ${what.padEnd(38)} ${String(count).padStart(3)} → ${left}`);
  if (show.verbose) show.say(log.trim());
  const wrong = rows.filter(({ left, expected }) => left !== expected).map(({ what }) => what);
  show.expect("every dead session is gone, every living one is left", wrong.length === 0, wrong);
}

async function toggle(show: Show, solution: string, kinds: string[]): Promise<void> {
  await show.preview({ solution });
  await show.up({ solution });
  const found = await ownObjects(show.stage);
  show.say(`  left of ours: ${found.join(", ") || "nothing"}`);
  const foundKinds = found.map((object) => object.split("/")[0]);
  show.expect(
    `${kinds.join(", ") || "nothing"} of ours is there, no more`,
    isDeepStrictEqual(foundKinds, kinds),
    found,
  );
  await show.expectPristine();
}
