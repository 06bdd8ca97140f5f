// doctor's look at an outpost's release, and at the place of its sessions. test/unit/authentik has every release and place.
import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Cluster } from "../../../kubernetes/cluster";
import { isOpen, outpostPod, printed, proxyImage } from "./cluster";
import { counting, deployment, findings, finds, type Stage } from "./doctorScene";

interface Options {
  /** True if our sidecar is there; default true. */
  sidecar?: boolean;
  /** TMPDIR in the running container; undefined if no command can be run there. */
  inside?: string;
}

/** Returns a stage with one outpost, whose container has these fields. */
function outpost(container: Partial<V1Container>, { sidecar = true, inside }: Options = {}): Stage {
  const live = deployment({ sidecar });
  const pod = outpostPod({ name: "main-a", sidecar });
  for (const { containers } of [live.spec!.template.spec!, pod.spec!]) Object.assign(containers[0], container);
  const exec: Cluster["exec"] = (_place, [, flag]) => {
    if (flag === "-s") return Promise.resolve(counting(0));
    return inside === undefined
      ? Promise.reject(new Error("no shell"))
      : Promise.resolve(printed(`TMPDIR=${inside}\n`));
  };
  return { deployments: [live], pods: [pod], exec, ...(!sidecar && { ownObjects: [] }) };
}

const release = (tag: string, options?: Options) => outpost({ image: proxyImage(tag) }, options);
const elsewhere = { image: proxyImage("2026.5.0"), env: [{ name: "TMPDIR", value: "/sessions" }] };

describe("doctor on an outpost's release and sessions", () => {
  const subject = "Deployment/ak-outpost-main";
  const open = `${subject} (forward auth): the outpost is ${proxyImage("2025.10.2")}`;
  const upgrade = "Upgrade authentik to 2025.10.3 or later.";
  const opensToo = `${isOpen.replace("forward", "Forward")}. So making room opens it too.`;
  const ofOldImage = `container proxy keeps its sessions in /tmp, not in /dev/shm: ${proxyImage("2025.4.0")}, from before 2025.4.1, sets no TMPDIR`;
  const inSessions = "container proxy keeps its sessions in /sessions, not in /dev/shm";
  const bySpec = `${subject} (sessions): ${inSessions}: its env sets TMPDIR`;
  const outOfReach = "The cure sweeps /dev/shm alone, so it does not reach them, however empty /dev/shm looks.";
  const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
  const orUpgrade = `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it.`;
  const neither = `${subject} (solution): neither a sidecar nor the CronJob sweeps it`;
  const addIt =
    "Add it to `outposts` and deploy again (`pulumi up --refresh`, or apply what `render` writes). Room at once: npx --no-install outpost-shm cleanup --anonymous --namespace authentik";
  const fills = (visits: string, then: string) =>
    `Its /dev/shm fills with the sessions of ${visits}, and once it is full, ${then}`;

  finds({
    "a release on which forward auth is open": [release("2025.10.2", { inside: "/dev/shm/" }), open, upgrade, opensToo],
    "no lack of a sweep on such a release": [release("2025.10.2", { sidecar: false }), open, upgrade, opensToo],
    "sessions in /tmp, by the image": [
      release("2025.4.0"),
      `${subject} (sessions): ${ofOldImage}`,
      orUpgrade,
      outOfReach,
    ],
    "sessions in /tmp, by the image, where the running container agrees": [
      release("2025.4.0", { inside: "" }),
      `Pod/main-a (sessions): ${ofOldImage}`,
      orUpgrade,
      outOfReach,
    ],
    "sessions elsewhere, by the spec if no command can be run in a pod": [
      outpost(elsewhere),
      bySpec,
      `${inEnv}.`,
      outOfReach,
    ],
    "no lack of a sweep that would not reach them": [
      outpost(elsewhere, { sidecar: false }),
      bySpec,
      `${inEnv}.`,
      outOfReach,
    ],
    "sessions elsewhere, by the running container whatever the spec says": [
      release("2026.5.0", { inside: "/sessions" }),
      `Pod/main-a (sessions): ${inSessions}: TMPDIR in its environment is /sessions`,
      `${inEnv}.`,
      outOfReach,
    ],
    "no sweep of a release that has none of its own": [
      release("2025.6.4", { sidecar: false }),
      neither,
      addIt,
      fills(
        "visitors",
        "a visit goes on to the login page, and a login ends with HTTP 400. It has no sweep of its own.",
      ),
    ],
    "no sweep of a release whose own is not enough": [
      release("2026.8.4", { sidecar: false }),
      neither,
      addIt,
      fills("people who log in", "a visit goes on to the login page, and a login ends with HTTP 500."),
    ],
    "no sweep of a release that nothing tells": [
      release("latest", { sidecar: false }),
      neither,
      addIt,
      fills(
        "visitors",
        "no new session can be saved: depending on the outpost's release, visits or logins fail, or visitors get in without a login (2025.10.0 to 2025.10.2).",
      ),
    ],
  });

  const env = [{ name: "TMPDIR", valueFrom: { configMapKeyRef: { name: "outpost", key: "tmp" } } }];
  const sound: Record<string, Stage> = {
    "a healthy release": release("2025.10.3"),
    "an old one whose running container has its sessions in /dev/shm": release("2024.12.3", { inside: "/dev/shm" }),
    "a place that neither spec nor container tells": outpost({ image: proxyImage("2026.5.0"), env }),
  };
  for (const [what, stage] of Object.entries(sound))
    it(`has nothing to say of ${what}`, async () => assert.deepEqual(await findings(stage), []));
});
