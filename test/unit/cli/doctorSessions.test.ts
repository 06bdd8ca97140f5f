import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Finding } from "../../../cli/doctor/finding";
import { releases } from "../../../authentik/releases";
import type { Cluster } from "../../../kubernetes/cluster";
import { isOpen, outpostPod, printed, proxyImage } from "./cluster";
import { counting, deployment, doctor } from "./doctorScene";

const tmpdir = (value: string) => [{ name: "TMPDIR", value }];

interface Stage {
  container: Partial<V1Container>;
  /** True if our sidecar is there; default true. */
  sidecar?: boolean;
  /** TMPDIR in the running container; undefined if no command can be run there. */
  inside?: string;
}

/** Returns doctor's findings where there is one outpost, whose container has these fields. */
async function findings({ container, sidecar = true, inside }: Stage): Promise<Finding[]> {
  const live = deployment({ sidecar });
  const pod = outpostPod({ name: "main-a", sidecar });
  for (const { containers } of [live.spec!.template.spec!, pod.spec!]) Object.assign(containers[0], container);
  const exec: Cluster["exec"] = (_place, [, flag]) => {
    if (flag === "-s") return Promise.resolve(counting(0));
    return inside === undefined
      ? Promise.reject(new Error("no shell"))
      : Promise.resolve(printed(`TMPDIR=${inside}\n`));
  };
  const stage = { deployments: [live], pods: [pod], exec, ...(!sidecar && { ownObjects: [] }) };
  const { stdout, stderr } = await doctor(stage, ["-o", "json"]);
  assert.equal(stderr, "");
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

const subject = "Deployment/ak-outpost-main";
const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
const orUpgrade = `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it.`;
const outOfReach = "The cure sweeps /dev/shm alone, so it does not reach them, however empty /dev/shm looks.";

const openFinding = (image: string): Finding => ({
  check: "forward auth",
  subject,
  seen: `the outpost is ${image}`,
  why: `${isOpen.replace("forward", "Forward")}. So making room opens it too.`,
  todo: "Upgrade authentik to 2025.10.3 or later.",
});

const inTmp = (image: string): Finding => ({
  check: "sessions",
  subject,
  seen: `container proxy keeps its sessions in /tmp, not in /dev/shm: ${image}, from before 2025.4.1, sets no TMPDIR`,
  why: outOfReach,
  todo: orUpgrade,
});

const fills = (visits: string, then: string) =>
  `Its /dev/shm fills with the sessions of ${visits}, and once it is full, ${then}`;
const loginFails = "a visit goes on to the login page, and a login ends with HTTP";
/** A release of each row of the table, with what doctor finds of a healthy outpost, and why of one that nothing sweeps. */
const rows: Record<string, { tag: string; healthy?: (image: string) => Finding; unswept?: string }> = {
  "before 2025.4.1": { tag: "2025.4.0", healthy: inTmp },
  "2025.4.1 to 2025.6": {
    tag: "2025.6.4",
    unswept: fills("visitors", `${loginFails} 400. It has no sweep of its own.`),
  },
  "2025.8": { tag: "2025.8.6", unswept: fills("visitors", `${loginFails} 400.`) },
  "2025.10.0 to 2025.10.2": { tag: "2025.10.2", healthy: openFinding },
  "2025.10.3": { tag: "2025.10.3", unswept: fills("visitors", "a visit gets HTTP 400, and a login can't begin.") },
  "2025.10.4 to 2026.5": {
    tag: "2026.5.0",
    unswept: fills("visitors", "a visit gets HTTP 400, and a login can't begin."),
  },
  "2026.8 and later": { tag: "2026.8.4", unswept: fills("people who log in", `${loginFails} 500.`) },
  unknown: {
    tag: "latest",
    unswept: fills(
      "visitors",
      "no new session can be saved: depending on the outpost's release, visits or logins fail, or visitors get in without a login " +
        "(2025.10.0 to 2025.10.2).",
    ),
  },
};

describe("doctor on an outpost of each release", () => {
  it("has every row of the table", () => {
    const names = releases.map(({ name }) => name);
    assert.deepEqual(Object.keys(rows), [...names, "unknown"]);
  });

  for (const [name, { tag, healthy, unswept }] of Object.entries(rows)) {
    const image = proxyImage(tag);

    it(`finds what a healthy one suffers from, by the spec and by the running container: ${name}`, async () => {
      const expected = healthy ? [healthy(image)] : [];
      assert.deepEqual(await findings({ container: { image } }), expected);
      const inside = name === "before 2025.4.1" ? "" : "/dev/shm/";
      const asked = await findings({ container: { image }, inside });
      const ofDeployment = asked.map((found) => ({ ...found, subject }));
      assert.deepEqual(ofDeployment, expected);
    });

    it(`says why one has to be swept, or that no sweep would do: ${name}`, async () => {
      const [{ check, why }, ...more] = await findings({ container: { image }, sidecar: false });
      const expected = unswept ? ["solution", unswept] : [healthy!(image).check, healthy!(image).why];
      assert.deepEqual([check, why, ...more], expected);
    });
  }
});

describe("doctor on sessions that are elsewhere", () => {
  const image = proxyImage("2026.5.0");

  it("goes by the spec if no command can be run in a pod", async () => {
    assert.deepEqual(await findings({ container: { image, env: tmpdir("/sessions") } }), [
      {
        check: "sessions",
        subject,
        seen: "container proxy keeps its sessions in /sessions, not in /dev/shm: its env sets TMPDIR",
        why: outOfReach,
        todo: `${inEnv}.`,
      },
    ]);
  });

  it("finds nothing if neither spec nor container tells", async () => {
    const env = [{ name: "TMPDIR", valueFrom: { configMapKeyRef: { name: "outpost", key: "tmp" } } }];
    assert.deepEqual(await findings({ container: { image, env } }), []);
  });

  it("goes by the running container if one can, whatever the spec says", async () => {
    assert.deepEqual(await findings({ container: { image }, inside: "/sessions" }), [
      {
        check: "sessions",
        subject: "Pod/main-a",
        seen: "container proxy keeps its sessions in /sessions, not in /dev/shm: TMPDIR in its environment is /sessions",
        why: outOfReach,
        todo: `${inEnv}.`,
      },
    ]);
    assert.deepEqual(await findings({ container: { image: proxyImage("2024.12.3") }, inside: "/dev/shm" }), []);
  });

  it("does not advise a sweep that would not reach them", async () => {
    const found = await findings({ container: { image, env: tmpdir("/sessions") }, sidecar: false });
    const checks = found.map(({ check }) => check);
    assert.deepEqual(checks, ["sessions"]);
  });
});
