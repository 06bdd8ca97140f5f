// The demo of `delivery: admission`: the policy, a Deployment that is created anew and whose pods have the sidecar at once, and
// back to nothing. Each step is previewed, done and checked.
import { isDeepStrictEqual } from "node:util";
import type { V1Pod, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { selectorOf } from "../../kubernetes/selector";
import { createOutpost, deleteOutpost } from "../outpost";
import type { Checks } from "./checks";
import { deployment, ownObjects, podSpec, rollout, sidecarOf } from "./outpostOnStage";
import { heading, isUnchanged, showPreview, summaryOf, type Say } from "./show";
import type { Stage } from "./stage";

export async function admissionTour(stage: Stage, checks: Checks, say: Say): Promise<void> {
  const pristine = await podSpec(stage);
  await deploy(stage, checks, say, pristine);
  await recreate(stage, checks, say, pristine);
  await remove(stage, checks, say);
}

async function deploy(stage: Stage, checks: Checks, say: Say, pristine: V1PodSpec): Promise<void> {
  await stage.configure({ delivery: "admission" });
  heading(say, "pulumi preview, delivery admission");
  const { stdout } = await showPreview(stage, say);
  checks.expect("the preview says that the outpost's 2 pods restart", /restarts its 2 pods/.test(stdout));

  heading(say, "pulumi up, delivery admission");
  say(summaryOf(await stage.stack.up()));
  await rollout(stage);
  await expectPods(stage, checks, say, true);
  checks.expect("the Deployment's pod spec is as authentik made it", isDeepStrictEqual(await podSpec(stage), pristine));
  checks.expect("a second pulumi up has nothing to do", isUnchanged(await stage.stack.up()));
}

async function recreate(stage: Stage, checks: Checks, say: Say, pristine: V1PodSpec): Promise<void> {
  heading(say, "the Deployment is deleted and created anew, as authentik does");
  const { kubeconfig, outpost } = stage;
  const { uid } = (await deployment(stage)).metadata!;
  await deleteOutpost(kubeconfig, outpost);
  await createOutpost(kubeconfig, outpost);
  checks.expect("it is another Deployment", (await deployment(stage)).metadata?.uid !== uid);
  checks.expect("it has nothing of ours", isDeepStrictEqual(await podSpec(stage), pristine));
  await expectPods(stage, checks, say, true);
}

async function remove(stage: Stage, checks: Checks, say: Say): Promise<void> {
  // The label of the Deployment that was created anew, whose removal restarts the pods.
  await stage.stack.up();
  await stage.configure({ delivery: "admission", solution: "none" });
  heading(say, "pulumi up, delivery admission, solution none");
  say(summaryOf(await stage.stack.up()));
  await rollout(stage);
  await expectPods(stage, checks, say, false);
  const found = await ownObjects(stage);
  checks.expect("nothing of ours is there", found.length === 0, found);
}

async function expectPods(stage: Stage, checks: Checks, say: Say, wanted: boolean): Promise<void> {
  const pods = await podsOf(stage);
  const withSidecar = pods.filter(({ spec }) => spec && sidecarOf(spec));
  say(`  pods: ${pods.map(({ metadata }) => metadata?.name).join(", ")}`);
  const what = wanted ? "each of them has the sidecar" : "none of them has the sidecar";
  checks.expect(what, pods.length === 2 && withSidecar.length === (wanted ? 2 : 0), withSidecar.length);
}

async function podsOf(stage: Stage): Promise<V1Pod[]> {
  const { CoreV1Api } = await import("@kubernetes/client-node");
  const { namespace } = stage.outpost;
  const labelSelector = selectorOf(await deployment(stage));
  const { items } = await stage.kubeConfig.makeApiClient(CoreV1Api).listNamespacedPod({ namespace, labelSelector });
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}
