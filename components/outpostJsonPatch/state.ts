import type { JsonPatchOperation } from "../../authentik/operations";

/**
 * Inputs of OutpostJsonPatch. The token and the cluster come from the stack's config, so that no resource has them in its
 * state.
 */
export interface OutpostJsonPatchInputs {
  /** Base URL of authentik, without trailing slash. The stack's config takes precedence, if it has one. */
  authentikUrl: string;
  outpost: string;
  namespace: string;
  deployment: string;
  /** Field manager of the patch with `delivery: deployment`. Its fields are handed over, and back. */
  fieldManager: string;
  /** Our part of the outpost's JSON patch as one addition each, in whatever form it stands among others'. */
  operations: JsonPatchOperation[];
}

export interface OutpostJsonPatchState extends OutpostJsonPatchInputs {
  /** The form in which the config had no patch before ours; undefined if it had one. */
  formOfNone?: string;
  /** Missing if the last update did not see authentik apply it: the next one waits for that. The name is from older states. */
  rolledOut?: true;
}
