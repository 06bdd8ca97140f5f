// Reads from /proc what a process listens on.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * Lists "address:port" of every TCP socket that the process listens on, and of every UDP socket it has. An IPv6 address is raw
 * hexadecimal digits. A process that has ended meanwhile has none.
 */
export function listenersOf(pid: number): string[] {
  const sockets = orNone(() => readdirSync(`/proc/${pid}/fd`)).flatMap((fd) =>
    orNone(() => [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]]),
  );
  if (sockets.length === 0) return [];
  const LISTEN = "0A";
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((protocol) => {
    const rows = orNone(() => readFileSync(`/proc/${pid}/net/${protocol}`, "utf8").trim().split("\n")).slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter((columns) => sockets.includes(columns[9]) && (protocol.startsWith("udp") || columns[3] === LISTEN))
      .map((columns) => readableAddress(columns[1]));
  });
}

/** Returns an empty list if the process is gone. */
function orNone<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function readableAddress(hexadecimal: string): string {
  const [address, port] = hexadecimal.split(":");
  const readable = address.length === 8 ? Buffer.from(address, "hex").reverse().join(".") : address; // IPv4 is little-endian there
  return `${readable}:${parseInt(port, 16)}`;
}
