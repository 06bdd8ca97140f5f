// The machine of a node with control groups of cgroup v2, in a mount namespace that has them, whatever this machine has. Only
// the controllers that v1 has not taken are there, so no kubelet runs here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../../sandbox/paths";
import { Processes, type RunningProcess } from "../../../sandbox/processes";
import { createStateFolder } from "../../../sandbox/stateFolder";
import { waitUntil } from "../../../sandbox/waitUntil";

const withVersion2 = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"';
const inVersion2 = (...command: string[]) => ["--mount", "sh", "-c", withVersion2, "sh", ...command];

describe("a machine within this one, on cgroup v2", function () {
  this.timeout(30_000);
  const processes = new Processes();
  const script = join(repositoryRoot, "sandbox", "node", "machine.sh");
  const hasGroup = (name: string) =>
    execFileSync("unshare", inVersion2("ls", "/sys/fs/cgroup"), { encoding: "utf8" }).split("\n").includes(name);

  after(() => processes.stop());

  const endings: { how: string; end: (machine: RunningProcess) => unknown }[] = [
    { how: "stopped", end: (machine) => machine.stop() },
    { how: "killed outright with its whole process group", end: ({ pid }) => process.kill(-pid, "SIGKILL") },
  ];
  for (const [index, { how, end }] of endings.entries()) {
    it(`has one control group with all controllers that there are, which is gone once it is ${how}`, async () => {
      const dir = createStateFolder("machine");
      const name = `shm-test-${process.pid}-${index}`;
      const args = inVersion2("sh", script, dir, name);
      const logFile = join(dir, "machine.log");
      const machine = await processes.start({ name: "machine", command: "unshare", args, cwd: dir, logFile });
      const first = await waitUntil(() => Promise.resolve(readFileSync(join(dir, "machine.pid"), "utf8").trim()), {
        what: "the machine",
        timeoutMs: 10_000,
        signal: processes.death,
      });
      const group = `/proc/${first}/root/sys/fs/cgroup/${name}`;
      const [there, passedOn] = ["cgroup.controllers", "cgroup.subtree_control"].map((file) =>
        readFileSync(join(group, file), "utf8"),
      );
      assert.equal(passedOn, there);
      assert.ok(hasGroup(name));

      await end(machine);
      const isGone = () => Promise.resolve(hasGroup(name) || existsSync(`/proc/${first}`) ? undefined : true);
      await waitUntil(isGone, { what: "the control group to be gone", timeoutMs: 10_000 });
    });
  }
});
