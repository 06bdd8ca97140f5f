import * as runtime from "@pulumi/pulumi/runtime";

/**
 * Makes each inline program open a new connection to its engine. The SDK never closes these connections, and gRPC shares those
 * to one address within the process. If an engine gets the port of an earlier one, its program would use the dead connection.
 * The SDK then assumes that the engine shuts down and the program has finished. The engine would delete everything that the
 * program has not registered.
 */
export function connectAnew(): void {
  const { grpcClientOptions } = runtime as unknown as { grpcClientOptions: Record<string, unknown> };
  grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;
}
