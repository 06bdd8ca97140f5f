/**
 * Property values as they travel between the Pulumi engine and a provider: plain JSON in which a secret is an object
 * with a signature and an unknown (a value the preview cannot know yet) is a reserved string.
 */
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

export type Value = null | boolean | number | string | Value[] | Properties;
export interface Properties {
  [key: string]: Value;
}

// The reserved words of the protocol; the SDK declares them in `runtime/rpc`.
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isProperties(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function fromStruct(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

export function toStruct(properties: Properties): Struct {
  return Struct.fromJavaScript(properties);
}

export function isSecret(value: Value | undefined): boolean {
  return isProperties(value) && value[signatureKey] === secretSignature;
}

export function secret(value: Value): Value {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

export function containsSecret(value: Value | undefined): boolean {
  return isSecret(value) || children(value).some(containsSecret);
}

export function containsUnknown(value: Value | undefined): boolean {
  return value === unknownValue || children(value).some(containsUnknown);
}

/** The value with every secret opened and every null property dropped: what an API or a shell can be given. */
export function reveal<T extends Value>(value: T): T;
export function reveal(value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => reveal(item));
  if (!isProperties(value)) return value;
  if (isSecret(value)) return reveal(value.value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, reveal(item)]),
  );
}

/**
 * `outputs` with the same parts marked secret as in `inputs`. Objects are followed key by key; an array with a secret
 * anywhere in it is secret as a whole, since its order may differ on the way back.
 */
export function withSecretsOf(outputs: Properties, inputs: Value | undefined): Properties {
  if (!isProperties(inputs)) return outputs;
  return Object.fromEntries(
    Object.entries(outputs).map(([key, output]) => {
      const input = inputs[key];
      if (isProperties(output) && isProperties(input) && !isSecret(input)) return [key, withSecretsOf(output, input)];
      return [key, containsSecret(input) ? secret(output) : output];
    }),
  );
}

function children(value: Value | undefined): Value[] {
  if (Array.isArray(value)) return value;
  return isProperties(value) ? Object.values(value) : [];
}
