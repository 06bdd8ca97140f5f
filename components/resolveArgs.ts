import * as pulumi from "@pulumi/pulumi";
import { Problems, SettingsError } from "../settings/settingsError";
import { keyIn } from "../settings/readFields";
import { resolveSettings, tokenHeld } from "../settings/resolve";
import { configNamespace, type OutpostSettings, type Settings } from "../settings/types";
import { isSecretConfig } from "../settings/stackConfig";
import type { Rows } from "../settings/row";
import { outpostRows, stackRows, structuralKeys } from "../settings/table";
import type { OutpostArgs, StackArgs } from "./args";

type StructuralKey = (typeof structuralKeys)[number];

export type Resolved<T> = { [K in keyof T]: K extends StructuralKey ? T[K] : pulumi.Input<T[K]> };
export interface ResolvedArgs extends Resolved<Omit<Settings, "outposts">> {
  outposts: Resolved<OutpostSettings>[];
}

/** Returns some of the settings and no others: one that is a secret, or not known yet, makes all of them so. */
export const only = <T, K extends keyof T>(args: T, keys: readonly K[]): pulumi.Output<pulumi.Unwrap<Pick<T, K>>> =>
  pulumi.output(Object.fromEntries(keys.map((key) => [key, args[key]])) as Pick<T, K>);

/** Stand in for required values that are not known yet, so that all others can be checked meanwhile. */
const notKnownYet = { namespace: "not-known-yet", authentikUrl: "https://not-known-yet.example" };

/**
 * Returns the component's arguments with every default, by the same rules as the stack's config. A value from another resource
 * is checked as soon as it is known.
 * @throws SettingsError with all problems of the plain values
 */
export function resolveArgs({ outposts, ...stack }: StackArgs & { outposts: OutpostArgs[] }): ResolvedArgs {
  const tokenKey = `${configNamespace}:authentikToken`;
  const hasToken = Boolean(pulumi.runtime.allConfig()[tokenKey]);
  const plain = {
    ...Object.fromEntries(Object.entries(notKnownYet).filter(([key]) => !isPlain(stack[key as keyof StackArgs]))),
    ...plainOf(stack),
    ...(hasToken && { authentikToken: tokenHeld }),
    outposts: Array.isArray(outposts)
      ? outposts.map((outpost) => (isObject(outpost) ? plainOf(outpost) : outpost))
      : outposts,
  };
  const settings = resolveSettings(plain, new Set(isSecretConfig(tokenKey) ? ["authentikToken"] : []));
  return {
    ...settings,
    ...outputsOf(stackRows, stack, ""),
    outposts: settings.outposts.map((outpost, index) => {
      const own = outposts[index];
      const inherited = Object.fromEntries(
        Object.entries(stack).filter(([key]) => own[key as keyof OutpostArgs] === undefined),
      );
      return {
        ...outpost,
        ...outputsOf(outpostRows, inherited, ""),
        ...outputsOf(outpostRows, own, `outposts[${index}]`),
      };
    }),
  };
}

/**
 * Refuses outputs of resources where only a plain value will do. Programs of other languages have no types that would.
 * @throws SettingsError with all of them
 */
export function requirePlain({ outposts, ...stack }: { outposts: OutpostArgs[] } & object): void {
  const places = isOutput(outposts)
    ? ["outposts"]
    : listed(outposts).flatMap((outpost, index) => structuralOutputs(outpost, `outposts[${index}]`));
  const wrong = "decides which resources there are, so it must be a plain value: no output of a resource, no secret";
  const problems = [...structuralOutputs(stack, ""), ...places].map((place) => `${place}: ${wrong}`);
  if (problems.length > 0) throw new SettingsError(problems);
}

/** Returns the elements, of which there may be none: programs of other languages have no types that would require a list. */
export const listed = (outposts: unknown): OutpostArgs[] =>
  Array.isArray(outposts) ? (outposts as OutpostArgs[]) : [];

function structuralOutputs(args: object, place: string): string[] {
  if (isOutput(args)) return [place];
  const structural: readonly string[] = [...structuralKeys, "takeOver", "awaitRollout", "podSelectors"];
  const outputs = Object.entries(args ?? {}).filter(([key, value]) => structural.includes(key) && !isPlain(value));
  return outputs.map(([key]) => keyIn(place, key));
}

const isOutput = (value: unknown): boolean => pulumi.Output.isInstance(value) || value instanceof Promise;

/** Tells whether a value is no Output, and has none in it: programs of other languages hand over maps with Outputs in them. */
const isPlain = (value: unknown): boolean =>
  !isOutput(value) && (!isObject(value) || Object.values(value).every(isPlain));

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const plainOf = (args: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(args).filter(([, value]) => isPlain(value)));

function outputsOf(rows: Rows, args: object, place: string): Record<string, pulumi.Output<unknown>> {
  const outputs = Object.entries(args).filter(([key, value]) => key in rows && !isPlain(value));
  const checked = ([key, input]: [string, pulumi.Input<unknown>]) => {
    const output = pulumi.output(input) as pulumi.Output<unknown>;
    const value = pulumi.all([output, pulumi.isSecret(output)]).apply(([value, isSecret]) => {
      const parsed = rows[key].read(value);
      if (!("wrong" in parsed)) return parsed.value;
      const where = keyIn(place, key);
      const problems = new Problems(new Set(isSecret ? [where] : []));
      problems.value(where, value, parsed.wrong);
      throw new SettingsError(problems.lines);
    });
    return [key, value];
  };
  return Object.fromEntries(outputs.map(checked)) as Record<string, pulumi.Output<unknown>>;
}
