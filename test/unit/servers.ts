import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Lends a suite HTTP servers on loopback that answer like this. They end with it. */
export function useServers(): (answer: RequestListener) => Promise<{ server: Server; url: string }> {
  const servers: Server[] = [];
  after(() => servers.forEach((server) => server.close().closeAllConnections()));
  return async (answer) => {
    const server = createServer(answer).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
}
