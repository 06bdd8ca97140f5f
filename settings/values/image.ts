import type { Parsed } from "./parsed";

/**
 * Parses an image reference with a tag or a digest: without either it means `latest`, which changes under a running fleet. The
 * kubelet judges its grammar, and a rollout that fails because of it is reported at once.
 */
export function parseImage(text: string): Parsed<string> {
  // A colon before the last slash belongs to the registry's port.
  return /(:[^/:@]+|@\w+:[0-9a-f]+)$/.test(text)
    ? { value: text }
    : { wrong: "has neither tag nor digest; write e.g. docker.io/library/busybox:1.37" };
}
