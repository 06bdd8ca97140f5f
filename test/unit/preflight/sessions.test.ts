// Outposts that no solution helps. test/unit/authentik has the releases and places.
import assert from "node:assert/strict";
import type { V1Container } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { Findings } from "../../../preflight/findings";
import { outpostSettings } from "../outposts";
import { clusterWith, inspect, liveDeployment } from "./scene";

const deployment = "ak-outpost-my-outpost";
const proxy = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;

/** Inspects an outpost whose container has these fields, of which an apply would change nothing. */
function look(fields: Partial<V1Container>, settings: Parameters<typeof outpostSettings>[0] = {}): Promise<Findings> {
  const live = liveDeployment(deployment);
  Object.assign(live.spec!.template.spec!.containers[0], fields);
  return inspect(clusterWith([live]), [outpostSettings(settings)]);
}

describe("inspection of the outposts' sessions", () => {
  const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
  const leave = "To leave them there, set the outpost's `solution` to none.";
  const elsewhere = `outpost "My Outpost": in Deployment ${deployment}, container proxy keeps its sessions in`;
  const refused: [why: string, fields: Partial<V1Container>, problem: string][] = [
    [
      "forward auth is open",
      { image: proxy("2025.10.1") },
      `outpost "My Outpost": Deployment ${deployment} runs ${proxy("2025.10.1")}, and forward auth is open on 2025.10.0 to 2025.10.2: ` +
        "behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets a full /dev/shm, is answered HTTP 200 " +
        "without a login. So making room opens it too. Upgrade authentik to 2025.10.3 or later. To go on without this outpost, " +
        "set its `solution` to none.",
    ],
    [
      "the image sets no TMPDIR",
      { image: proxy("2024.12.3") },
      `${elsewhere} /tmp, not in /dev/shm: ${proxy("2024.12.3")}, from before 2025.4.1, sets no TMPDIR. ` +
        `No solution reaches them there. ${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it. ${leave}`,
    ],
    [
      "TMPDIR is another folder",
      { env: [{ name: "TMPDIR", value: "/sessions" }] },
      `${elsewhere} /sessions, not in /dev/shm: its env sets TMPDIR. No solution reaches them there. ${inEnv}. ${leave}`,
    ],
  ];
  for (const [why, fields, problem] of refused) {
    it(`refuses one where ${why}`, async () => {
      assert.deepEqual(await look(fields), { problems: [problem], warnings: [] });
    });
  }

  it("takes one that was upgraded, or whose TMPDIR is /dev/shm", async () => {
    const env = [{ name: "TMPDIR", value: "/dev/shm" }];
    for (const fields of [
      { image: proxy("2025.10.3") },
      { image: proxy("2025.4.1") },
      { image: proxy("2024.12.3"), env },
    ])
      assert.deepEqual(await look(fields), { problems: [], warnings: [] }, JSON.stringify(fields));
  });

  it("refuses both of an outpost that has both, whatever its solution", async () => {
    const env = [{ name: "TMPDIR", value: "/sessions" }];
    for (const solution of ["sidecar", "cronjob", "both"]) {
      const { problems, warnings } = await look({ image: proxy("2025.10.1"), env }, { solution });
      const about = problems.map((text) => /forward auth|\/sessions/.exec(text)?.[0]);
      assert.deepEqual([about, warnings], [["forward auth", "/sessions"], []], solution);
    }
  });

  it("warns if the spec does not tell where they are", async () => {
    const env = [{ name: "TMPDIR", valueFrom: { configMapKeyRef: { name: "outpost", key: "tmp" } } }];
    assert.deepEqual(await look({ env }), {
      problems: [],
      warnings: [
        `outpost "My Outpost": the place of its sessions is not known, because in Deployment ${deployment}, container proxy, ` +
          "its TMPDIR comes from ConfigMap outpost. This cure reaches only sessions in /dev/shm. To read it in the pods: outpost-shm verify.",
      ],
    });
  });

  it("refuses nothing that has no solution, and warns of open forward auth all the same", async () => {
    const none = { solution: "none" };
    assert.deepEqual(await look({ image: proxy("2024.12.3") }, none), { problems: [], warnings: [] });
    assert.deepEqual(await look({ image: proxy("2025.10.1") }, none), {
      problems: [],
      warnings: [
        `outpost "My Outpost": Deployment ${deployment} runs ${proxy("2025.10.1")}, and forward auth is open on 2025.10.0 to 2025.10.2: ` +
          "behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets a full /dev/shm, is answered HTTP 200 " +
          "without a login. So a restart of its pods opens it too. Upgrade authentik to 2025.10.3 or later.",
      ],
    });
  });

  it("looks at the container that the settings name", async () => {
    const { problems } = await look(
      { name: "authentik-proxy", image: proxy("2024.12.3") },
      { container: "authentik-proxy" },
    );
    assert.match(
      problems.join(),
      /^outpost "My Outpost": in Deployment \S+, container authentik-proxy keeps its sessions in \/tmp/,
    );
  });
});
