import assert from "node:assert/strict";
import { podLabelsOf } from "../../../authentik/names";
import type { DryRun, PodDryRun } from "../../../kubernetes/cluster";
import type { Deployment, PodTemplatePatch } from "../../../kubernetes/types";
import { podFragment } from "../../../sidecar/podFragment";
import { fragmentRevision } from "../../../sidecar/revision";
import { outpostSettings } from "../outposts";
import { clusterWith, inspect, liveDeployment, managed, ours } from "./liveDeployment";

const name = "ak-outpost-my-outpost";
const settings = outpostSettings({ delivery: "admission" });
const fragment = podFragment(settings);
const label = "authentik-outpost-shm/revision";
const asking = { metadata: { labels: { [label]: fragmentRevision(fragment) } } };
const podLabels = [{ deployment: name, labels: { app: "proxy" } }];

function deployment(labels: Record<string, string> = {}): Deployment {
  const live = liveDeployment(name);
  live.spec!.selector = { matchLabels: { app: "proxy" } };
  live.spec!.template.metadata = { labels: { app: "proxy", ...labels } };
  return live;
}

interface World {
  live?: Deployment;
  /** The answer to the creation of a pod; by default one that is as the template. */
  pod?: PodDryRun;
  mayCreatePods?: boolean;
  apply?: DryRun;
}

/** Makes a cluster that applies what it is asked to. It records the questions. */
async function look({ live = deployment(), pod, mayCreatePods = true, apply }: World) {
  const asked: unknown[] = [];
  const applied = (template: PodTemplatePatch = {}): Deployment => {
    const result = structuredClone(live);
    Object.assign(result.spec!.template.metadata!.labels!, template.metadata?.labels);
    if (template.spec) result.spec!.template.spec!.initContainers = template.spec.initContainers as never;
    return result;
  };
  const cluster = clusterWith([live], {
    selfMay: (wish) => {
      asked.push(wish);
      return Promise.resolve({ allowed: mayCreatePods });
    },
    dryRunApply: (_namespace, _name, manager, template) => {
      asked.push({ manager, template });
      return Promise.resolve(apply ?? { outcome: "applied", deployment: applied(template) });
    },
    dryRunMerge: new Error("merged"),
    dryRunPod: (_namespace, template) => {
      asked.push({ pod: template });
      return Promise.resolve(pod ?? { outcome: "created", pod: { spec: template.spec } });
    },
  });
  const found = await inspect(cluster, [settings]);
  return { ...found, asked };
}

const restart =
  `Deployment ${name}: this change restarts its pod (rolling update). ` +
  "The sessions in a restarted pod end: their users log in again.";
const inForce = deployment(asking.metadata.labels);

describe("inspection for delivery admission", () => {
  it("names the pods that restart, and asks the API server for one with the sidecar", async () => {
    const { asked, ...found } = await look({});
    assert.deepEqual(found, { problems: [], warnings: [restart], restarts: [name], podLabels });
    const { labels } = deployment(asking.metadata.labels).spec!.template.metadata!;
    const { containers } = inForce.spec!.template.spec!;
    assert.deepEqual(asked, [
      { manager: ours, template: asking },
      { namespace: "authentik", resource: "pods", verb: "create" },
      { manager: ours, template: { ...asking, spec: fragment } },
      { pod: { metadata: { labels }, spec: { containers, initContainers: fragment.initContainers } } },
    ]);
  });

  it("knows authentik's pods by the labels that they keep if the Deployment is created anew", async () => {
    const live = deployment();
    const lasting = podLabelsOf("My Outpost");
    live.spec!.selector = { matchLabels: { ...lasting, "goauthentik.io/outpost-uuid": "1", extra: "yes" } };
    assert.deepEqual((await look({ live })).podLabels, [{ deployment: name, labels: lasting }]);
  });

  it("stops if such a pod is refused, with the API server's words", async () => {
    const reason = 'pods "x" is forbidden: exceeded quota: pods';
    assert.deepEqual((await look({ pod: { outcome: "refused", reason } })).problems, [
      `outpost "My Outpost": the API server would not take a pod with the sidecar: ${reason}. ` +
        "Change what refuses it, or the setting that it refuses.",
    ]);
  });

  it("says nothing where new pods get it already", async () => {
    const pod = { spec: { containers: [], initContainers: [{ name: "shm-cleanup" }] } };
    const { asked, ...found } = await look({ live: inForce, pod: { outcome: "created", pod } });
    assert.deepEqual(found, { problems: [], warnings: [], podLabels });
    assert.deepEqual(asked.at(-1), { pod: inForce.spec!.template });
  });

  it("says so where they do not, and that the update puts the policy back", async () => {
    assert.deepEqual((await look({ live: inForce })).warnings, [
      `outpost "My Outpost": a new pod of Deployment ${name} would have no sidecar now, so its admission policy is missing, has been edited, or fails. ` +
        "This update puts the policy back. Pods that have no sidecar get it once they are replaced: outpost-shm status shows them.",
    ]);
  });

  it("goes without a pod where the account may create none", async () => {
    const { warnings, problems } = await look({ mayCreatePods: false, pod: { outcome: "refused", reason: "no" } });
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [
      restart,
      'outpost "My Outpost": whether the API server takes a pod with the sidecar is not known, since your account may not create pods, not even in a dry run.',
    ]);
  });

  it("goes without a preview of restarts where the account may patch none", async () => {
    const { problems } = await look({ apply: { outcome: "forbidden", reason: "no" } });
    assert.deepEqual(problems, []);
  });

  it("stops at a selector that is more than labels", async () => {
    const live = deployment();
    live.spec!.selector.matchExpressions = [{ key: "app", operator: "Exists" }];
    assert.deepEqual((await look({ live })).problems, [
      `outpost "My Outpost": Deployment ${name} selects its pods by matchExpressions, and delivery admission has to know them by labels alone. ` +
        "Set the outpost's `delivery` to deployment.",
    ]);
  });

  it("stops at pods that another stack gives the sidecar, by either delivery", async () => {
    const other = "authentik-outpost-shm-other";
    const fields = [
      { field: `label ${label} of its pods`, template: { "f:metadata": { "f:labels": { [`f:${label}`]: {} } } } },
      { field: "volume dshm", template: { "f:spec": { "f:volumes": { 'k:{"name":"dshm"}': {} } } } },
    ];
    for (const { field, template } of fields) {
      const live = deployment();
      live.metadata!.managedFields!.push(managed(other, { "f:spec": { "f:template": template } }));
      assert.deepEqual((await look({ live })).problems, [
        `outpost "My Outpost": Deployment ${name} already has ${field} (owned by ${other}). ` +
          "That is another stack of this program. Take the outpost off the `outposts` of one of the two.",
      ]);
    }
  });
});
