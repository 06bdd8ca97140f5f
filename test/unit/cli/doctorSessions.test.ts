import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Finding } from "../../../cli/doctor/finding";
import { releases } from "../../../authentik/versions";
import { printed, outpostPod, runOn, type Answers } from "./cluster";
import { counting, deployment, nothingWrong } from "./doctorScene";

const proxy = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;
const tmpdir = (value: string) => [{ name: "TMPDIR", value }];

interface Stage {
  container: Partial<V1Container>;
  /** True if our sidecar is there; default true. */
  sidecar?: boolean;
  /** TMPDIR in the running container; undefined if no command can be run there. */
  inside?: string;
}

/** A cluster with one outpost whose container has these fields. */
function cluster({ container, sidecar = true, inside }: Stage): Answers {
  const live = deployment({ sidecar });
  const pod = outpostPod({ name: "main-a", sidecar });
  for (const { containers } of [live.spec!.template.spec!, pod.spec!]) Object.assign(containers[0], container);
  const asked = printed(`TMPDIR=${inside}\n`);
  return {
    ...nothingWrong,
    deployments: [live],
    pods: (_namespace, selector) => Promise.resolve(selector === undefined ? [pod] : []),
    ...(!sidecar && { ownObjects: [] }),
    exec: (_place, [, flag]) => {
      if (flag === "-s") return Promise.resolve(counting(0));
      return inside === undefined ? Promise.reject(new Error("no shell")) : Promise.resolve(asked);
    },
  };
}

async function findings(stage: Stage): Promise<Finding[]> {
  const { stdout, stderr } = await runOn(cluster(stage), ["doctor", "-o", "json"]);
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
  why:
    "Forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets " +
    "a full /dev/shm, is answered HTTP 200 without a login. So making room opens it too.",
  todo: "Upgrade authentik to 2025.10.3 or later.",
});

const inTmp = (image: string): Finding => ({
  check: "sessions",
  subject,
  seen: `container proxy keeps its sessions in /tmp, not in /dev/shm: ${image}, from before 2025.4.1, sets no TMPDIR`,
  why: outOfReach,
  todo: orUpgrade,
});

/** Tags of each row of the table, with what doctor finds of a healthy outpost of that release, and of one that nothing sweeps. */
const rows: Record<string, { tags: string[]; healthy?: (image: string) => Finding; unswept?: string }> = {
  "before 2025.4.1": { tags: ["2024.12.3", "2025.2.4", "2025.4.0"], healthy: inTmp },
  "2025.4.1 to 2025.6": {
    tags: ["2025.4.1", "2025.6.4"],
    unswept:
      "Its /dev/shm fills with the sessions of visitors, and once it is full, a visit goes on to the login page, and a login ends with HTTP 400. " +
      "It has no sweep of its own.",
  },
  "2025.8": {
    tags: ["2025.8.0", "2025.8.6"],
    unswept:
      "Its /dev/shm fills with the sessions of visitors, and once it is full, a visit goes on to the login page, and a login ends with HTTP 400.",
  },
  "2025.10.0 to 2025.10.2": { tags: ["2025.10.0", "2025.10.1", "2025.10.2"], healthy: openFinding },
  "2025.10.3": {
    tags: ["2025.10.3"],
    unswept:
      "Its /dev/shm fills with the sessions of visitors, and once it is full, a visit gets HTTP 400, and a login can't begin.",
  },
  "2025.10.4 to 2026.5": {
    tags: ["2025.10.4", "2025.12.4", "2026.2.1", "2026.5.0"],
    unswept:
      "Its /dev/shm fills with the sessions of visitors, and once it is full, a visit gets HTTP 400, and a login can't begin.",
  },
  "2026.8 and later": {
    tags: ["2026.8.0", "2026.8.4"],
    unswept:
      "Its /dev/shm fills with the sessions of people who log in, and once it is full, a visit goes on to the login page, and a login ends with HTTP 500.",
  },
  unknown: {
    tags: ["latest", "gh-next"],
    unswept:
      "Its /dev/shm fills with the sessions of visitors, and once it is full, no new session can be saved: depending on the outpost's release, " +
      "visits or logins fail, or visitors get in without a login (2025.10.0 to 2025.10.2).",
  },
};

describe("doctor on an outpost of each release", () => {
  it("has every row of the table", () => {
    assert.deepEqual(
      Object.keys(rows).filter((name) => name !== "unknown"),
      releases.map(({ name }) => name),
    );
  });

  for (const [name, { tags, healthy, unswept }] of Object.entries(rows)) {
    for (const image of tags.map(proxy)) {
      it(`${name}, healthy: ${image}`, async () => {
        const expected = healthy ? [healthy(image)] : [];
        assert.deepEqual(await findings({ container: { image } }), expected);
        // The same if a command in the container reports what the image sets.
        const inside = name === "before 2025.4.1" ? "" : "/dev/shm/";
        const asked = await findings({ container: { image }, inside });
        assert.deepEqual(
          asked.map(({ check, seen, why, todo }) => ({ check, subject, seen, why, todo })),
          expected,
        );
      });

      it(`${name}, unswept: ${image}`, async () => {
        const found = await findings({ container: { image }, sidecar: false });
        const expected: [string, string] = unswept
          ? ["solution", unswept]
          : [healthy!(image).check, healthy!(image).why];
        assert.deepEqual(
          found.map(({ check, why }) => [check, why]),
          [expected],
        );
      });
    }
  }
});

describe("doctor on sessions that are elsewhere", () => {
  const image = proxy("2026.5.0");

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
    assert.deepEqual(await findings({ container: { image: proxy("2024.12.3") }, inside: "/dev/shm" }), []);
  });

  it("does not advise a sweep that would not reach them", async () => {
    const found = await findings({ container: { image, env: tmpdir("/sessions") }, sidecar: false });
    assert.deepEqual(
      found.map(({ check }) => check),
      ["sessions"],
    );
  });
});
