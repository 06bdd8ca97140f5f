// Outposts whose sessions no solution reaches, or whose release would let visitors in, on a real API server.
import assert from "node:assert/strict";
import { refusal } from "./harness";
import { patchPodSpec, waitForRollout } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

const proxy = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;
const inEnv = "Set TMPDIR to /dev/shm in its env (kubernetes_json_patches of the outpost, or its manifest)";
const leave = "To leave them there, set the outpost's `solution` to none.";
const isOpen =
  "forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets a " +
  "full /dev/shm, is answered HTTP 200 without a login";

describe("outposts whose release or TMPDIR no solution fits", () => {
  let scenario: Scenario;
  const outposts = ["open", "old", "moved"];
  const setContainer = (outpost: string, fields: object) =>
    patchPodSpec(scenario, outpost, "goauthentik.io", { containers: [{ name: "proxy", ...fields }] });

  before(async () => {
    scenario = await openScenario({
      name: "sessions",
      outposts: [
        { name: "open", image: proxy("2025.10.1") },
        { name: "old", image: proxy("2024.12.3") },
        { name: "moved" },
      ],
    });
    await setContainer("moved", { env: [{ name: "TMPDIR", value: "/sessions" }] });
    await waitForRollout(scenario, "moved");
  });
  after(closeScenarios);

  /** Returns the checks of doctor that are about their releases and TMPDIRs. */
  const findings = async (): Promise<string[]> => {
    const { stdout } = await outpostShm(scenario, ["doctor", "-o", "json"]);
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] };
    return findings.map(({ check }) => check).filter((check) => ["forward auth", "sessions"].includes(check));
  };

  it("are refused in one error, whatever their solution, and nothing changes", async () => {
    await scenario.configure({
      outposts: [
        { name: "open", solution: "sidecar" },
        { name: "old", solution: "cronjob" },
        { name: "moved", solution: "both" },
      ],
    });
    const [, ...list] = (await refusal(scenario)).split("\n");
    assert.deepEqual(list.slice(0, 3), [
      `  - outpost "open": Deployment ak-outpost-open runs ${proxy("2025.10.1")}, and ${isOpen}. So making room opens it too. ` +
        "Upgrade authentik to 2025.10.3 or later. To go on without this outpost, set its `solution` to none.",
      `  - outpost "old": in Deployment ak-outpost-old, container proxy keeps its sessions in /tmp, not in /dev/shm: ` +
        `${proxy("2024.12.3")}, from before 2025.4.1, sets no TMPDIR. No solution reaches them there. ` +
        `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it. ${leave}`,
      `  - outpost "moved": in Deployment ak-outpost-moved, container proxy keeps its sessions in /sessions, not in /dev/shm: ` +
        `its env sets TMPDIR. No solution reaches them there. ${inEnv}. ${leave}`,
    ]);
  });

  it("are let be with `solution: none`", async () => {
    await scenario.configure({ solution: "none" });
    await scenario.stack.up();
    assert.deepEqual(await findings(), ["forward auth", "sessions", "sessions"]);
  });

  it("are cured once authentik is upgraded, and TMPDIR is /dev/shm", async () => {
    await setContainer("open", { image: proxy("2025.10.3") });
    await setContainer("old", { image: proxy("2025.4.1") });
    await setContainer("moved", { env: [{ name: "TMPDIR", value: "/dev/shm" }] });
    await scenario.configure({ solution: "sidecar" });
    await scenario.stack.up();
    for (const outpost of outposts) await waitForRollout(scenario, outpost);
    assert.deepEqual(await findings(), []);
  });
});
