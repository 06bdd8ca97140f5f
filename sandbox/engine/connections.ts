import * as runtime from "@pulumi/pulumi/runtime";

/**
 * Has each inline program connect to its engine anew. The SDK never closes an inline program's connections, and gRPC shares those
 * to one address within the process. Where an engine gets a port that one of the many before it had, its program would be given
 * the dead connection; the SDK takes that for an engine that shuts down and the program for finished, and the engine deletes what
 * the program has not registered.
 */
export function connectAnew(): void {
  const { grpcClientOptions } = runtime as unknown as { grpcClientOptions: Record<string, unknown> };
  grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;
}
