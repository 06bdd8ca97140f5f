/**
 * Reduces an error to its message. Pulumi's SDK formats the stack of the error that ends a program even if it shows none. Node
 * up to 22 needs a quarter of a minute for a stack with a frame of the SDK's own sources (`…/node_modules/@pulumi/resource.ts`:
 * `util.inspect` with colours loops over it until its memory for strings is full).
 */
export function withoutStack<E extends Error>(error: E): E {
  error.stack = "";
  return error;
}
