import type { JsonPatchOperation } from "../../authentik/operations";

/** Inputs of OutpostJsonPatch. The token and the cluster come from the stack's config, so that no resource has them in its state. */
export interface OutpostJsonPatchInputs {
  /** Base URL of authentik, without trailing slash. The stack's config goes before it, where it has one. */
  authentikUrl: string;
  /** The outpost's name in authentik. */
  outpost: string;
  namespace: string;
  deployment: string;
  /** Who patches the Deployment with `delivery: deployment`: what it owns is handed over, and back. */
  fieldManager: string;
  /** Our part of the outpost's JSON patch as one addition each, in whatever form it stands among others'. */
  operations: JsonPatchOperation[];
}

export interface OutpostJsonPatchState extends OutpostJsonPatchInputs {
  /** How the config said that there was no patch before ours; undefined where there was one. */
  formOfNone?: string;
  /** Missing if the last update did not see authentik apply it: the next one waits for that. The name is that of older states. */
  rolledOut?: true;
}
