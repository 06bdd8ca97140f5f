// The work of the dynamic resource OutpostJsonPatch. Pulumi serialises it with everything that it reaches, and runs it in a
// process of its own. So it has no Pulumi in it and no class fields with initialisers, and loads ESM packages by import() at
// their use.
import { isDeepStrictEqual } from "node:util";
import type { dynamic } from "@pulumi/pulumi";
import { authentikError } from "../../authentik/apiErrors";
import { authentikClient } from "../../authentik/client";
import { tokenFlaw } from "../../authentik/requests";
import { connection } from "../../kubernetes/connection";
import { withoutStack } from "../withoutStack";
import {
  deliver,
  formBefore,
  isPatchedBy,
  ownPartOf,
  settle,
  takeBack,
  unlessGone,
  type Session,
} from "./partInConfig";
import { outpostDeployment } from "./outpostDeployment";
import type { OutpostJsonPatchInputs, OutpostJsonPatchState } from "./state";
import { defaultWaits, type Waits } from "./waits";

type Provider = Required<
  Omit<dynamic.ResourceProvider<OutpostJsonPatchInputs, OutpostJsonPatchState>, "check" | "configure">
> &
  Pick<dynamic.ResourceProvider, "configure">;

export function outpostJsonPatchProvider(waits: Waits = defaultWaits): Provider {
  const configured: { get?: (key: string) => string | undefined } = {};
  const open = ({ authentikUrl, namespace, deployment }: OutpostJsonPatchInputs): Session => {
    const get = (key: string) => configured.get?.(key);
    const url = get("authentik-outpost-shm:authentikUrl")?.replace(/\/+$/, "") || authentikUrl;
    const token = checkedToken(get("authentik-outpost-shm:authentikToken"));
    const call = connection({
      kubeconfig: get("kubernetes:kubeconfig"),
      context: get("kubernetes:context"),
      cluster: get("kubernetes:cluster"),
    });
    return {
      client: authentikClient({ url, token }),
      deployment: outpostDeployment(call, namespace, deployment),
      waits,
      say,
    };
  };
  return {
    configure: ({ config }) => {
      configured.get = (key) => config.get(key);
      return Promise.resolve();
    },
    diff: (id, olds, news) => diff(() => open(news), id, olds, news),
    create: (inputs) => told(() => create(open(inputs), inputs)),
    read: (id, props) => told(() => read(open(props!), id, props!)),
    update: (id, olds, news) => told(() => update(open(news), id, olds, news)),
    delete: (id, props) => told(() => takeBack(open(props), id, props)),
  };
}

/** Checks the token here too, since a refresh or destroy runs without the program, which checks the settings. */
function checkedToken(token: string | undefined): string {
  const how = "pulumi config set --secret authentik-outpost-shm:authentikToken";
  if (!token)
    throw authentikError(`authentikToken is not set, and the outpost's patch is in authentik: set it with: ${how}`);
  const flaw = tokenFlaw(token);
  if (flaw) throw authentikError(`authentikToken ${flaw}: ${how}`);
  return token;
}

/** Strips the stack of an error, which the host would print beside its message. The operator needs the message alone. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withoutStack(error as Error);
  }
}

/** Prints a line. The engine shows the host's output while it waits, and under the stack's own diagnostics. */
const say = (line: string): void => console.log(line);

async function diff(
  open: () => Session,
  id: string,
  olds: OutpostJsonPatchState,
  news: OutpostJsonPatchInputs,
): Promise<dynamic.DiffResult> {
  const differs = (key: keyof OutpostJsonPatchInputs) => !isDeepStrictEqual(olds[key], news[key]);
  const isAnother = differs("outpost") && !(await isNameOf(open, id, news.outpost));
  const replaces = [...(isAnother ? ["outpost"] : []), ...(differs("namespace") ? ["namespace"] : [])];
  const isUpdate =
    (["outpost", "authentikUrl", "fieldManager", "operations"] as const).some(differs) || !olds.rolledOut;
  return { changes: replaces.length > 0 || isUpdate, replaces, deleteBeforeReplace: true };
}

/**
 * Tells whether the outpost of this id has the name by now. Its part may then stay where it is: a replacement would restart its
 * pods twice. An authentik that does not say lets nothing be replaced either.
 */
async function isNameOf(open: () => Session, id: string, name: string): Promise<boolean> {
  try {
    return (await open().client.findOutpost({ name })).pk === id;
  } catch {
    return false;
  }
}

async function create(session: Session, inputs: OutpostJsonPatchInputs) {
  const { pk, config } = await session.client.readOutpost(inputs.outpost);
  return { id: pk, outs: await delivered(session, pk, { ...inputs, ...formBefore(config, inputs) }) };
}

async function update(session: Session, id: string, olds: OutpostJsonPatchState, news: OutpostJsonPatchInputs) {
  await session.client.readOutpost(news.outpost);
  const { formOfNone } = olds;
  return { outs: await delivered(session, id, { ...news, ...(formOfNone !== undefined && { formOfNone }) }) };
}

/**
 * Delivers our part. From the first write on, a failure leaves the resource in the state, for the next update to go on or to
 * take it back.
 */
async function delivered(session: Session, id: string, state: OutpostJsonPatchState): Promise<OutpostJsonPatchState> {
  const progress = { written: false };
  try {
    await deliver(session, id, state, progress);
    await settle(session, state);
  } catch (error) {
    if (!progress.written) throw error;
    const { message } = error as Error;
    throw Object.assign(new Error(message), { id, properties: state, reasons: [message] });
  }
  return { ...state, rolledOut: true };
}

async function read(session: Session, id: string, props: OutpostJsonPatchState) {
  const outpost = await unlessGone(session, props, () => session.client.findOutpost({ name: props.outpost, pk: id }));
  if (!outpost) return {};
  const live = await session.deployment.read();
  // A move to another delivery that broke off has taken the fields over, and an update has to hand them back.
  const isTaken = live !== undefined && isPatchedBy(props.fieldManager, live);
  const { rolledOut, ...rest } = props;
  const found = { ...rest, operations: ownPartOf(outpost.config), ...(rolledOut && !isTaken && { rolledOut }) };
  // Returned as inputs too, or a preview's diff would not show what was edited in authentik.
  return { id: outpost.pk, props: found, inputs: inputsOf(found) };
}

function inputsOf(state: OutpostJsonPatchState): OutpostJsonPatchInputs {
  const { authentikUrl, outpost, namespace, deployment, fieldManager, operations } = state;
  return { authentikUrl, outpost, namespace, deployment, fieldManager, operations };
}
