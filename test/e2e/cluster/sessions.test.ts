// Outposts whose sessions no solution reaches, or whose release would let visitors in, on a real API server.
import assert from "node:assert/strict";
import { failure } from "./harness";
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
  const inNamespace = async () => Object.keys(await scenario.objects());
  const setContainer = (outpost: string, fields: object) =>
    patchPodSpec(scenario, outpost, "goauthentik.io", { containers: [{ name: "proxy", ...fields }] });

  async function command(...args: string[]) {
    const { code, stdout } = await outpostShm(scenario, [...args, "-o", "json"]);
    return { code, said: JSON.parse(stdout) as Record<string, { check: string; subject: string; passed?: boolean }[]> };
  }

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

  for (const solution of ["sidecar", "cronjob", "both"]) {
    it(`${solution}: refuses them all in one error, and changes nothing`, async () => {
      await scenario.configure({ solution });
      const before = await inNamespace();
      const [, list] = (await failure(scenario.stack.up())).split("The cluster is not as the settings need it:\n");
      assert.deepEqual(list.split("\n").slice(0, 3), [
        `  - outpost "open": Deployment ak-outpost-open runs ${proxy("2025.10.1")}, and ${isOpen}. So making room opens it too. ` +
          "Upgrade authentik to 2025.10.3 or later. To go on without this outpost, set its `solution` to none.",
        `  - outpost "old": in Deployment ak-outpost-old, container proxy keeps its sessions in /tmp, not in /dev/shm: ` +
          `${proxy("2024.12.3")}, from before 2025.4.1, sets no TMPDIR. No solution reaches them there. ` +
          `${inEnv}, or upgrade authentik: from 2025.4.1 on the image sets it. ${leave}`,
        `  - outpost "moved": in Deployment ak-outpost-moved, container proxy keeps its sessions in /sessions, not in /dev/shm: ` +
          `its env sets TMPDIR. No solution reaches them there. ${inEnv}. ${leave}`,
      ]);
      assert.deepEqual(await inNamespace(), before);
    });
  }

  it("lets them be with `solution: none`", async () => {
    await scenario.configure({ solution: "none" });
    await scenario.stack.up();
  });

  it("is what doctor says first, and verify fails", async () => {
    const doctor = await command("doctor");
    assert.equal(doctor.code, 1);
    assert.deepEqual(
      doctor.said.findings.map(({ check, subject }) => `${check}: ${subject}`),
      [
        "forward auth: Deployment/ak-outpost-open",
        "sessions: Deployment/ak-outpost-moved",
        "sessions: Deployment/ak-outpost-old",
      ],
    );
    const verify = await command("verify", "--solution", "sidecar");
    assert.equal(verify.code, 1);
    assert.deepEqual(
      verify.said.checks.filter(({ check }) => check === "sessions").map(({ subject, passed }) => [subject, passed]),
      [
        ["moved", false],
        ["old", false],
        ["open", false],
      ],
    );
    const status = await command("status");
    assert.deepEqual(
      [status.code, status.said.warnings],
      [0, [`Outpost open (${proxy("2025.10.1")}): ${isOpen}. Upgrade authentik to 2025.10.3 or later.`]],
    );
  });

  it("is over once authentik is upgraded, and TMPDIR is /dev/shm", async () => {
    await setContainer("open", { image: proxy("2025.10.3") });
    await setContainer("old", { image: proxy("2025.4.1") });
    await setContainer("moved", { env: [{ name: "TMPDIR", value: "/dev/shm" }] });
    await scenario.configure({ solution: "sidecar" });
    await scenario.stack.up();
    for (const outpost of outposts) await waitForRollout(scenario, outpost);
    assert.deepEqual((await command("doctor")).said.findings, []);
    await scenario.stack.destroy();
  });
});
