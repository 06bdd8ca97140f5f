import { PassThrough } from "node:stream";
import type { V1Status } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import type { ContainerPlace, ExecOptions, Executed } from "./cluster";
import { reasonOf } from "./connection";
import { longestText, printable } from "./printable";

/** The part of the client's Exec, over a WebSocket, that is used; tests inject one. */
export interface ExecClient {
  exec(
    namespace: string,
    pod: string,
    container: string,
    command: string[],
    stdout: PassThrough,
    stderr: PassThrough,
    stdin: PassThrough | null,
    tty: boolean,
    onStatus: (status: V1Status) => void,
  ): Promise<ExecSocket>;
}

/** The WebSocket that carries the command's streams. */
export interface ExecSocket {
  on(event: "close", listener: (code: number) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  terminate(): void;
}

const defaultTimeoutMs = 60_000;

/**
 * Runs a command in a container, without a terminal.
 * @throws if the command could not be started; {@link Unfinished} if its connection broke, it did not end in time, it printed more
 * than a mebibyte, or the signal was aborted
 */
export async function execIn(
  client: ExecClient,
  { namespace, pod, container }: ContainerPlace,
  command: string[],
  { timeoutMs = defaultTimeoutMs, stdin, onStdout, signal }: ExecOptions = {},
): Promise<Executed> {
  // As after an interruption in the pause between two attempts: the event would never come.
  if (signal?.aborted) throw new Error("interrupted");
  const endless = new AbortController();
  const stdout = collected(endless, onStdout);
  const stderr = collected(endless);
  // Never ended: the client would close the connection, and the rest of the output would be lost.
  const input = stdin === undefined ? null : new PassThrough();
  input?.write(stdin);
  let socket: ExecSocket | undefined;
  let interrupt: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  try {
    const status = await new Promise<V1Status>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no end within ${timeoutMs / 1000} s`)), timeoutMs);
      endless.signal.onabort = () => reject(new Error("it printed more than 1 MiB, and was left alone"));
      interrupt = () => reject(new Error("interrupted"));
      signal?.addEventListener("abort", interrupt);
      client.exec(namespace, pod, container, command, stdout.stream, stderr.stream, input, false, resolve).then(
        (opened) => {
          socket = opened;
          if (over) opened.terminate();
          opened.on("error", reject);
          // The status comes first if there is one.
          opened.on("close", (code) => reject(new Error(`the connection was closed (${code}) before it ended`)));
        },
        (error: unknown) => reject(handshakeError(error)),
      );
    }).catch((cause: Error) => {
      throw socket ? new Unfinished(cause.message, { cause }) : cause;
    });
    return { status: exitStatus(status), stdout: await stdout.text, stderr: await stderr.text };
  } finally {
    over = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", interrupt);
    input?.destroy();
    socket?.terminate();
  }
}

/**
 * Collects the text of a stream, up to its end. The client ends it with the command's status.
 * @param endless is aborted if there is too much of it
 */
function collected(
  endless: AbortController,
  listener?: (text: string) => void,
): { stream: PassThrough; text: Promise<string> } {
  const stream = new PassThrough();
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    if (text.length + piece.length > longestText) return endless.abort();
    const clean = printable(piece);
    text += clean;
    listener?.(clean);
  });
  return { stream, text: new Promise((resolve) => stream.once("end", () => resolve(text))) };
}

/** Returns the exit status. @throws with the runtime's words if the command was not started */
function exitStatus({ status, message, details }: V1Status): number {
  if (status === "Success") return 0;
  const code = details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  if (code === undefined) throw new Error(printable(message ?? "the command was not started"));
  return Number(code);
}

/** The command was started, and it is not known how far it got. */
export class Unfinished extends Error {}

/** The API server did not open the WebSocket. Its reason is lost: the client keeps only the status of the answer. */
export class NotOpened extends Error {
  constructor(readonly code: number) {
    super(`the API server answered HTTP ${code}`);
  }
}

function handshakeError(error: unknown): Error {
  const message = String((error as { message?: unknown }).message ?? error);
  const code = /Unexpected server response: (\d+)/.exec(message)?.[1];
  return code ? new NotOpened(Number(code)) : new Error(reasonOf((error as { error?: unknown }).error ?? error));
}

/** Returns the commands that tell whether somebody has these rights to exec. @param flags of `kubectl auth can-i` */
export const mayExecCommands = (kubectl: string, verbs = ["get", "create"], flags = ""): string =>
  verbs.map((verb) => `${kubectl} auth can-i ${verb} pods/exec${flags}`).join("; ");

/**
 * Explains in one line why a command could not be run in a container, and what to do.
 * @param error of {@link Cluster.exec}
 * @param kubectl with its flags, as in {@link Target}
 */
export function refusalOf(error: Error, { pod, container }: ContainerPlace, kubectl: string): string {
  const { cause, message } = error;
  if (cause instanceof NotOpened && (cause.code === 403 || cause.code === 401)) {
    return `${message}. An exec takes get and create on pods/exec: ${mayExecCommands(kubectl)}`;
  }
  if (/executable file not found|no such file or directory/.test(message)) {
    return `container ${container} has no shell, so nothing can sweep there. ${kubectl} delete pod ${pod} empties its /dev/shm (its users log in again)`;
  }
  return message;
}
