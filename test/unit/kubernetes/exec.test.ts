// Commands in containers, on a client with given answers. test/e2e/node proves that a real kubelet answers so.
import assert from "node:assert/strict";
import type { PassThrough } from "node:stream";
import type { V1Status } from "@kubernetes/client-node" with { "resolution-mode": "import" };
import { execIn, Unfinished, type ExecClient, type ExecSocket } from "../../../kubernetes/exec";

const place = { namespace: "authentik", pod: "main-a", container: "proxy" };

class Socket implements ExecSocket {
  terminated = 0;
  private readonly listeners: Record<string, (value: never) => void> = {};
  on = (event: string, listener: (value: never) => void) => (this.listeners[event] = listener);
  emit = (event: string, value: unknown) => this.listeners[event](value as never);
  terminate = () => void this.terminated++;
}

/** Makes a client whose command behaves as given. The streams end with the status, as with the real client. */
function client(behave: (command: Parameters<ExecClient["exec"]>, socket: Socket) => void, socket = new Socket()) {
  const exec: ExecClient["exec"] = (...args) => {
    setImmediate(() => behave(args, socket));
    return Promise.resolve(socket);
  };
  return { client: { exec }, socket };
}

const ends =
  (status: V1Status): Parameters<typeof client>[0] =>
  ([, , , , stdout, stderr, , , onStatus]) => {
    stdout.write("out 1\n");
    stderr.write("aside\n");
    stdout.end("out 2 ü\n");
    stderr.end();
    onStatus(status);
  };

describe("exec", () => {
  it("gives both streams and the exit status, and closes the connection", async () => {
    const asked: unknown[] = [];
    const { client: ok, socket } = client((args, socket) => {
      asked.push(...args.slice(0, 4), args[6], args[7]);
      ends({ status: "Success" })(args, socket);
    });
    const pieces: string[] = [];
    const ended = await execIn(ok, place, ["df", "-k"], { onStdout: (text) => pieces.push(text) });
    assert.deepEqual(ended, { status: 0, stdout: "out 1\nout 2 ü\n", stderr: "aside\n" });
    assert.equal(pieces.join(""), ended.stdout);
    assert.deepEqual(asked, ["authentik", "main-a", "proxy", ["df", "-k"], null, false]);
    assert.equal(socket.terminated, 1);
  });

  it("writes stdin's text at once, leaves the stream open until the status, and then destroys it", async () => {
    const seen: unknown[] = [];
    const inputs: PassThrough[] = [];
    const { client: reads } = client((args, socket) => {
      const input = args[6]!;
      inputs.push(input);
      seen.push(String(input.read()), input.writableEnded, input.destroyed);
      ends({ status: "Success" })(args, socket);
    });
    const { status } = await execIn(reads, place, ["sh", "-s"], { stdin: "echo ü\nexit\n" });
    assert.deepEqual([status, ...seen], [0, "echo ü\nexit\n", false, false]);
    assert.deepEqual([inputs[0].writableEnded, inputs[0].destroyed], [false, true]);
  });

  it("takes a failing command for an answer", async () => {
    const causes = [{ reason: "ExitCode", message: "3" }];
    const status = { status: "Failure", reason: "NonZeroExitCode", message: "exit code 3", details: { causes } };
    assert.equal((await execIn(client(ends(status)).client, place, ["false"])).status, 3);
  });

  it("fails with the runtime's words where the command was not started", async () => {
    const status = { status: "Failure", reason: "InternalError", message: 'exec: "sh": executable file not found' };
    await assert.rejects(execIn(client(ends(status)).client, place, ["sh"]), {
      message: 'exec: "sh": executable file not found',
    });
  });

  it("fails where the connection is closed or broken before the command ended", async () => {
    const closed = client((_args, socket) => void socket.emit("close", 1006));
    await assert.rejects(execIn(closed.client, place, ["sh"]), {
      message: "the connection was closed (1006) before it ended",
    });
    const broken = client((_args, socket) => void socket.emit("error", new Error("read ECONNRESET")));
    await assert.rejects(execIn(broken.client, place, ["sh"]), { message: "read ECONNRESET" });
  });

  it("closes the connection once it is interrupted, and says that the end is not known", async () => {
    const ctrlC = new AbortController();
    const { client: slow, socket } = client(() => ctrlC.abort());
    const ended = execIn(slow, place, ["sleep"], { signal: ctrlC.signal });
    await assert.rejects(ended, (error) => error instanceof Unfinished && error.message === "interrupted");
    assert.equal(socket.terminated, 1);
  });

  it("begins nothing once it is interrupted", async () => {
    const never = { exec: () => Promise.reject(new Error("it began")) };
    const signal = AbortSignal.abort();
    await assert.rejects(execIn(never, place, ["sh"], { signal }), { message: "interrupted" });
  });

  it("closes a connection that opens only after it has given up", async () => {
    const socket = new Socket();
    let open: (socket: Socket) => void = () => undefined;
    const opening = new Promise<Socket>((resolve) => (open = resolve));
    await assert.rejects(execIn({ exec: () => opening }, place, ["sleep"], { timeoutMs: 10 }), {
      message: "no end within 0.01 s",
    });
    open(socket);
    await opening;
    assert.equal(socket.terminated, 1);
  });

  it("fails with the status of an answer that is no WebSocket, and with what else goes wrong", async () => {
    const answers = (message: string) => ({ exec: () => Promise.reject(new Error(message)) });
    await assert.rejects(execIn(answers("Unexpected server response: 403"), place, ["sh"]), {
      message: "the API server answered HTTP 403",
      code: 403,
    });
    // The client passes on an event of the WebSocket, which is no Error.
    const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const refused = { exec: () => Promise.reject({ message: error.message, error }) };
    await assert.rejects(execIn(refused, place, ["sh"]), { message: "connect ECONNREFUSED" });
  });

  it("leaves a command alone that prints without end", async () => {
    const { client: endless, socket } = client(([, , , , stdout]) => {
      for (let mebibytes = 0; mebibytes < 3; mebibytes++) stdout.write("x".repeat(1024 * 1024));
    });
    await assert.rejects(execIn(endless, place, ["yes"]), {
      message: "it printed more than 1 MiB, and was left alone",
    });
    assert.equal(socket.terminated, 1);
  });

  it("gives what a terminal would obey as question marks", async () => {
    const { client: rude } = client(([, , , , stdout, stderr, , , onStatus]) => {
      stdout.end("\u001b]0;title\u0007ok\u202e\n\ttab\r\n");
      stderr.end("\u009b2J");
      onStatus({ status: "Success" });
    });
    const pieces: string[] = [];
    const { stdout, stderr } = await execIn(rude, place, ["df"], { onStdout: (text) => pieces.push(text) });
    assert.deepEqual([stdout, stderr, pieces.join("")], ["?]0;title?ok?\n\ttab\n", "?2J", "?]0;title?ok?\n\ttab\n"]);
  });
});
