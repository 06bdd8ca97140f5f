// `outpost-shm doctor` on a real API server. Nothing runs in the pods here: test/e2e/node has the findings from logs and crashes.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { editOperations, pastedPatch } from "../../../sandbox/authentik/adminUi";
import { waitForRollout } from "./kubectl";
import { outpostShm } from "./outpostShm";
import { closeScenarios, openScenario, type Scenario } from "./scenario";

interface Found {
  check: string;
  subject: string;
  seen: string;
}

describe("doctor", () => {
  after(closeScenarios);

  /** @param onObserving is called after the first look, while doctor goes on observing */
  async function doctor(scenario: Scenario, args: string[] = [], onObserving: () => void = () => undefined) {
    const { code, stdout } = await outpostShm(scenario, ["doctor", "-o", "json", ...args], { err: onObserving });
    const { findings, unchecked } = JSON.parse(stdout) as { findings: Found[]; unchecked: { what: string }[] };
    const brief = findings.map(({ check, subject, seen }) => ({ check, subject, seen }));
    return { code, findings: brief, unchecked: unchecked.map(({ what }) => what) };
  }

  describe("on what the program deployed", () => {
    let scenario: Scenario;
    before(async () => {
      scenario = await openScenario({ name: "doctor", config: { solution: "both" } });
      await scenario.stack.up();
      await waitForRollout(scenario, "main");
    });

    it("finds nothing", async () => {
      const { code, findings, unchecked } = await doctor(scenario);
      assert.deepEqual([code, findings], [0, []]);
      assert.deepEqual(
        // kwok's pods run nothing to exec in, and have no log.
        unchecked.filter((what) => !["logs of sidecars", "machine clients"].includes(what)),
        // The sandbox's API server is built without its version.
        ["authentik's config", "authentik's log", "the cluster's version"],
      );
    });

    it("finds what is left when the CronJob was deleted by hand", async () => {
      const { batch, namespace } = scenario;
      const name = "authentik-outpost-shm-cleanup";
      await batch.deleteNamespacedCronJob({ namespace, name });
      const { code, findings } = await doctor(scenario);
      assert.equal(code, 1);
      assert.deepEqual(
        findings.map(({ subject, seen }) => `${subject}: ${seen}`).sort(),
        ["Role", "RoleBinding", "ServiceAccount"].map((kind) => `${kind}/${name}: there is no CronJob that uses it`),
      );
    });
  });

  describe("on a patch that was pasted into authentik", () => {
    let scenario: Scenario;
    before(async () => {
      scenario = await openScenario({ name: "doctor-pasted", authentik: true });
      await editOperations(scenario.authentik, "main", () => pastedPatch());
      await waitForRollout(scenario, "main");
    });

    const leftover = "volume dshm, mount /dev/shm of container proxy, container shm-cleanup: owned by goauthentik.io";

    it("finds who owns /dev/shm, and that authentik writes at every look", async () => {
      const { code, findings } = await doctor(scenario);
      assert.equal(code, 1);
      const subject = "Deployment/ak-outpost-main";
      assert.deepEqual(findings, [
        { check: "leftovers", subject, seen: leftover },
        {
          check: "writes",
          subject,
          seen: "authentik has put container shm-cleanup beside proxy, as an old JSON patch by `containers/-` does",
        },
      ]);
      const { patched } = scenario.authentik.writes;
      for (let n = 0; n < 3; n++) await scenario.authentik.reconcile("main");
      assert.equal(scenario.authentik.writes.patched, patched + 3);
    });

    it("finds them still there after the patch is taken out", async () => {
      await editOperations(scenario.authentik, "main", () => null);
      const { findings } = await doctor(scenario);
      assert.deepEqual(
        findings.map(({ check }) => check),
        ["leftovers", "writes"],
      );
    });

    it("sees with --observe that authentik changes the Deployment", async () => {
      const more = async () => {
        // managedFields have whole seconds: of two writes within one, nothing shows that authentik made the second too.
        await pause(1_005 - (Date.now() % 1_000));
        await scenario.authentik.edit("main", (config) => ({ ...config, kubernetes_replicas: 2 }));
      };
      const { findings } = await doctor(scenario, ["--observe", "4s"], () => void more());
      const [seen] = findings.flatMap(({ seen }) => (seen.startsWith("while it was observed") ? [seen] : []));
      assert.match(
        seen,
        /^while it was observed \(generation \d+ to \d+\): goauthentik\.io \(Update\) at \S+Z: spec\.replicas$/,
      );
    });
  });
});
