import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programPath } from "./shells";

/** A tmpfs in a mount namespace of its own, reached from outside through /proc. */
export interface Tmpfs {
  /** Its root directory, mode 1777 like a memory-backed emptyDir. */
  readonly dir: string;
  /** The same directory as seen inside the namespace, and the prefix of a command that is to run there. */
  readonly inside: { readonly dir: string; readonly command: readonly string[] };
  /** Runs a shell script inside the namespace, in the root directory. */
  enter(script: string): void;
  unmount(): Promise<void>;
}

export interface TmpfsOptions {
  /** Size in mount's notation, such as `4m`. */
  size: string;
  /** Limit of inodes, including the root directory's. By default more than any test fills. */
  inodes?: number;
  /** True to mount as root, so that files can have any owner. By default a user namespace is used if that is allowed. */
  asRoot?: boolean;
}

interface Namespace {
  unshare: string[];
  nsenter: string[];
}

const user: Namespace = { unshare: ["-rm"], nsenter: ["-U", "-m", "--preserve-credentials"] };
const root: Namespace = { unshare: ["-m"], nsenter: ["-m"] };

/** Picks a user namespace if the machine allows one, otherwise root's. */
function chooseNamespace(): Namespace {
  const mounts = ({ unshare }: Namespace) =>
    spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;
  if (mounts(user)) return user;
  if (mounts(root)) return root;
  throw new Error(
    "no tmpfs can be mounted here: neither in a user namespace (unshare -rm) nor as root (unshare -m); " +
      "on Ubuntu: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  );
}

let chosen: Namespace | undefined;

export async function mountTmpfs({ size, inodes = 200_000, asRoot = false }: TmpfsOptions): Promise<Tmpfs> {
  const namespace = asRoot ? root : (chosen ??= chooseNamespace());
  const point = mkdtempSync(join(tmpdir(), "shm-"));
  chmodSync(point, 0o755);
  const script = 'mount -t tmpfs -o size="$2",nr_inodes="$3",mode=1777 tmpfs "$1" && echo mounted && exec cat';
  // cat keeps the namespace until its stdin ends, at the latest when this process does.
  const holder = spawn("unshare", [...namespace.unshare, "sh", "-c", script, "sh", point, size, String(inodes)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [said] = (await Promise.race([once(holder.stdout, "data"), once(holder, "exit")])) as [unknown];
  if (String(said) !== "mounted\n") throw new Error(`a tmpfs of ${size} could not be mounted`);
  const command = [programPath("nsenter"), "-t", String(holder.pid), ...namespace.nsenter];
  return {
    inside: { dir: point, command },
    dir: `/proc/${holder.pid}/root${point}`,
    enter(inside) {
      const script = ["sh", "-ec", `cd "$1"; ${inside}`, "sh", point];
      const { status, stderr } = spawnSync(command[0] ?? "", [...command.slice(1), ...script], { encoding: "utf8" });
      if (status !== 0) throw new Error(`${inside}: ${stderr}`);
    },
    async unmount() {
      holder.stdin.end();
      await once(holder, "exit");
      rmdirSync(point);
    },
  };
}
