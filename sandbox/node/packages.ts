// Requirements of a node on its host: root, and programs from Debian packages.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Progress } from "../progress";

/** Packages, each with a file of it that we use. */
const PACKAGES: Record<string, string> = {
  containerd: "/usr/bin/containerd",
  runc: "/usr/sbin/runc",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  "busybox-static": "/bin/busybox",
  iptables: "/usr/sbin/iptables",
  iproute2: "/sbin/ip",
  "util-linux": "/usr/bin/nsenter",
  openssl: "/usr/bin/openssl",
};

const WHAT_IT_TAKES =
  "A node that runs pods takes Linux, root, and Debian or Ubuntu (or their packages " +
  `${Object.keys(PACKAGES).join(", ")}). The other tiers and a plain \`npm start\` take none of it.`;

/** Installs missing packages by apt, and says so. If it can't, throws an error that names the requirements. */
export function ensureNodePackages(progress: Progress): void {
  const missing = missingPackages();
  const problem = problemHere(missing);
  if (problem) throw new Error(`${problem}. ${WHAT_IT_TAKES}`);
  if (missing.length === 0) return;
  const step = progress.step(`installing Debian packages ${missing.join(", ")}`);
  try {
    install(missing);
    step.done();
  } catch (error) {
    step.fail();
    throw error;
  }
}

function missingPackages(): string[] {
  return Object.entries(PACKAGES).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
}

function problemHere(missing: string[]): string | undefined {
  if (process.platform !== "linux") return `This is ${process.platform}, not Linux`;
  if (process.getuid?.() !== 0) return "This does not run as root";
  if (missing.length > 0 && !existsSync("/usr/bin/apt-get"))
    return `${missing.join(", ")} missing, and there is no apt-get`;
  return undefined;
}

/** Updates the index first, since an index as old as the machine's image may name versions that are gone. */
function install(names: string[]): void {
  apt("update", "-qq");
  apt("install", "-qq", "-y", "--no-install-recommends", ...names);
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(`apt-get ${args.join(" ")} failed:\n${stderr}`);
}
