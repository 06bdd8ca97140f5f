// The package's public API: imported from npm, and handed out to programs of every language by PulumiPlugin.yaml.
export type { OutpostArgs, StackArgs } from "./args";
export { OutpostShmCleanup, type OutpostShmCleanupArgs } from "./outpostShmCleanup";
