import type { Parsed } from "./parsed";

// The grammar of https://pkg.go.dev/github.com/distribution/reference
const REGISTRY = /^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(:\d+)?$/;
const PATH_PART = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const EXAMPLE = "docker.io/library/busybox:1.37";

/** An image reference with a tag or a digest: without either it means `latest`, which changes under a running fleet. */
export function parseImage(text: string): Parsed<string> {
  const [tagged = "", digest, ...rest] = text.split("@");
  // A colon before the last slash belongs to the registry's port.
  const [, name = "", tag] = /^(.*?)(?::([^/]*))?$/.exec(tagged) ?? [];
  const wellFormed =
    isName(name) &&
    rest.length === 0 &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!wellFormed) {
    return {
      wrong: `is no image reference; write [registry/]name:tag or [registry/]name@sha256:digest, e.g. ${EXAMPLE}`,
    };
  }
  return tag === undefined && digest === undefined
    ? { wrong: `has neither tag nor digest; write e.g. ${EXAMPLE}` }
    : { value: text };
}

function isName(name: string): boolean {
  const [first = "", ...path] = name.split("/");
  // What tells a registry from the first part of a path; a bare `localhost` reads the same either way.
  const isRegistry = path.length > 0 && /[.:]/.test(first);
  if (isRegistry && !REGISTRY.test(first)) return false;
  return name.length <= 255 && (isRegistry ? path : [first, ...path]).every((part) => PATH_PART.test(part));
}
