// The stand-in's HTTP server, on loopback only.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { answer } from "./api";
import { page, type Answer, type Backend, type Request } from "./messages";
import { substitute, type Fault, type Misbehaviour } from "./misbehaviour";
import { isRecord, type OutpostConfig } from "./outpostConfig";

/** A request that was answered, or hung up on with status 0. It has no headers, since one of them holds the token. */
export interface ServedRequest {
  method: string;
  /** Path with its query. */
  path: string;
  status: number;
}

export interface ServerOptions {
  backend: Backend;
  misbehaviour: Misbehaviour;
  /** Base path, as in authentik's `AUTHENTIK_WEB__PATH`: "/" or with a slash at both ends. */
  basePath: string;
  /** PEM of the key and certificate for TLS; plain HTTP by default. */
  tls?: { key: string; cert: string };
  /** List to which every answered request is added. */
  served: ServedRequest[];
}

export interface RunningServer {
  /** URL with the base path and a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

export async function serve(options: ServerOptions): Promise<RunningServer> {
  const closing = new AbortController();
  const listener: RequestListener = (request, response) => {
    handle(request, response, options, closing.signal).catch(() => response.destroy());
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  const port = await listen(server);
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${port}${options.basePath}`,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function handle(
  incoming: IncomingMessage,
  response: ServerResponse,
  { backend, misbehaviour, basePath, served }: ServerOptions,
  closing: AbortSignal,
): Promise<void> {
  const { method = "", url: path = "" } = incoming;
  const request = requestOf(incoming, await text(incoming), basePath);
  const faults = misbehaviour.meet(request);
  if (faults.some((fault) => "hangUp" in fault)) {
    served.push({ method, path, status: 0 });
    response.destroy();
    return;
  }
  const given = substitute(faults) ?? (request.path ? answer(request, backend) : page(404, "Not Found"));
  // Recorded before the answer is sent, so that anyone who has the answer finds the record.
  served.push({ method, path, status: given.status });
  for (const fault of faults) if ("edit" in fault) edit(given, fault, backend);
  for (const fault of faults) if ("delayMs" in fault) await delay(fault.delayMs, undefined, { signal: closing });
  send(response, given);
}

/** Parses the request. The path is "" if the URL isn't under the base path. */
function requestOf({ method = "", url = "", headers }: IncomingMessage, body: string, basePath: string): Request {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const path = pathname.startsWith(basePath) ? `/${pathname.slice(basePath.length)}` : "";
  return { method, path, query: searchParams, authorization: headers.authorization, body };
}

/** Changes the outposts in the answer one after the other, as someone else would. */
function edit({ body }: Answer, { edit: change }: Extract<Fault, { edit: unknown }>, backend: Backend): void {
  if (!isRecord(body)) return;
  const shown = Array.isArray(body.results) ? body.results.filter(isRecord) : [body];
  const edited = backend.outposts().filter(({ pk }) => shown.some((outpost) => outpost.pk === pk));
  for (const outpost of edited) {
    const config: OutpostConfig = change(structuredClone(outpost.config));
    backend.save(outpost, { config }, "colleague");
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const isPage = typeof body === "string";
  const contentType = isPage ? "text/html; charset=utf-8" : "application/json";
  response.writeHead(status, { "content-type": contentType, "x-powered-by": "authentik", ...headers });
  response.end(isPage ? body : JSON.stringify(body));
}
