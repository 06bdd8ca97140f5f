// The demo of `delivery: admission`: the policy, a Deployment that is created anew and whose pods have the sidecar at once, and
// back to nothing. Each step is previewed, done and checked.
import { selectorOf } from "../../kubernetes/podsOfDeployment";
import { createOutpost, deleteOutpost } from "../outpost";
import { deployment, ownObjects, sidecarOf } from "./outpostOnStage";
import type { Show } from "./show";

const config = { delivery: "admission" };

export async function admissionTour(show: Show): Promise<void> {
  await deploy(show);
  await recreate(show);
  await remove(show);
}

async function deploy(show: Show): Promise<void> {
  const diff = await show.preview(config);
  show.expect("the preview says that the outpost's 2 pods restart", /restarts its 2 pods/.test(diff));

  await show.up(config);
  await expectPods(show, "each");
  await show.expectPristine("the Deployment's pod spec is as authentik made it");
  await show.expectUnchanged();
}

async function recreate(show: Show): Promise<void> {
  show.heading("the Deployment is deleted and created anew, as authentik does");
  const { kubeconfig, outpost } = show.stage;
  const { uid } = (await deployment(show.stage)).metadata!;
  await deleteOutpost(kubeconfig, outpost);
  await createOutpost(kubeconfig, outpost);
  show.expect("it is another Deployment", (await deployment(show.stage)).metadata?.uid !== uid);
  await show.expectPristine("it has nothing of ours");
  await expectPods(show, "each");
}

async function remove(show: Show): Promise<void> {
  // The label of the Deployment that was created anew, whose removal restarts the pods.
  await show.stage.stack.up();
  await show.up({ ...config, solution: "none" });
  await expectPods(show, "none");
  const found = await ownObjects(show.stage);
  show.expect("nothing of ours is there", found.length === 0, found);
}

async function expectPods(show: Show, which: "each" | "none"): Promise<void> {
  const { stage } = show;
  const labelSelector = selectorOf(await deployment(stage));
  const listed = await stage.api.core.listNamespacedPod({ namespace: stage.outpost.namespace, labelSelector });
  const pods = listed.items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const withSidecar = pods.filter(({ spec }) => spec && sidecarOf(spec));
  show.say(`  pods: ${pods.map(({ metadata }) => metadata?.name).join(", ")}`);
  const holds = pods.length === 2 && withSidecar.length === (which === "each" ? 2 : 0);
  show.expect(`${which} of them has the sidecar`, holds, withSidecar.length);
}
