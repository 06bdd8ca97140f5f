/**
 * Leaves an error its message alone. Pulumi's SDK formats the stack of the error that ends a program even where it shows
 * none, and Node up to 22 takes a quarter of a minute over a stack with a frame of the SDK's own sources
 * (`…/node_modules/@pulumi/resource.ts`: `util.inspect` with colours goes round in it until its memory for strings is full).
 */
export function messageOnly<E extends Error>(error: E): E {
  error.stack = "";
  return error;
}
