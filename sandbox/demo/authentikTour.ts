// The demo of `delivery: authentik`: from a patch pasted by hand to the program's own, through a recreated Deployment and the
// other delivery, and back to nothing. Each step is previewed, done and checked.
import { isDeepStrictEqual } from "node:util";
import type { V1Deployment, V1PodSpec } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { AuthentikStandIn, OutpostConfig } from "../authentik";
import type { Checks } from "./checks";
import { deployment, ownObjects, podSpec, rollout, sidecarOf } from "./outpostOnStage";
import { heading, isUnchanged, showPreview, summaryOf, type Say } from "./show";
import type { Stage } from "./stage";

const templateSpec = "/spec/template/spec";
const mount = { name: "dshm", mountPath: "/dev/shm" };
/** A patch as in older guides. */
const pasted = [
  {
    op: "add",
    path: `${templateSpec}/volumes`,
    value: [{ name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "256Mi" } }],
  },
  { op: "add", path: `${templateSpec}/containers/0/volumeMounts`, value: [mount] },
  {
    op: "add",
    path: `${templateSpec}/containers/-`,
    value: {
      name: "shm-cleanup",
      image: "busybox:1.36",
      command: ["sh", "-c", "while true; do find /dev/shm -name 'session_*' -mmin +60 -delete; sleep 3600; done"],
      volumeMounts: [mount],
    },
  },
];
/** Changes an immutable field, which makes authentik delete the Deployment and create it again. */
const otherSelector = [
  { op: "add", path: "/spec/selector/matchLabels/extra", value: "yes" },
  { op: "add", path: `/spec/template/metadata/labels/extra`, value: "yes" },
];

/** The stage with authentik on it. */
type AuthentikStage = Stage & { readonly authentik: AuthentikStandIn };

export async function authentikTour(anyStage: Stage, checks: Checks, say: Say): Promise<void> {
  const stage = anyStage as AuthentikStage;
  say(
    "\nauthentik is played by a stand-in: its outposts API, and its reconciler, which writes to the real API server.",
  );
  const pristine = { spec: await podSpec(stage), config: configOf(stage) };
  await pasteByHand(stage, checks, say);
  await takeOver(stage, checks, say);
  await recreate(stage, checks, say);
  await moveToDeployment(stage, checks, say);
  await takeBack(stage, checks, say, pristine);
}

async function pasteByHand(stage: AuthentikStage, checks: Checks, say: Say): Promise<void> {
  heading(say, "a patch pasted into authentik by hand, as older guides have it");
  await editOperations(stage, () => pasted);
  await rollout(stage);
  const writes = await writesAtRest(stage);
  say(`  in three reconciles authentik wrote the Deployment ${writes} times`);
  checks.expect("authentik writes at every reconcile", writes === 3, writes);
}

async function takeOver(stage: AuthentikStage, checks: Checks, say: Say): Promise<void> {
  await stage.configure({ delivery: "authentik" });
  heading(say, "pulumi preview, delivery authentik");
  const { stdout } = await showPreview(stage, say);
  checks.expect(
    "the preview says that it takes the pasted patch over",
    stdout.includes("pasted by hand is taken over"),
  );

  heading(say, "pulumi up, delivery authentik");
  say(summaryOf(await stage.stack.up()));
  const spec = await podSpec(stage);
  checks.expect("the native sidecar is there", sidecarOf(spec)?.restartPolicy === "Always");
  const containers = spec.containers.map(({ name }) => name);
  checks.expect("the pasted container is gone", isDeepStrictEqual(containers, ["proxy"]), containers);
  const writes = await writesAtRest(stage);
  say(`  in three reconciles authentik wrote the Deployment ${writes} times`);
  checks.expect("authentik is at rest", writes === 0, writes);
  checks.expect("a second pulumi up has nothing to do", isUnchanged(await stage.stack.up()));
}

async function recreate(stage: AuthentikStage, checks: Checks, say: Say): Promise<void> {
  heading(say, "authentik deletes the Deployment and creates it anew");
  const { uid } = (await deployment(stage)).metadata!;
  await editOperations(stage, (operations) => [...operations, ...otherSelector]);
  await rollout(stage);
  const recreated = await deployment(stage);
  checks.expect("it is another Deployment", recreated.metadata?.uid !== uid);
  checks.expect("it has the sidecar from the start", sidecarOf(recreated.spec!.template.spec!) !== undefined);
  await editOperations(stage, (operations) => operations.slice(0, -otherSelector.length));
}

async function moveToDeployment(stage: AuthentikStage, checks: Checks, say: Say): Promise<void> {
  await stage.configure({ delivery: "deployment" });
  heading(say, "pulumi up, delivery deployment");
  const before = revisionOf(await deployment(stage));
  say(summaryOf(await stage.stack.up()));
  const live = await deployment(stage);
  checks.expect("nothing of ours is left in authentik", configOf(stage).kubernetes_json_patches === null);
  checks.expect("the sidecar is still there", sidecarOf(live.spec!.template.spec!) !== undefined);
  checks.expect("no pod restarted", revisionOf(live) === before, revisionOf(live));
}

async function takeBack(
  stage: AuthentikStage,
  checks: Checks,
  say: Say,
  pristine: { spec: V1PodSpec; config: OutpostConfig },
): Promise<void> {
  await stage.configure({ delivery: "authentik" });
  await stage.stack.up();
  await stage.configure({ delivery: "authentik", solution: "none" });
  heading(say, "pulumi preview, delivery authentik, solution none");
  await showPreview(stage, say);
  heading(say, "pulumi up, delivery authentik, solution none");
  say(summaryOf(await stage.stack.up()));
  const found = await ownObjects(stage);
  checks.expect("nothing of ours is there", found.length === 0, found);
  checks.expect(
    "authentik's config is as it was before any patch",
    isDeepStrictEqual(configOf(stage), pristine.config),
  );
  const spec = (await podSpec(stage)) as unknown;
  checks.expect("the Deployment's pods are as authentik made them", isDeepStrictEqual(spec, pristine.spec), spec);
}

/** Returns the revision, which counts the Deployment's rollouts. */
const revisionOf = ({ metadata }: V1Deployment) => metadata?.annotations?.["deployment.kubernetes.io/revision"];

const configOf = ({ authentik, outpost }: AuthentikStage): OutpostConfig => authentik.outpost(outpost.name).config;

/** Changes the operations on the outpost's Deployment, as someone in the Admin UI does. */
function editOperations({ authentik, outpost }: AuthentikStage, change: (operations: object[]) => object[]) {
  return authentik.edit(outpost.name, (config) => {
    const deployment = change(config.kubernetes_json_patches?.deployment ?? []);
    return { ...config, kubernetes_json_patches: { deployment } as never };
  });
}

/** Counts authentik's writes to the Deployment in three reconciles. */
async function writesAtRest({ authentik }: AuthentikStage): Promise<number> {
  const total = () => Object.values(authentik.writes).reduce<number>((sum, count) => sum + (count as number), 0);
  const before = total();
  for (let i = 0; i < 3; i++) await authentik.reconcile();
  return total() - before;
}
