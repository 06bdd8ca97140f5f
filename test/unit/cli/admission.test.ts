// The commands on outposts whose sidecar an admission policy brings: their Deployments are without it.
import assert from "node:assert/strict";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { isAdmitted } from "../../../cli/pods/solution";
import { podFragment } from "../../../podPatch/podFragment";
import { outpostSettings } from "../outposts";
import {
  foundBy,
  printed,
  fakeSnapshot,
  knownPod,
  metricsText,
  outpostDeployment,
  outpostPod,
  runOn,
  type Answers,
} from "./cluster";

const label = { "authentik-outpost-shm/revision": "abc" };

/** Makes a Deployment that asks for the sidecar, or one that authentik has created anew. */
function deployment(asks = true): V1Deployment {
  const made = outpostDeployment();
  if (asks) made.spec!.template.metadata = { labels: { ...made.spec!.selector.matchLabels, ...label } };
  return made;
}

/** Makes a pod as the policy leaves it, or one that it did not see. */
function pod(name: string, isBare = false): V1Pod {
  const made = outpostPod({ name, sidecar: !isBare });
  if (isBare) return made;
  Object.assign(made.metadata!.labels!, label);
  Object.assign(made.spec!, podFragment(outpostSettings({ name: "main" })));
  return made;
}

const outposts = (live: V1Deployment, ...pods: V1Pod[]) => ({ deployments: [live], pods: pods.map(knownPod) });

describe("the commands on an outpost with delivery admission", () => {
  it("know it by the label of its template, or of its pods", () => {
    assert.equal(isAdmitted(deployment(), outposts(deployment())), true);
    assert.equal(isAdmitted(deployment(false), outposts(deployment(false), pod("a"))), true);
    assert.equal(isAdmitted(deployment(false), outposts(deployment(false), pod("a", true))), false);
    const patched = deployment();
    Object.assign(patched.spec!.template.spec!, podFragment(outpostSettings({ name: "main" })));
    assert.equal(isAdmitted(patched, outposts(patched, pod("a"))), false);
  });

  const world = (...pods: V1Pod[]): Answers => ({
    deployments: [deployment()],
    pods: pods,
    configMap: undefined,
    cronJob: undefined,
    podProxy: metricsText(),
    exec: printed("TMPDIR=/dev/shm\ntmpfs 262144 1 2 3% /dev/shm\n"),
  });

  it("verify what its pods have, but the order of containers by the Deployment, since a mesh puts its own first in pods", async () => {
    const meshed = pod("a");
    Object.assign(meshed.metadata!.labels!, { "app.kubernetes.io/managed-by": "goauthentik.io" });
    meshed.spec!.containers.unshift({ name: "istio-proxy" });
    const { code, stdout } = await runOn(world(meshed), ["verify"]);
    assert.deepEqual(stdout.split("\n").slice(1, 5), [
      "main     volume      pass    1 pod: dshm of 256Mi, in memory, on /dev/shm of both containers",
      "main     containers  pass    1 pod: proxy and shm-cleanup are running",
      "main     names       pass    1 pod: proxy, then shm-cleanup",
      "main     size        pass    1 pod: /dev/shm has 256Mi (by df)",
    ]);
    assert.equal(code, 0);
    const behind = deployment();
    behind.spec!.template.spec!.containers.unshift({ name: "istio-proxy" });
    const { stdout: failed } = await runOn({ ...world(meshed), deployments: [behind] }, ["verify"]);
    assert.match(failed, /^main +names +FAIL +pod a: the first container is istio-proxy, not proxy$/m);
  });

  it("name a pod that has nothing of it, and the way on", async () => {
    const { code, stdout } = await runOn(world(pod("a"), pod("b", true)), ["verify"]);
    assert.match(stdout, /^main +volume +FAIL +pod b: it has no volume dshm$/m);
    assert.match(stdout, /^main +containers +FAIL +pod b: container shm-cleanup is not there$/m);
    assert.match(stdout, /^main +names +FAIL +pod b: there is no container shm-cleanup$/m);
    const todo =
      "Deploy again (`pulumi up --refresh`, or apply what `render` writes), which puts the admission policy back; then: kubectl --namespace authentik delete pod b (their users log in again).";
    assert.ok(stdout.includes(`main volume, main containers, main names: ${todo}\n`), stdout);
    assert.equal(code, 1);
  });

  it("note it in status", async () => {
    const { stdout } = await runOn(world(pod("a"), pod("b", true)), ["status"]);
    const note = "its admission policy has not given it the sidecar; outpost-shm doctor has the remedy";
    assert.ok(stdout.endsWith(`b: ${note}\n`), stdout);
    assert.ok(!stdout.includes(`a: ${note}`));
  });

  it("find such pods in doctor, and find no fault with the Deployment", () => {
    const snapshot = fakeSnapshot({
      outposts: outposts(deployment(), pod("a"), pod("b", true), pod("c", true)),
      ownObjects: [{ kind: "ConfigMap", name: "ak-outpost-main-shm-cleanup" }],
    });
    assert.deepEqual(foundBy("admission", snapshot), [
      {
        check: "admission",
        subject: "Deployment/ak-outpost-main",
        seen: "2 pods without container shm-cleanup: b, c",
        why: "The admission policy that gives it to them was missing, edited or failing as they were created. Their /dev/shm has 64 MiB, and nothing sweeps it.",
        todo: "Deploy again (`pulumi up --refresh`, or apply what `render` writes), which puts the admission policy back; then: kubectl delete pod b c (their users log in again).",
      },
    ]);
    assert.deepEqual([...foundBy("solution", snapshot), ...foundBy("leftovers", snapshot)], []);
  });

  it("judge the memory and the scripts by what the pods have", () => {
    const live = deployment();
    live.spec!.template.spec!.containers[0].resources = { limits: { memory: "128Mi" } };
    const snapshot = fakeSnapshot({ outposts: outposts(live, pod("a")) });
    const seen = [...foundBy("memory", snapshot), ...foundBy("scripts", snapshot)].map(({ seen }) => seen);
    assert.deepEqual(seen, [
      "container proxy has a memory limit of 128Mi, and /dev/shm is of 256Mi, of which the kubelet gives 160Mi",
      "it is missing in namespace authentik",
    ]);
  });
});
