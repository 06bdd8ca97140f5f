// Which outposts no solution helps. test/e2e/cluster/sessions.test.ts has the whole texts, test/unit/authentik the releases and places.
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
