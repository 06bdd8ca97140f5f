// The commands that the runbooks have anyone run in the sidecar. If one of them takes the memory of 32 MiB that the container has,
// Kubernetes kills not only the command.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coverage, programPath, run, shells } from "../../../sandbox/cleaner/shells";
import { mountTmpfs, type Tmpfs } from "../../../sandbox/cleaner/tmpfs";
import { repositoryRoot } from "../../../sandbox/paths";
import { goName } from "../../../sandbox/sessionFormats";

const folder = join(repositoryRoot, "docs", "runbooks");
const inSidecar = /kubectl -n authentik exec POD -c shm-cleanup -- ([^`\n]*\/dev\/shm[^`\n]*)/g;
const commands = readdirSync(folder).flatMap((runbook) =>
  [...readFileSync(join(folder, runbook), "utf8").matchAll(inSidecar)].map(([, command = ""]) => command),
);

for (const shell of shells)
  describe(`the runbooks' commands in the sidecar on ${shell.name}${coverage}`, function () {
    this.timeout(120_000);

    let tmpfs: Tmpfs;
    before(async () => {
      tmpfs = await mountTmpfs({ size: "16m" });
      tmpfs.enter("mkdir shm; cd shm; seq -f session_%052.0f 50000 | xargs touch");
      writeFileSync(join(tmpfs.dir, "shm", goName(1)), "x".repeat(5000));
    });
    after(() => tmpfs.unmount());

    it("are there", () => assert.equal(commands.length, 3));

    for (const command of commands)
      it(`takes little memory for 50,000 files: ${command}`, async () => {
        writeFileSync(join(tmpfs.dir, "shm", "core"), "x");
        // GNU find holds up to 100,000 names, but never more.
        const limited = shell.name.startsWith("busybox");
        const as = limited ? [programPath("prlimit"), `--as=${12 << 20}:`, "--"] : [];
        const text = command.replace("/dev/shm", join(tmpfs.dir, "shm"));
        const { status, stdout, stderr } = await run(shell, text, { as });
        assert.deepEqual([status, stderr], [0, ""]);
        assert.match(stdout, / (?:\S*\/)?(?:session_\S+|core)\n/);
        assert.ok(stdout.split("\n").length < 25);
      });
  });
