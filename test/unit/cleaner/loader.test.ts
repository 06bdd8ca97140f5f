import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanerScripts } from "../../../cleaner/scripts";
import { changed, coverage, shells } from "../../../sandbox/cleaner/shells";
import { freePort, LoggedProcess, until } from "../../../sandbox/cleaner/sidecarProcess";

const { loader: loaderText, files } = cleanerScripts();
const quickLoader = changed(loaderText, "sleep 10 &", "sleep 1 &");

/** A loop that says its version, and says when it is told to stop. */
const loopNamed = (version: string): string =>
  `trap 'echo stopped=${version}; exit 0' TERM\necho running=${version}\nwhile :; do sleep 1 & wait $!; done\n`;

/** The files of a ConfigMap with this loop in it. */
function scriptsWith(loop: string): Record<string, string> {
  const parts = { "judge.awk": "judge\n", "sidecar.sh": loop, "sweep.sh": "sweep\n" };
  const sum = createHash("sha256").update(Object.values(parts).join("")).digest("hex");
  return { ...parts, sha256: `${sum}\n` };
}

for (const shell of shells) {
  describe(`the loader on ${shell.name}${coverage}`, function () {
    this.timeout(60_000);

    let dir: string;
    let scripts: string;
    let loader: LoggedProcess | undefined;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "loader-"));
      scripts = join(dir, "scripts");
      for (const path of [scripts, join(dir, "run"), join(dir, "shm")]) mkdirSync(path);
    });
    afterEach(async () => {
      await loader?.stop();
      rmSync(dir, { recursive: true });
    });

    function write(content: Record<string, string>): void {
      for (const [name, text] of Object.entries(content)) writeFileSync(join(scripts, name), text);
    }
    const start = (env: Record<string, string> = {}): LoggedProcess => {
      const own = { PATH: shell.path, SCRIPTS_DIR: scripts, METRICS_DIR: join(dir, "run"), ...env };
      return (loader = new LoggedProcess([...shell.command, "-c", quickLoader, "shm-cleanup"], own));
    };
    const log = () => loader?.log ?? "";
    const says = (text: string) => until(`${text} in\n${log()}`, () => log().includes(text));
    const times = (text: string) => log().split(text).length - 1;
    const notLoaded = (running: string) =>
      `event=scripts_not_loaded dir=${scripts} problem="missing or incomplete" running=${running}\n`;

    it("waits for scripts that are missing, says so once, and runs them when they are there", async () => {
      start();
      await says(notLoaded("none"));
      write(scriptsWith(loopNamed("one")));
      await says("running=one\n");
      assert.equal(times("event=scripts_not_loaded"), 1);
    });

    it("starts a changed loop in place of the old one", async () => {
      write(scriptsWith(loopNamed("one")));
      start();
      await says("running=one\n");
      const two = scriptsWith(loopNamed("two"));
      write(two);
      await says("running=two\n");
      assert.match(
        log(),
        new RegExp(`event=scripts_loaded sha256=${two.sha256?.trim()}\\nstopped=one\\nrunning=two\\n`),
      );
    });

    it("runs the old loop on while the new scripts are incomplete or gone, and says so once", async () => {
      const one = scriptsWith(loopNamed("one"));
      write(one);
      start();
      await says("running=one\n");
      const two = scriptsWith(loopNamed("two"));
      write({ ...two, "sidecar.sh": two["sidecar.sh"]?.slice(0, 40) ?? "" });
      await says(notLoaded(one.sha256?.trim() ?? ""));
      assert.equal(times("stopped=one"), 0);
      write(two);
      await says("running=two\n");
      assert.equal(times("event=scripts_not_loaded"), 1);
      rmSync(scripts, { recursive: true });
      await says(notLoaded(two.sha256?.trim() ?? ""));
      assert.equal(times("stopped=two"), 0);
    });

    it("ends with status 1 when the loop ends by itself, so that Kubernetes counts a restart", async () => {
      write(scriptsWith("echo not today\n"));
      const [code] = (await once(start().child, "exit")) as [number];
      assert.equal(code, 1);
      assert.match(log(), /not today\n.* event=loop_ended\n$/s);
    });

    it("stops within a second, with its loop", async () => {
      write(scriptsWith(loopNamed("one")));
      const { stop } = start();
      await says("running=one\n");
      const { code, milliseconds } = await stop();
      assert.ok(milliseconds < 1000, `${milliseconds} ms`);
      assert.equal(code, 0);
      assert.match(log(), /stopped=one\n$/);
    });

    it("runs the real scripts", async () => {
      write(files);
      start({ SHM_DIR: join(dir, "shm"), METRICS_PORT: String(await freePort()) });
      await says(" event=sweep dir=");
      assert.ok(existsSync(join(dir, "run", "metrics.txt")));
    });
  });
}
