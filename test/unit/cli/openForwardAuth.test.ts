import assert from "node:assert/strict";
import {
  printed,
  asking,
  metricsText,
  outpostDeployment,
  outpostPod,
  runOn,
  type Printed,
  type Answers,
} from "./cluster";

const proxy = (tag: string): string => `ghcr.io/goauthentik/proxy:${tag}`;

/** A cluster with a pod of each outpost, by name and tag. It keeps the settings of each sweep. */
function cluster(outposts: Record<string, string>) {
  const pods = Object.entries(outposts).map(([outpost, tag]) => {
    const pod = outpostPod({ name: `${outpost}-a`, outpost, sidecar: false });
    pod.spec!.containers[0].image = proxy(tag);
    return pod;
  });
  const sweeps: string[][] = [];
  const methods: Answers = {
    deployments: Object.keys(outposts).map((outpost) => outpostDeployment(outpost)),
    pods: pods,
    cronJob: undefined,
    podProxy: metricsText(),
    exec: (_place, [, , , ...settings]) => {
      if (settings.includes("COUNT_ONLY=0")) sweeps.push(settings);
      const counts =
        "expired_anonymous=3 expired_authenticated=2 pressure_anonymous=0 pressure_authenticated=0 pressure_debris=0 debris=0";
      const usage =
        "used_before_bytes=20480 used_after_bytes=8192 used_bytes=8192 total_bytes=67108864 inodes=3 errors=0";
      const stdout = `time=x event=sweep ${counts} ${usage}\ntime=x event=count anonymous=3 authenticated=2 debris=0 oldest_age_seconds=9 ${usage}\n`;
      return Promise.resolve(printed(stdout));
    },
  };
  return { methods, sweeps };
}

const isOpen =
  "forward auth is open on 2025.10.0 to 2025.10.2: behind Traefik, Caddy and Envoy, a visit whose session is gone, or that meets a " +
  "full /dev/shm, is answered HTTP 200 without a login";
const main = `Outpost main (${proxy("2025.10.1")}): ${isOpen}.`;
const upgrade = "Upgrade authentik to 2025.10.3 or later";

describe("where forward auth is open", () => {
  describe("status", () => {
    it("says it before the table, of those outposts alone", async () => {
      const { methods } = cluster({ main: "2025.10.1", other: "2025.10.3" });
      const { code, stdout } = await runOn(methods, ["status"]);
      assert.deepEqual([code, ...stdout.split("\n").slice(0, 3)], [0, main, `${upgrade}.`, ""]);
      assert.match(stdout.split("\n")[3], /^POD /);
    });

    it("names all of them once", async () => {
      const { methods } = cluster({ main: "2025.10.1", other: "2025.10.0", third: "2026.5.0" });
      const [first] = (await runOn(methods, ["status"])).stdout.split("\n");
      assert.equal(first, `Outposts main (${proxy("2025.10.1")}), other (${proxy("2025.10.0")}): ${isOpen}.`);
    });

    it("has it in the JSON", async () => {
      const json = async (tag: string) =>
        JSON.parse((await runOn(cluster({ main: tag }).methods, ["status", "-o", "json"])).stdout) as {
          warnings?: string[];
        };
      assert.deepEqual((await json("2025.10.1")).warnings, [`${main} ${upgrade}.`]);
      assert.equal("warnings" in (await json("2025.10.3")), false);
    });
  });

  describe("cleanup", () => {
    const where = "In cluster https://cluster.example (the current context), namespace authentik, pod main-a: ";
    const opening = `${main} Removing sessions opens it too. ${upgrade}`;
    const logouts =
      "Sessions, logins too, older than 5s go: 2 sessions of logged-in people in 1 pod will end, they log in again; 3 sessions of visitors";
    const visitors = "Visitors' sessions older than 5s go: 3 in 1 pod, nobody is logged out";
    async function cleanup(tag: string, args: string[], options: Partial<Printed> = {}) {
      const { methods, sweeps } = cluster({ main: tag });
      const { code, stderr } = await runOn(methods, ["cleanup", ...args], options);
      return { code, stderr, removals: sweeps.filter((settings) => settings.includes("DRY_RUN=0")).length };
    }

    it("says it and asks, though nobody is logged out; y goes on", async () => {
      const { questions, ask } = asking("y");
      assert.deepEqual(await cleanup("2025.10.1", ["--anonymous"], { ask }), { code: 0, stderr: "", removals: 1 });
      assert.deepEqual(questions, [`${where}${opening}. ${visitors}. Go on? [y/N] `]);
    });

    it("asks once about that and about logouts", async () => {
      const { questions, ask } = asking("y");
      await cleanup("2025.10.1", ["--all"], { ask });
      assert.deepEqual(questions, [`${where}${opening}. ${logouts}. Go on? [y/N] `]);
    });

    it("removes nothing without a terminal and --yes", async () => {
      assert.deepEqual(await cleanup("2025.10.1", ["--anonymous"]), {
        code: 2,
        stderr: `error: ${where}${opening}. ${visitors}, and there is no terminal to ask on: nothing was changed; --yes goes on\n`,
        removals: 0,
      });
    });

    for (const [flag, removals] of [
      ["--yes", 1],
      ["--dry-run", 0],
    ] as const) {
      it(`says it and does not ask with ${flag}`, async () => {
        const told = { code: 0, stderr: `${opening}.\n`, removals };
        assert.deepEqual(await cleanup("2025.10.1", ["--anonymous", flag]), told);
      });
    }

    it("says nothing of other releases", async () => {
      for (const tag of ["2025.8.6", "2025.10.3", "2026.8.0", "latest"])
        assert.deepEqual(await cleanup(tag, ["--anonymous", "--yes"]), { code: 0, stderr: "", removals: 1 }, tag);
    });
  });
});
