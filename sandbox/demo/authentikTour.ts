// The demo of `delivery: authentik`: from a patch pasted by hand to the program's own, through a recreated Deployment and the
// other delivery, and back to nothing. Each step is previewed, done and checked.
import { isDeepStrictEqual } from "node:util";
import type { V1Deployment } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { AuthentikStandIn, OutpostConfig } from "../authentik";
import { editOperations, otherSelector, pastedPatch, writesAtRest } from "../authentik/adminUi";
import { deployment, ownObjects, podSpec, sidecarOf } from "./outpostOnStage";
import type { Show } from "./show";

export async function authentikTour(show: Show): Promise<void> {
  show.say(
    "\nauthentik is played by a stand-in: its outposts API, and its reconciler, which writes to the real API server.",
  );
  const config = configOf(show);
  await pasteByHand(show);
  await takeOver(show);
  await recreate(show);
  await moveToDeployment(show);
  await takeBack(show, config);
}

async function pasteByHand(show: Show): Promise<void> {
  show.heading("a patch pasted into authentik by hand, as older guides have it");
  await editOperations(authentikOf(show), nameOf(show), () => pastedPatch());
  await show.rollout();
  await expectWrites(show, "authentik writes at every reconcile", 3);
}

async function takeOver(show: Show): Promise<void> {
  const config = { delivery: "authentik" };
  const diff = await show.preview(config);
  show.expect("the preview says that it takes the pasted patch over", diff.includes("pasted by hand is taken over"));

  await show.up(config);
  const spec = await podSpec(show.stage);
  show.expect("the native sidecar is there", sidecarOf(spec)?.restartPolicy === "Always");
  const containers = spec.containers.map(({ name }) => name);
  show.expect("the pasted container is gone", isDeepStrictEqual(containers, ["proxy"]), containers);
  await expectWrites(show, "authentik is at rest", 0);
  await show.expectUnchanged();
}

async function recreate(show: Show): Promise<void> {
  show.heading("authentik deletes the Deployment and creates it anew");
  const { uid } = (await deployment(show.stage)).metadata!;
  const selector = otherSelector("extra");
  await editOperations(authentikOf(show), nameOf(show), (operations) => [...operations, ...selector]);
  await show.rollout();
  const recreated = await deployment(show.stage);
  show.expect("it is another Deployment", recreated.metadata?.uid !== uid);
  show.expect("it has the sidecar from the start", sidecarOf(recreated.spec!.template.spec!) !== undefined);
  await editOperations(authentikOf(show), nameOf(show), (operations) => operations.slice(0, -selector.length));
}

async function moveToDeployment(show: Show): Promise<void> {
  const before = revisionOf(await deployment(show.stage));
  await show.up({ delivery: "deployment" });
  const live = await deployment(show.stage);
  show.expect("nothing of ours is left in authentik", configOf(show).kubernetes_json_patches === null);
  show.expect("the sidecar is still there", sidecarOf(live.spec!.template.spec!) !== undefined);
  show.expect("no pod restarted", revisionOf(live) === before, revisionOf(live));
}

/** @param pristine authentik's config before any patch */
async function takeBack(show: Show, pristine: OutpostConfig): Promise<void> {
  const config = { delivery: "authentik" };
  await show.stage.configure(config);
  await show.stage.stack.up();
  await show.preview({ ...config, solution: "none" });
  await show.up({ ...config, solution: "none" });
  const found = await ownObjects(show.stage);
  show.expect("nothing of ours is there", found.length === 0, found);
  show.expect("authentik's config is as it was before any patch", isDeepStrictEqual(configOf(show), pristine));
  await show.expectPristine();
}

/** Returns the revision, which counts the Deployment's rollouts. */
const revisionOf = ({ metadata }: V1Deployment) => metadata?.annotations?.["deployment.kubernetes.io/revision"];

/** Returns the stand-in of authentik, which this demo's stage has. */
const authentikOf = ({ stage }: Show): AuthentikStandIn => stage.authentik!;

const nameOf = ({ stage }: Show): string => stage.outpost.name;

const configOf = (show: Show): OutpostConfig => authentikOf(show).outpost(nameOf(show)).config;

async function expectWrites(show: Show, what: string, expected: number): Promise<void> {
  const writes = await writesAtRest(authentikOf(show));
  show.say(`  in three reconciles authentik wrote the Deployment ${writes} times`);
  show.expect(what, writes === expected, writes);
}
