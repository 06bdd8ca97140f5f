// Run by processes.test.ts: starts two children, one of which has a child of its own, prints their ids,
// and then throws if the argument says so, or waits for a signal.
import { join } from "node:path";
import { Processes } from "../../../../sandbox/processes";

const [dir, ending] = process.argv.slice(2);

async function main(): Promise<void> {
  const processes = new Processes();
  const start = (name: string, script: string) =>
    processes.start({ name, command: "sh", args: ["-c", script], cwd: dir, logFile: join(dir, `${name}.log`) });
  const children = [await start("first", "exec sleep 600"), await start("second", "sleep 600 & wait")];
  console.log(JSON.stringify(children.map(({ pid }) => pid)));
  if (ending === "throw") throw new Error("nobody caught me");
  setInterval(() => {}, 60_000);
}

void main();
