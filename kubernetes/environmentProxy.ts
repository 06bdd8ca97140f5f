import { BlockList, isIP } from "node:net";

/**
 * Returns the proxy that HTTPS_PROXY and NO_PROXY give a server, by the rules of kubectl and the Kubernetes provider
 * (https://pkg.go.dev/golang.org/x/net/http/httpproxy). Undefined if there is none for it.
 */
export function environmentProxy(server: string, env = process.env): string | undefined {
  const proxy = env.HTTPS_PROXY || env.https_proxy;
  if (!proxy || !/^https:/i.test(server) || !URL.canParse(server)) return undefined;
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, "");
  const exceptions = (env.NO_PROXY || env.no_proxy || "").toLowerCase().split(",");
  const isExcepted = [...loopback, ...exceptions].some((entry) => excepts(entry.trim(), host, port || "443"));
  return isExcepted ? undefined : proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** Hosts that no proxy is ever for. */
const loopback = ["localhost", "127.0.0.0/8", "::1"];

/** Tells whether an entry of NO_PROXY is for a host: `*`, a network, or an address or a domain, with or without a port. */
function excepts(entry: string, host: string, port: string): boolean {
  if (entry === "*" || isIn(entry, host)) return true;
  const [, name, onPort = port] = /^(.+?)(?::(\d+))?$/.exec(entry) ?? [];
  if (!name || onPort !== port) return false;
  const domain = name.replace(/^\*\./, ".");
  return isIn(name.replace(/^\[|\]$/g, ""), host) || host === domain || host.endsWith(domain.replace(/^\.?/, "."));
}

/** Tells whether a host is an address in this network, such as 10.0.0.0/8, or is this address. */
function isIn(network: string, host: string): boolean {
  const [address, bits] = network.split("/");
  const [family, hostFamily] = [isIP(address), isIP(host)];
  const longest = family === 6 ? 128 : 32;
  if (family === 0 || hostFamily === 0 || !/^\d+$/.test(bits ?? "0") || Number(bits) > longest) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits ?? longest), family === 6 ? "ipv6" : "ipv4");
  return list.check(host, hostFamily === 6 ? "ipv6" : "ipv4");
}
