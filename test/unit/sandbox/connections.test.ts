import assert from "node:assert/strict";
import { Server, ServerCredentials, credentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceMonitorClient, ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import { SupportsFeatureRequest, SupportsFeatureResponse } from "@pulumi/pulumi/proto/resource_pb.js";
import * as runtime from "@pulumi/pulumi/runtime";
import { connectAnew } from "../../../sandbox/engine/connections";

/** Starts as much of an engine as an inline program asks first. */
async function startEngine(address: string): Promise<{ address: string; stop: () => void }> {
  const server = new Server();
  server.addService(ResourceMonitorService, {
    supportsFeature: (_call: unknown, answer: (error: null, response: SupportsFeatureResponse) => void) => {
      const response = new SupportsFeatureResponse();
      response.setHassupport(true);
      answer(null, response);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync(address, ServerCredentials.createInsecure(), done);
  });
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

/** Connects as the SDK connects a program to its engine. */
function connect(address: string): () => Promise<string> {
  const { grpcClientOptions } = runtime as unknown as { grpcClientOptions: object };
  const client = new ResourceMonitorClient(address, credentials.createInsecure(), grpcClientOptions);
  return () =>
    new Promise((resolve) => {
      const answered = (error: ServiceError | null) => resolve(error ? error.details : "answered");
      client.supportsFeature(new SupportsFeatureRequest(), answered);
    });
}

describe("an inline program's connection to its engine", () => {
  it("is its own, also where an engine of before had the same port and was asked after its end", async () => {
    connectAnew();
    const first = await startEngine("127.0.0.1:0");
    const ask = connect(first.address);
    assert.equal(await ask(), "answered");
    first.stop();
    assert.match(await ask(), /^No connection established\. Last error: Error: connect ECONNREFUSED /);

    const second = await startEngine(first.address);
    assert.equal(await connect(first.address)(), "answered");
    second.stop();
  });
});
