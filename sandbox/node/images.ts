// The images of a sandbox's node, since none can be downloaded where it may run. They are made from Debian's busybox-static and
// our own builds, under the names that the program and authentik use. Their content is not what those names stand for.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const BUSYBOX = "/bin/busybox";
const PATH = "/usr/local/bin:/usr/bin:/bin";

/** An image to make. */
export interface ImageSpec {
  /** Full name, with registry and tag. */
  name: string;
  /** Executables of this machine to put into /usr/local/bin. They must be static, since the image has no libraries. */
  programs?: readonly string[];
  /** True for a shell and its tools, as busybox links; default true. */
  shell?: boolean;
  command: readonly string[];
  /** Numeric user, for a pod that must not run as root. */
  user?: string;
  env?: Record<string, string>;
}

/** Writes an image to `file`, as `docker save` would. Its parts are in `dir` until then. */
export function writeImage(spec: ImageSpec, file: string, dir: string): void {
  const work = mkdtempSync(join(dir, "image-"));
  const [root, image] = [join(work, "root"), join(work, "image")];
  mkdirSync(image);
  fillRoot(spec, root);
  const layer = join(image, "layer.tar");
  tar(root, layer);
  writeFileSync(join(image, "config.json"), JSON.stringify(imageConfig(spec, readFileSync(layer))));
  const manifest = [{ Config: "config.json", RepoTags: [spec.name], Layers: ["layer.tar"] }];
  writeFileSync(join(image, "manifest.json"), JSON.stringify(manifest));
  tar(image, file);
  rmSync(work, { recursive: true });
}

function fillRoot({ programs = [], shell = true }: ImageSpec, root: string): void {
  for (const folder of ["bin", "etc", "tmp", "usr/bin", "usr/local/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  if (shell) installBusybox(join(root, "bin"));
  for (const program of programs) copyFileSync(program, join(root, "usr/local/bin", basename(program)));
}

function installBusybox(bin: string): void {
  copyFileSync(BUSYBOX, join(bin, "busybox"));
  const applets = execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) if (applet !== "busybox") symlinkSync("busybox", join(bin, applet));
}

function imageConfig({ command, user = "", env = {} }: ImageSpec, layer: Buffer): unknown {
  const variables = Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`);
  return {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { User: user, Env: variables, Cmd: command },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
  };
}

function tar(folder: string, file: string): void {
  execFileSync("tar", ["-C", folder, "--owner=0", "--group=0", "--mtime=@0", "--sort=name", "-cf", file, "."]);
}
