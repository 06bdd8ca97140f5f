// `outpost-shm cleanup` on real pods: a full /dev/shm without a sweep, one with the sidecar, one without a shell.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { SHELL_LESS_IMAGE } from "../../../sandbox/node/podNode";
import { visit } from "../../../sandbox/node/visits";
import { outpostShm, outpostShmOnTerminal, rowsOf, signalled } from "./outpostShm";
import { closeScenario, openScenario, type Scenario } from "./scenario";

const logins = 20;
/** Younger sessions always stay. */
const untilOldMs = 6_000;
/** Number of pages in the 64 MiB that every container has. */
const pages = 16_384;

describe("cleanup", function () {
  this.timeout(300_000);
  let scenario: Scenario;
  const pods = { bare: "", swept: "", "shell-less": "" };

  before(async () => {
    const outposts = [{ name: "bare" }, { name: "swept" }, { name: "shell-less", image: SHELL_LESS_IMAGE }];
    scenario = await openScenario({ name: "cleanup", outposts, config: { outposts: ["swept"] } });
    await scenario.stack.up();
    await scenario.rollout("swept");
    for (const outpost of ["bare", "swept", "shell-less"] as const) pods[outpost] = await scenario.pod(outpost);
    await visit(scenario, pods.bare, { logins });
    await visit(scenario, pods.swept, { logins, rate: 100, seconds: 1 });
    const full = await visit(scenario, pods.bare, { known: true, rate: 2000, seconds: 12 });
    assert.ok(
      full.seconds.some(({ status }) => status["400"] > 0),
      "/dev/shm is not full",
    );
    await pause(untilOldMs);
  });
  after(() => closeScenario(scenario));

  const used = async (outpost: "bare" | "swept") => (await scenario.shm(pods[outpost])).used / 4;
  const alive = async (outpost: "bare" | "swept") => (await visit(scenario, pods[outpost], { known: true })).ending;

  it("says in a dry run what would go from a full one, and removes nothing", async () => {
    assert.equal(await used("bare"), pages);
    const { status, stdout, stderr } = await outpostShm(scenario, "cleanup", "bare", "--all", "--dry-run");
    assert.deepEqual([status, stderr], [0, ""]);
    const { rows, below } = rowsOf(stdout);
    assert.deepEqual(rows[pods.bare], [
      ...[pods.bare, "proxy", "64Mi 100%", String(pages - logins), String(logins), "0", "0"],
    ]);
    assert.deepEqual(below, [`${pages} files of 1 pod would go. Nothing was removed.`]);
    assert.equal(await used("bare"), pages);
  });

  it("refuses to end sessions without a terminal to ask on", async () => {
    const { status, stdout, stderr } = await outpostShm(scenario, "cleanup", "bare", "--all");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(
      stderr,
      new RegExp(
        `${logins} sessions of logged-in people in 1 pod will end[^]*no terminal to ask on: nothing was changed`,
      ),
    );
    assert.equal(await used("bare"), pages);
  });

  it("removes the visitors of a full one, keeps the logins, goes on past a pod without a shell, and exits 1 for that", async () => {
    const { status, stdout, stderr } = await outpostShm(
      scenario,
      "cleanup",
      "bare",
      "shell-less",
      "--anonymous",
      "--yes",
    );
    assert.deepEqual([status, stderr], [1, ""]);
    const { rows, below } = rowsOf(stdout);
    assert.deepEqual(rows[pods.bare].slice(1, 5), ["proxy", "64Mi 100%", `${logins * 4}Ki 0%`, "63.9Mi"]);
    // A visit that found no space left an empty file, not old enough to be debris.
    assert.deepEqual(rows[pods.bare].slice(5), [String(pages - logins), "0", "0", "0"]);
    assert.deepEqual(below, [
      `${pods["shell-less"]}: container proxy has no shell, so nothing can sweep there. kubectl --namespace node-cleanup delete pod ` +
        `${pods["shell-less"]} empties its /dev/shm (its users log in again)`,
      `${pages - logins} files of 1 pod removed, 63.9Mi freed. 1 pod could not be swept.`,
    ]);
    assert.equal(await used("bare"), logins);
    assert.deepEqual(await alive("bare"), { logins, alive: logins });
  });

  it("asks on a terminal, in the sidecar, and ends every session after a y", async () => {
    const before = await used("swept");
    const visitors = before - logins;
    const { status, stdout: said } = await outpostShmOnTerminal(scenario, "y", "cleanup", "swept", "--all");
    assert.equal(status, 0, said);
    assert.match(
      said,
      new RegExp(
        `Sessions, logins too, older than 5s go: ${logins} sessions of logged-in people in 1 pod will end, they log in again; ` +
          `${visitors} sessions of visitors\\. Go on\\? \\[y/N\\] `,
      ),
    );
    assert.match(
      said,
      new RegExp(
        `${pods.swept} +shm-cleanup +${before * 4}Ki 0% +0 0% +${before * 4}Ki +${visitors} +${logins} +0 +0\r\n`,
      ),
    );
    assert.equal(await used("swept"), 0);
    assert.deepEqual(await alive("swept"), { logins: 0, alive: 0 });
  });

  describe("in the middle of its work", () => {
    /** Enough for a sweep that takes a moment. */
    const flood = { known: true, rate: 2000, seconds: 6 };
    /** Has the next sweep in the pod stand still, from within, as nobody outside is fast enough: it stops the parent of its watcher. */
    const held =
      'until [ -n "$held" ]; do for process in /proc/[0-9]*; do ' +
      'if grep -qs "AGES_[O]NLY" $process/cmdline && [ "$(readlink $process/fd/1)" = /dev/null ]; then ' +
      "read -r _ _ _ parent _ <$process/stat && kill -STOP $parent && held=1; fi; done; done";
    const processes = () => scenario.exec(pods.bare, "proxy", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    beforeEach(async () => {
      await visit(scenario, pods.bare, flood);
      await pause(untilOldMs);
    });

    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      it(`leaves nothing running in the pod after ${signal}, and a second run goes on`, async () => {
        const isHeld = () => scenario.exec(pods.bare, "proxy", "timeout", "60", "sh", "-c", held);
        const { status, stdout, stderr } = await signalled(
          scenario,
          ["cleanup", "bare", "shell-less", "--anonymous", "--yes"],
          isHeld,
          signal,
        );
        if (signal === "SIGINT") {
          assert.deepEqual([status, stderr], [1, "Interrupted. The same command goes on with what is left.\n"]);
          assert.match(
            stdout,
            /^ak-outpost-bare-\S+: exec in .*: interrupted\. A part of what was to go may be gone$/m,
          );
        }
        await scenario.until(
          "the sweep to be gone from the pod",
          async () => !/AGES_ONLY|mode=/.test(await processes()) || undefined,
        );
        const again = await outpostShm(scenario, "cleanup", "bare", "--anonymous", "--yes");
        assert.equal(again.status, 0, again.stdout);
        assert.deepEqual(await alive("bare"), { logins, alive: logins });
        assert.equal(await used("bare"), logins);
      });
    }
  });
});
