// Addresses for the link between this machine and one within it.
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";

/** The two ends of a link, in a network of their own. */
export interface Link {
  outside: string;
  inside: string;
  /** Length of the network's prefix, in bits. */
  prefix: number;
}

// 198.18.0.0/15 is reserved for tests of network devices (RFC 2544), so no real network has these addresses.
const FIRST = (198 << 24) | (18 << 16);
const NETWORKS = 2 ** 15;
const PREFIX = 30;
const ATTEMPTS = 100;

/** Draws a random network that only this machine's default route covers. Two sandboxes started at once thus differ. */
export function freeLink(): Link {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const network = FIRST + 4 * randomInt(NETWORKS);
    if (isFree(network)) return { outside: dotted(network + 1), inside: dotted(network + 2), prefix: PREFIX };
  }
  throw new Error("all of 198.18.0.0/15 is routed on this machine: there is no free network for the sandbox's link");
}

function isFree(network: number): boolean {
  const routes = execFileSync("ip", ["-4", "route", "show", "table", "all", "match", `${dotted(network)}/${PREFIX}`], {
    encoding: "utf8",
  });
  return routes.split("\n").every((route) => route === "" || route.startsWith("default "));
}

const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
