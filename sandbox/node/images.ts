// The images of a sandbox's node, since none can be downloaded where it may run. They are made from Debian's busybox-static and
// our own builds, under the names that the program and authentik use. Their content is not what those names stand for.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
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

/** Writes an image as a tar in OCI layout to `file`. Its parts are in `dir` until then. */
export function writeImage(spec: ImageSpec, file: string, dir: string): void {
  const work = mkdtempSync(join(dir, "image-"));
  const layout = join(work, "layout");
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const layer = writeLayer(spec, work, blobs);
  const config = writeJson(blobs, imageConfig(spec, layer.digest));
  const manifest = writeJson(blobs, {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
  });
  const annotations = { "io.containerd.image.name": spec.name, "org.opencontainers.image.ref.name": spec.name };
  const manifests = [{ mediaType: "application/vnd.oci.image.manifest.v1+json", ...manifest, annotations }];
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  tar(layout, file);
  rmSync(work, { recursive: true });
}

/** A descriptor of OCI, without the media type. */
interface Descriptor {
  digest: string;
  size: number;
}

function writeLayer({ programs = [], shell = true }: ImageSpec, work: string, blobs: string): Descriptor {
  const root = join(work, "root");
  for (const folder of ["bin", "etc", "tmp", "usr/bin", "usr/local/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  if (shell) installBusybox(join(root, "bin"));
  for (const program of programs) copyFileSync(program, join(root, "usr/local/bin", basename(program)));
  const file = join(work, "layer.tar");
  tar(root, file);
  const layer = describe(readFileSync(file));
  renameSync(file, join(blobs, layer.digest.replace("sha256:", "")));
  return layer;
}

function installBusybox(bin: string): void {
  copyFileSync(BUSYBOX, join(bin, "busybox"));
  const applets = execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets) if (applet !== "busybox") symlinkSync("busybox", join(bin, applet));
}

function imageConfig({ command, user = "", env = {} }: ImageSpec, layerDigest: string): unknown {
  const variables = Object.entries({ PATH, ...env }).map(([name, value]) => `${name}=${value}`);
  return {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { User: user, Env: variables, Cmd: command },
    rootfs: { type: "layers", diff_ids: [layerDigest] },
  };
}

function writeJson(blobs: string, content: unknown): Descriptor {
  const text = Buffer.from(JSON.stringify(content));
  const descriptor = describe(text);
  writeFileSync(join(blobs, descriptor.digest.replace("sha256:", "")), text);
  return descriptor;
}

function describe(content: Buffer): Descriptor {
  return { digest: `sha256:${createHash("sha256").update(content).digest("hex")}`, size: content.length };
}

function tar(folder: string, file: string): void {
  execFileSync("tar", ["-C", folder, "--owner=0", "--group=0", "--mtime=@0", "--sort=name", "-cf", file, "."]);
}
