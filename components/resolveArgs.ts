import * as pulumi from "@pulumi/pulumi";
import { SettingsError } from "../settings/problems";
import { resolveSettings } from "../settings/resolve";
import { configNamespace, type OutpostSettings, type Settings } from "../settings/settings";
import { outpostRows, stackRows, type Rows } from "../settings/table";
import type { OutpostArgs, StackArgs } from "./args";

/** Settings that decide which resources exist. The value of any other may come from another resource. */
type StructuralKey =
  | "name"
  | "slug"
  | "deployment"
  | "solution"
  | "delivery"
  | "restrictExec"
  | "monitoring"
  | "podMonitor"
  | "alerts"
  | "dashboard";

export type Resolved<T> = { [K in keyof T]: K extends StructuralKey ? T[K] : pulumi.Input<T[K]> };
export interface ResolvedArgs extends Resolved<Omit<Settings, "outposts">> {
  outposts: Resolved<OutpostSettings>[];
}

/** Stands in for a required value that is not known yet, so that all others can be checked meanwhile. */
const notKnownYet = { namespace: "not-known-yet" };

/**
 * Returns the component's arguments with every default, by the same rules as the stack's config. A value from another resource
 * is checked as soon as it is known.
 * @throws SettingsError with all problems of the plain values
 */
export function resolveArgs({ outposts, ...stack }: StackArgs & { outposts: OutpostArgs[] }): ResolvedArgs {
  const hasToken = Boolean(pulumi.runtime.allConfig()[`${configNamespace}:authentikToken`]);
  const plain = {
    ...notKnownYet,
    ...plainOf(stack),
    ...(hasToken && { authentikToken: "stored-as-a-secret" }),
    outposts: outposts.map(plainOf),
  };
  const settings = resolveSettings(plain, new Set(["authentikToken"]));
  return {
    ...settings,
    ...outputsOf(stackRows, stack, ""),
    outposts: settings.outposts.map((outpost, index) => {
      const own = outposts[index];
      const inherited = Object.fromEntries(Object.entries(stack).filter(([key]) => !(key in own)));
      return {
        ...outpost,
        ...outputsOf(outpostRows, inherited, ""),
        ...outputsOf(outpostRows, own, `outposts[${index}].`),
      };
    }),
  };
}

const isPlain = (value: unknown): boolean => !pulumi.Output.isInstance(value) && !(value instanceof Promise);

/** Leaves out the slug, which the program's settings have: it is derived anew. */
const plainOf = (args: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(args).filter(([key, value]) => key !== "slug" && isPlain(value)));

function outputsOf(rows: Rows, args: object, place: string): Record<string, pulumi.Output<unknown>> {
  const outputs = Object.entries(args).filter(([key, value]) => key in rows && !isPlain(value));
  const checked = ([key, input]: [string, pulumi.Input<unknown>]) => {
    const value = (pulumi.output(input) as pulumi.Output<unknown>).apply((value: unknown) => {
      const parsed = rows[key].read(value);
      if ("wrong" in parsed) throw new SettingsError([`${place}${key}: ${JSON.stringify(value)} ${parsed.wrong}`]);
      return parsed.value;
    });
    return [key, value];
  };
  return Object.fromEntries(outputs.map(checked)) as Record<string, pulumi.Output<unknown>>;
}
